"""Activations: what torch's give, and their gradients of both orders."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqgan_wgp.nn.activations import relu


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
