"""Files of masks are read as hashcat reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.mask_file import read_mask_file

Parsed = list[tuple[str, tuple[str | None, ...]]]


def read(tmp_path: Path, text: str) -> Parsed:
    path = tmp_path / "masks.hcmask"
    path.write_text(text, encoding="utf-8", newline="")
    return [(mask.mask, mask.sets) for mask in read_mask_file(path)]


@pytest.mark.parametrize(
    ("text", "masks"),
    [
        ("?l?l\n?d\n", [("?l?l", ()), ("?d", ())]),
        ("?l?d,?u?1?1\n", [("?u?1?1", ("?l?d",))]),
        ("abc,?d,?u,xy,?1?2?3?4", [("?1?2?3?4", ("abc", "?d", "?u", "xy"))]),
        ("# comment\n\n\r\n?l\r\n", [("?l", ())]),
        ("\\#?l\n?d#", [("#?l", ()), ("?d#", ())]),
        ("a\\,b,?1\\,?1\n", [("?1,?1", ("a,b",))]),
        ("ab,?1?d,?2\n", [("?2", ("ab", "?1?d"))]),
        ("ab,cd,?1\n", [("?1", ("ab",))]),
        ("?h?H?b??\n", [("?h?H?b??", ())]),
        ("?l\n?l\nab,?1\n", [("?l", ()), ("?1", ("ab",))]),
        ("\ufeff?l\n", [("?l", ())]),
    ],
)
def test_lines_are_sets_and_a_mask(text: str, masks: Parsed, tmp_path: Path) -> None:
    assert read(tmp_path, text) == masks
    for mask, sets in masks:
        Constraints(mask=mask, sets=sets)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("?l\n?x\n", "line 2: --mask '?x': there is no set ?x"),
        ("?1\n", "line 1: --mask '?1' has ?1, but no -1 is given"),
        ("a,b,c,d,e,?1\n", "line 1: it has 5 custom sets"),
        ("ab,\n", "line 1: 'ab,' has no mask behind its last comma"),
        (",?1\n", "line 1: -1 is empty"),
        ("# nothing\n\n", "has no mask"),
        ("", "has no mask"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert says in caught.value.message
    assert "masks.hcmask" in caught.value.message


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe?l")
    for name, reason in (("bytes", "not UTF-8"), ("none", "No such file"), (".", "directory")):
        with pytest.raises(ConfigError, match=reason):
            read_mask_file(tmp_path / name)
