"""Rows of ids for Hypothesis, and the strings that rows stand for."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from seqgan_wgp.text.vocabulary import PAD

dtypes = st.sampled_from([np.uint8, np.uint16, np.int64])
row_pairs = st.integers(1, 6).flatmap(
    lambda length: st.tuples(
        *[st.lists(st.lists(st.integers(0, 2), min_size=length, max_size=length), min_size=1, max_size=30)] * 2
    )
)


def string(row: list[int]) -> tuple[int, ...]:
    """Return the ids before the first pad."""
    return tuple(row[: row.index(PAD)] if PAD in row else row)
