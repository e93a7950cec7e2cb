"""Sets of strings by short hashes: they know their strings, whatever the type and the padding, and hardly any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqgan_wgp.text.hashing.short_hashes import ShortHashes


@pytest.fixture
def rows_NL() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(2, 30, (5_000, 8)).astype(np.uint8)


def test_it_has_its_strings_and_hardly_any_other(rows_NL: np.ndarray[Any, Any]) -> None:
    known = ShortHashes.of([rows_NL[:1_000], rows_NL[1_000:2_000]])
    assert len(known) == len(np.unique(rows_NL[:2_000], axis=0))
    assert known.has(rows_NL[:2_000]).all()
    assert not known.has(rows_NL[2_000:]).any()  # 3,000 strings, each mistaken once in two million


def test_the_share_that_occurred_once_estimates_what_is_unseen() -> None:
    rng = np.random.default_rng(1)
    share_K = rng.dirichlet(np.full(4_000, 0.3))
    kind_NL = np.stack(np.divmod(np.arange(4_000), 64), axis=1).astype(np.uint8) + 2
    seen_N = rng.choice(4_000, 3_000, p=share_K)
    missing = share_K[np.setdiff1d(np.arange(4_000), seen_N)].sum()
    assert ShortHashes.of([kind_NL[seen_N]]).unseen == pytest.approx(missing, abs=0.03)
    assert ShortHashes.of([kind_NL]).unseen == 1 == ShortHashes.of([]).unseen


def test_parts_and_their_order_do_not_matter(rows_NL: np.ndarray[Any, Any]) -> None:
    one = ShortHashes.of([rows_NL])
    two = ShortHashes.of([rows_NL[3_000:], rows_NL[:3_000], rows_NL[:10]])
    assert (one.hash_R == two.hash_R).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_the_type_of_the_ids_does_not_matter(rows_NL: np.ndarray[Any, Any], dtype: type) -> None:
    assert ShortHashes.of([rows_NL]).has(rows_NL.astype(dtype)).all()


def test_what_follows_the_first_pad_does_not_matter(rows_NL: np.ndarray[Any, Any]) -> None:
    ended_NL, dirty_NL = rows_NL.copy(), rows_NL.copy()
    ended_NL[:, 4:] = 0
    dirty_NL[:, 4] = 0
    assert ShortHashes.of([ended_NL]).has(dirty_NL).all()


def test_an_empty_set_has_nothing(rows_NL: np.ndarray[Any, Any]) -> None:
    assert not ShortHashes.of([]).has(rows_NL).any()
    assert ShortHashes.of([rows_NL]).has(rows_NL[:0]).shape == (0,)
