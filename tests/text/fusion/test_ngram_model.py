"""The n-gram model's states and rows equal their definition, written plainly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.text.fusion.decode import Powers
from seqgan_wgp.text.fusion.fusion import Fusion, fusion_of
from seqgan_wgp.text.fusion.ngram_model import NgramModel, order_most
from seqgan_wgp.text.vocabulary import PAD

SIZE, LENGTH = 6, 7


def lines(count: int = 300, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return rows in which one id depends on the two before, some of them without a pad."""
    noise = np.random.default_rng(seed)
    ids_NL = np.zeros((count, LENGTH), np.int64)
    for row_L, size in zip(ids_NL, noise.integers(0, LENGTH + 1, count), strict=True):
        for place in range(size):
            row_L[place] = 2 + (row_L[:place][-2:].sum() + noise.integers(0, 2)) % (SIZE - 2)
    return ids_NL


def grams(ids_NL: npt.NDArray[np.int64], order: int) -> list[tuple[int, ...]]:
    """Return all n-grams of rows, start symbols before them, up to and including each first pad."""
    found = []
    for row in ids_NL.tolist():
        ended = row[: row.index(PAD) + 1] if PAD in row else row
        padded = [SIZE] * (order - 1) + ended
        found += [tuple(padded[place : place + order]) for place in range(len(ended))]
    return found


def probability(ids_NL: npt.NDArray[np.int64], context: tuple[int, ...], one: int) -> float:
    """Return P(id | context) by Witten-Bell smoothing: the definition."""
    followers = Counter(gram[-1] for gram in grams(ids_NL, len(context) + 1) if gram[:-1] == context)
    shorter = probability(ids_NL, context[1:], one) if context else 1 / SIZE
    kinds, seen = len(followers), sum(followers.values())
    return (followers[one] + kinds * shorter) / (seen + kinds) if seen else shorter


@pytest.mark.parametrize("order", [1, 2, 4])
def test_walking_the_table_gives_the_smoothed_probabilities(order: int) -> None:
    ids_NL = lines(60)
    table = NgramModel.fit([ids_NL[:25], ids_NL[25:]], SIZE, order).table
    strings = [[], [2], [5, 5, 5], [3, 2, 4, 5], [1, 2, 3], *lines(4, seed=9).tolist()]
    for string in strings:
        state, context = table.start, (SIZE,) * (order - 1)
        for one in [*string, PAD]:
            expected = [np.log(probability(ids_NL, context, other)) for other in range(SIZE)]
            np.testing.assert_allclose(table.log_probability_SV[state], expected, rtol=1e-5)
            if one == PAD:
                break
            state, context = table.next_SV[state, one], ((*context, one)[1:] if context else ())


def test_rows_are_distributions_and_a_lower_order_needs_no_lines() -> None:
    model = NgramModel.fit([lines()], SIZE, 4)
    np.testing.assert_allclose(np.exp(model.table.log_probability_SV.astype(np.float64)).sum(axis=1), 1, rtol=1e-5)
    assert model.cells == model.table.log_probability_SV.size
    for order in (1, 2, 3):
        other = NgramModel.fit([lines()], SIZE, order)
        lower = model.of_order(order)
        assert (lower.key_N == other.key_N).all() and (lower.count_N == other.count_N).all()


def test_the_likelihood_is_the_mean_over_symbols() -> None:
    ids_NL = lines(50)
    model = NgramModel.fit([ids_NL], SIZE, 3)
    logs = [np.log(probability(ids_NL, gram[:-1], gram[-1])) for gram in grams(ids_NL[:8], 3)]
    assert model.nll(ids_NL[:8]) == pytest.approx(-np.mean(logs), rel=1e-5)
    better = NgramModel.fit([lines(2_000)], SIZE, 3).nll(lines(500, seed=5))
    assert better < NgramModel.fit([lines(2_000)], SIZE, 1).nll(lines(500, seed=5)) - 0.1


def test_what_a_file_holds_is_the_same_model() -> None:
    model = NgramModel.fit([lines()], SIZE, 4)
    kept = Fusion(ngrams=model, powers=Powers(generator=0.8, ngram=0.5), facts={"order": 4})
    again = fusion_of(kept.to_facts(), kept.to_tensors(), SIZE)
    assert again.powers == kept.powers
    assert (again.ngrams.table.log_probability_SV == model.table.log_probability_SV).all()
    assert (again.ngrams.table.next_SV == model.table.next_SV).all()
    tensors = kept.to_tensors()
    for damaged in (
        {"fusion.counts": tensors["fusion.counts"]},
        {**tensors, "fusion.counts": tensors["fusion.counts"][1:]},
        {**tensors, "fusion.counts": torch.zeros_like(tensors["fusion.counts"])},
        {**tensors, "fusion.ngrams": tensors["fusion.ngrams"].flip(0)},
        {**tensors, "fusion.ngrams": tensors["fusion.ngrams"] + 1},
    ):
        with pytest.raises(CheckpointError, match="fusion"):
            fusion_of(kept.to_facts(), damaged, SIZE)
    with pytest.raises(CheckpointError, match="power"):
        fusion_of({**kept.to_facts(), "powers": {"generator": -1.0, "ngram": 0.5}}, tensors, SIZE)


def test_orders_that_cannot_be() -> None:
    assert (250 + 1) ** order_most(250) < 2**62 < (250 + 1) ** (order_most(250) + 1)
    for order in (0, order_most(SIZE) + 1):
        with pytest.raises(ValueError, match="order"):
            NgramModel.fit([lines(3)], SIZE, order)
    with pytest.raises(ValueError, match="no rows"):
        NgramModel.fit([], SIZE, 2)
    with pytest.raises(ValueError, match="order"):
        NgramModel.fit([lines(3)], SIZE, 2).of_order(3)
