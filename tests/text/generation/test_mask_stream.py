"""Masks of a file: shares in proportion to lines, no string twice, and going on mask by mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.mask_file import FileMask, read_mask_file
from seqgan_wgp.text.generation import by_probability, stages
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.mask_stream import MaskPlan, mask_stream, plan_masks, shared
from seqgan_wgp.text.generation.request import Progress, Request
from seqgan_wgp.text.generation.stream import TextModel
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.readers.lines import Lines
from seqgan_wgp.text.vocabulary import Vocabulary

from .making import LENGTH, text_model

MASKS = "ab,?1?1\nac,b?1?1\n?l?l?l?l\n?u\n?l\n"
LINES = ["ab", "ba", "baa", "bcc", "eeee", "eeed", "eeec", "abcd", "x", "aaaaa"]


@pytest.fixture
def model(tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> TextModel:
    monkeypatch.setattr(stages, "MAX_IDLE", 600)
    monkeypatch.setattr(by_probability, "LATENTS", 512)
    return text_model(tiny_config(), Vocabulary("abcde"))


@pytest.fixture
def masks(tmp_path: Path) -> tuple[FileMask, ...]:
    (tmp_path / "masks").write_text(MASKS)
    return read_mask_file(tmp_path / "masks")


def plan_of(model: TextModel, masks: tuple[FileMask, ...], n: int, *, each: bool = False) -> MaskPlan:
    lines = [model.spec.vocabulary.encode(LINES, LENGTH)]
    return plan_masks(model, Constraints(without=("dd",)), masks, lines, n, each=each)


def a_sieve(model: TextModel, known: tuple[str, ...] = ()) -> StringFilter:
    sieve = StringFilter(StringHashes(model.spec.vocabulary, LENGTH), unique=True)
    sieve.exclude([Lines.of(known, as_bytes=False)])
    return sieve


def followed(
    model: TextModel, plan: MaskPlan, known: tuple[str, ...] = (), begun: Progress | None = None
) -> list[tuple[str, Progress]]:
    found = mask_stream(model, Request(n=1, seed=2), plan, a_sieve(model, known), begun)
    return [(text, at) for block, at in found for text in model.spec.to_text(block.ids_NL)]


def test_shares_go_by_the_lines_that_satisfy_and_stop_at_what_there_is(
    model: TextModel, masks: tuple[FileMask, ...]
) -> None:
    plan = plan_of(model, masks, 100)
    assert [(share.mask.mask, share.lines, share.size) for share in plan.shares] == [
        ("?1?1", 2, 4),
        ("b?1?1", 2, 4),
        ("?l?l?l?l", 4, 560),
        ("?l", 0, 5),
    ]
    assert (plan.impossible, plan.lines, plan.strings) == (1, len(LINES), 100)
    assert [share.strings for share in plan.shares] == [4, 4, 92, 0]
    assert [share.strings for share in plan_of(model, masks, 7).shares] == [2, 2, 3, 0]
    assert [share.strings for share in plan_of(model, masks, 9, each=True).shares] == [4, 4, 9, 5]
    assert plan_of(model, masks, 9).sha256() != plan_of(model, masks, 10).sha256()


def test_each_mask_gets_its_share_and_no_string_comes_twice(model: TextModel, masks: tuple[FileMask, ...]) -> None:
    plan = plan_of(model, masks, 573)
    found = followed(model, plan)
    strings = [text for text, _at in found]
    assert len(set(strings)) == len(strings) == 573 == plan.strings, "all of the space"
    assert Counter(at.part for _text, at in found) == {0: 4, 1: 4, 2: 560, 3: 5}
    for text, at in found:
        assert plan.shares[at.part].constraints.satisfied_by(text)
    assert [at.strings for _text, at in found][-1] == 573


@pytest.mark.parametrize("stop", [2, 4, 6, 40, 100])
def test_stopping_and_going_on_is_the_same_as_never_stopping(
    stop: int, model: TextModel, masks: tuple[FileMask, ...]
) -> None:
    plan = plan_of(model, masks, 120)
    whole = followed(model, plan)
    ends = [k for k in range(len(whole) - 1) if whole[k][1] != whole[k + 1][1]]
    stopped = min(ends, key=lambda k: abs(k - stop))
    known = tuple(text for text, _at in whole[: stopped + 1])
    assert followed(model, plan, known, whole[stopped][1]) == whole[stopped + 1 :]


def test_what_a_mask_decoded_but_did_not_take_is_left_for_others(model: TextModel, tmp_path: Path) -> None:
    (tmp_path / "masks").write_text("?l?l\na?l\n")
    plan = plan_masks(model, Constraints(), read_mask_file(tmp_path / "masks"), [], 5, each=True)
    found = followed(model, plan)
    # The second mask has 5 strings; it gets those that the first did not take.
    first = {text for text, at in found if at.part == 0}
    assert len(first) == 5
    assert {text for text, at in found if at.part == 1} == {f"a{letter}" for letter in "abcde"} - first


@pytest.mark.parametrize(("n", "total"), [(24, 24), (25, 25), (30, 25)])
def test_masks_with_strings_in_common_give_the_number_asked_for(
    n: int, total: int, model: TextModel, tmp_path: Path
) -> None:
    (tmp_path / "masks").write_text("a?l\n?lb\n?l?l\n")
    lines = [model.spec.vocabulary.encode(["aa", "cb", "db", "ee"], LENGTH)]
    plan = plan_masks(model, Constraints(), read_mask_file(tmp_path / "masks"), lines, n, each=False)
    found = followed(model, plan)
    assert len({text for text, _at in found}) == len(found) == total
    ends = [k for k in range(len(found) - 1) if found[k][1] != found[k + 1][1]]
    for stopped in ends:
        known = tuple(text for text, _at in found[: stopped + 1])
        assert followed(model, plan, known, found[stopped][1]) == found[stopped + 1 :]


def test_masks_that_no_string_satisfies_are_refused_with_a_line(model: TextModel, tmp_path: Path) -> None:
    (tmp_path / "masks").write_text("# far away\n?u\n?d?d\n")
    with pytest.raises(ConfigError, match="any of the 2 masks; line 2: --mask '\\?u'"):
        plan_masks(model, Constraints(), read_mask_file(tmp_path / "masks"), [], 5, each=False)


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10**5) | st.just(10**30)), min_size=1, max_size=9),
)
def test_a_number_is_shared_in_proportion_within_bounds(n: int, pairs: list[tuple[int, int]]) -> None:
    weights, most = zip(*pairs, strict=True)
    shares = shared(n, weights, most)
    assert sum(shares) == min(n, sum(most))
    assert all(0 <= share <= bound for share, bound in zip(shares, most, strict=True))
    free = [k for k, share in enumerate(shares) if share < most[k] and weights[k]]
    for one in free:  # what no bound cuts off is in proportion, up to rounding in each round
        for other in free:
            assert abs(shares[one] * weights[other] - shares[other] * weights[one]) <= 50 * (len(pairs) + 1)
    if not any(weights) and len(set(most)) == 1:
        assert max(shares) - min(shares) <= 1
