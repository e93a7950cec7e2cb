"""The classifier of labels: it learns what separates, is sure of nothing else, and counts n-grams with their ends."""

from __future__ import annotations

import numpy as np
import torch

from seqgan_wgp.text.metrics.label_classifier import ORDERS, LabelClassifier, buckets_of
from seqgan_wgp.utils.arrays import Ints

L = 6


def strings(count: int, seed: int) -> Ints:
    """Strings of 3 to 6 of eight symbols, padded."""
    random = np.random.default_rng(seed)
    ids_NL = random.integers(2, 10, (count, L)).astype(np.uint8)
    ids_NL[np.arange(L) >= random.integers(3, L + 1, count)[:, None]] = 0
    return ids_NL


def of_first(ids_NL: Ints) -> Ints:
    """A label of each string by its first symbol."""
    return (ids_NL[:, 0] - 2) // 3


def of_last(ids_NL: Ints) -> Ints:
    """A label of each string by its last symbol."""
    last_N: Ints = (ids_NL[np.arange(len(ids_NL)), (ids_NL != 0).sum(axis=1) - 1] - 2) // 4
    return last_N


def test_it_learns_a_label_of_the_first_symbol_and_one_of_the_last() -> None:
    train_NL, test_NL = strings(2_000, 0), strings(500, 1)
    for label_of in (of_first, of_last):
        label_N = label_of(train_NL)
        fitted = LabelClassifier.fit(train_NL, label_N, int(label_N.max()) + 1)
        assert (fitted.predict(test_NL) == label_of(test_NL)).mean() > 0.99


def test_it_cannot_tell_labels_that_say_nothing() -> None:
    random = np.random.default_rng(2)
    fitted = LabelClassifier.fit(strings(2_000, 0), random.integers(0, 2, 2_000), 2)
    right_N = fitted.predict(strings(1_000, 1)) == random.integers(0, 2, 1_000)
    assert abs(right_N.mean() - 0.5) < 0.06


def test_the_same_arguments_give_the_same_classifier() -> None:
    train_NL = strings(300, 0)
    label_N = train_NL[:, 0] % 2
    one, two = (LabelClassifier.fit(train_NL, label_N, 2).predict(strings(300, 1)) for _ in range(2))
    assert np.array_equal(one, two)


def test_n_grams_are_those_of_the_string_and_its_ends_alone() -> None:
    short_NL = np.array([[3, 4, 0, 0, 0, 0], [3, 4, 0, 7, 7, 7]], np.uint8)  # what stands behind the end is nothing
    bucket_NM = buckets_of(short_NL, 1_000)
    assert torch.equal(bucket_NM[0], bucket_NM[1])
    counted = sum(2 + 2 - order + 1 for order in ORDERS if order <= 4)  # two symbols and two marks
    assert int((bucket_NM[0] != 0).sum()) == counted
    other = buckets_of(np.array([[4, 3, 0, 0, 0, 0]], np.uint8), 1_000)[0]
    assert set(other.tolist()) != set(bucket_NM[0].tolist())
