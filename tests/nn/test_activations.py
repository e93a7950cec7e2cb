"""Activations: what torch's give, and their gradients of both orders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from seqgan_wgp.nn.layers import leaky_relu, relu


def test_relu_is_torchs_with_equal_gradients_of_both_orders() -> None:
    x = torch.linspace(-2, 2, 40, dtype=torch.float64).requires_grad_(True)

    def both_orders(function: object) -> tuple[Tensor, Tensor, Tensor]:
        assert callable(function)
        y = function(x)
        (first,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first**2).sum(), x)
        return y, first, second

    for ours, theirs in zip(both_orders(relu), both_orders(functional.relu), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("leak", [0.2, 0.0])
def test_leaky_relu_is_torchs_with_equal_gradients_of_both_orders(leak: float) -> None:
    x = torch.linspace(-2, 2, 41, dtype=torch.float64).requires_grad_(True)

    def both_orders(function: object) -> tuple[Tensor, Tensor, Tensor]:
        assert callable(function)
        y = function(x)
        (first,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first**2).sum(), x)
        return y, first, second

    ours = both_orders(lambda x: leaky_relu(x, leak))
    theirs = both_orders(lambda x: functional.leaky_relu(x, leak))
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
