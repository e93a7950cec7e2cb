"""Memory is kept where the C library lets it, and where it does not, nothing is changed and nothing fails."""

from __future__ import annotations

import ctypes

import pytest

from seqgan_wgp.utils.malloc import KEPT_BYTES, c_library, keep_memory

TRIM, MMAP = -1, -3


class Fake:
    """A C library that accepts thresholds up to `most`, as the GNU one does, and notes what it has accepted."""

    def __init__(self, most: int) -> None:
        self.most, self.accepted = most, dict[int, int]()

    def mallopt(self, setting: int, value: int, /) -> int:
        if setting == MMAP and value > self.most:
            return 0
        self.accepted[setting] = value
        return 1


@pytest.mark.parametrize(("most", "kept"), [(2**40, 2**30), (2**25, 2**25)])
def test_the_largest_size_that_is_accepted_is_kept(most: int, kept: int) -> None:
    library = Fake(most)
    assert keep_memory(lambda: library) == kept
    assert library.accepted == {MMAP: kept, TRIM: kept}


def test_a_library_that_refuses_is_left_alone() -> None:
    library = Fake(min(KEPT_BYTES) - 1)
    assert keep_memory(lambda: library) is None
    assert library.accepted == {}


def test_without_a_library_nothing_is_done() -> None:
    assert keep_memory(lambda: None) is None


@pytest.mark.parametrize("error", [TypeError, OSError])
def test_a_system_whose_library_has_no_name_is_no_error(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_name: object) -> object:
        raise error("no such library")

    monkeypatch.setattr(ctypes, "CDLL", refused)
    assert c_library() is None


def test_a_library_without_the_setting_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert c_library() is None
