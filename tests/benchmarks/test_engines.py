"""What stands for TF32 where there is no GPU rounds as one does."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from benchmarks.engines import RoundedFactors, _tf32


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1.0, 1.0),
        (1 + 2**-10, 1 + 2**-10),
        (1 + 2**-11, 1.0),  # a tie goes to the even one, here down
        (1 + 3 * 2**-11, 1 + 2**-9),  # and here up
        (-(1 + 2**-11 + 2**-20), -(1 + 2**-10)),
        (0.0, 0.0),
    ],
)
def test_ten_bits_are_kept(value: float, rounded: float) -> None:
    assert _tf32(torch.tensor([value])).item() == rounded


def test_products_and_their_gradients_have_rounded_factors() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 7), torch.randn(4, 3, 5, requires_grad=True)
    with RoundedFactors():  # type: ignore[no-untyped-call]
        found = functional.conv1d(x, weight, padding=2)
        (gradient,) = torch.autograd.grad(found.square().sum() / 2, weight)
    expected = functional.conv1d(_tf32(x), _tf32(weight.detach()), padding=2)
    assert torch.equal(found, expected)
    again = _tf32(weight.detach()).requires_grad_(True)
    (other,) = torch.autograd.grad(functional.conv1d(_tf32(x), again, padding=2), again, _tf32(expected))
    torch.testing.assert_close(gradient, other, rtol=1e-6, atol=1e-6)
    with RoundedFactors():  # type: ignore[no-untyped-call]
        assert torch.equal(torch.mm(x[0].double(), x[0].t().double()), x[0].double() @ x[0].t().double())
