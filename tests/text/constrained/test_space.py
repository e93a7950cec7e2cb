"""All strings of a trellis are those that the constraints allow; their probabilities are those of the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.constrained import space
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.decoder import compile_constraints
from seqgan_wgp.text.constrained.log_probs import score
from seqgan_wgp.text.constrained.space import count_strings, space_of
from seqgan_wgp.text.constrained.trellis import allows
from seqgan_wgp.text.vocabulary import Vocabulary

from .making import ABC, LENGTH, STRINGS, all_constraints, padded


@given(all_constraints(), st.integers(0, 2**32), st.booleans())
@settings(max_examples=50)
def test_probabilities_are_means_over_all_tables(constraints: Constraints, seed: int, is_split: bool) -> None:
    """Whether tables come in one block or in several."""
    try:
        trellis = compile_constraints(constraints, ABC, LENGTH).trellis
    except ConfigError:
        return
    if not constraints:
        return
    allowed = sorted(tuple(padded(ids)) for string, ids in STRINGS.items() if constraints.satisfied_by(string))
    found = space_of(trellis)
    ids_SL = found.ids()
    assert count_strings(trellis) == len(ids_SL) == len(allowed)
    assert sorted(map(tuple, ids_SL.tolist())) == allowed
    everything_NL = np.array([padded(ids) for ids in STRINGS.values()], np.uint8)
    assert allows(trellis, everything_NL).tolist() == [constraints.satisfied_by(string) for string in STRINGS]
    table_NLV = np.log(np.random.default_rng(seed).dirichlet(np.full(ABC.size, 0.3), (6, LENGTH)) + 1e-9)
    blocks = [table_NLV[:1], table_NLV[1:]] if is_split else [table_NLV]
    log_S = found.log_probabilities(blocks)
    one_by_one = [score(table_NLV, np.repeat(ids_L[None], 6, axis=0)) for ids_L in ids_SL]
    assert np.exp(log_S) == pytest.approx([np.exp(each).mean() for each in one_by_one], rel=1e-9)


def test_little_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = space_of(compile_constraints(Constraints(length=(1, None)), ABC, LENGTH).trellis)
    table_NLV = np.log(np.random.default_rng(0).dirichlet(np.ones(ABC.size), (40, LENGTH)))
    whole_S = found.log_probabilities([table_NLV])
    monkeypatch.setattr(space, "MAX_CELLS", 1)
    assert found.log_probabilities([table_NLV]) == pytest.approx(whole_S, rel=1e-12)
    assert np.exp(whole_S).sum() <= 1


def test_strings_that_are_extremely_rare_keep_their_order() -> None:
    table_1LV = np.full((1, LENGTH, ABC.size), -150.0)
    table_1LV[0, :, 2] = [-1.0, -2.0, -3.0, -4.0]
    found = space_of(compile_constraints(Constraints(length=(LENGTH, LENGTH)), ABC, LENGTH).trellis)
    log_S = found.log_probabilities([table_1LV])
    expected = table_1LV[0, np.arange(LENGTH), found.ids()].sum(axis=1)
    kept_S = expected > expected.max() - 600
    assert kept_S.sum() > 10 and log_S[kept_S] == pytest.approx(expected[kept_S])
    assert (log_S[~kept_S] < log_S[kept_S].min()).all()


def test_spaces_are_counted_without_being_listed() -> None:
    vocabulary = Vocabulary("abcdefghijklmnopqrstuvwxyz0123456789")
    for given_, size in (
        (Constraints(mask="?l" * 16), 26**16),
        (Constraints(mask="?d?d?d?d"), 10_000),
        (Constraints(length=(1, 3)), 36 + 36**2 + 36**3),
        (Constraints(length=(8, 8), at_least=("?d:1",)), 36**8 - 26**8),
        (Constraints(length=(6, 6), without=("aa",), charset="ab"), 21),  # a Fibonacci number
    ):
        counted = count_strings(compile_constraints(given_, vocabulary, 16).trellis)
        assert counted == pytest.approx(size, rel=1e-14)
        assert size >= 2**53 or counted == size
