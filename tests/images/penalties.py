"""The gradient of the penalty through an image critic, against finite differences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqgan_wgp.training.penalties import gp, slopes


def assert_gradient_of_the_penalty_is_right(critic: nn.Module, x_BCHW: Tensor) -> None:
    """By finite differences in every weight, through the second derivatives of every layer; both are float64."""
    names, values = zip(*critic.named_parameters(), strict=True)

    def penalty(*parameters: Tensor) -> Tensor:
        by_name = dict(zip(names, parameters, strict=True))
        return gp(slopes(lambda x: torch.func.functional_call(critic, by_name, (x,)), x_BCHW))

    parameters = tuple(value.detach().clone().requires_grad_(True) for value in values)
    assert penalty(*parameters).item() > 0
    assert torch.autograd.gradcheck(penalty, parameters)
