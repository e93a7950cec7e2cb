"""Half precision: small types, known errors, nothing that overflows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.utils.half_precision import halved


@given(st.lists(st.floats(-65_000, 65_000, width=32), min_size=1, max_size=20))
def test_weights_are_rounded_to_eleven_bits(values: list[float]) -> None:
    tensor = torch.tensor(values)
    half = halved({"w": tensor})["w"]
    assert half.dtype == torch.float16
    assert ((half.double() - tensor.double()).abs() <= tensor.double().abs() * 2**-11 + 2**-25).all()


@given(st.lists(st.integers(-(2**40), 2**40), max_size=8), st.sampled_from([torch.int32, torch.int64]))
def test_integers_stay_what_they_are(values: list[int], kind: torch.dtype) -> None:
    kept = [value for value in values if abs(value) < 2**31 or kind == torch.int64]
    tensor = torch.tensor(kept, dtype=kind)
    small = halved({"n": tensor})["n"]
    assert small.tolist() == kept
    assert small.element_size() <= tensor.element_size()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], torch.uint8), ([-1, 4], torch.int16), ([0, 256], torch.int16), ([40_000], torch.int32)],
)
def test_integers_take_the_smallest_type(values: list[int], kind: torch.dtype) -> None:
    assert halved({"n": torch.tensor(values)})["n"].dtype == kind


@pytest.mark.parametrize("value", [65_520.0, -1e6, float("inf"), float("nan")])
def test_what_does_not_fit_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match=r"the weight critic\.w does not fit into half precision"):
        halved({"critic.w": torch.tensor([1.0, value])})
