"""The pair that training begins with is a pure function of the config, and what changes its layers keeps what it is."""

from __future__ import annotations

import pytest
import torch

from seqgan_wgp.config import override, recipe
from seqgan_wgp.images.dataset import ImageFacts
from seqgan_wgp.images.domain import ImageSpec
from seqgan_wgp.nn.layers import apply_weight_norm
from seqgan_wgp.training.build import build_generator_and_critic

FACTS = ImageFacts(name="made", sha256="", channels=1, height=12, width=12, train=1, validation=1, test=1)
FORM = ImageSpec(FACTS, "unit")
SMALL: dict[str, object] = {"generator.width": 2, "critic.width": 2, "generator.normalization": "none"}


@pytest.mark.parametrize(
    "changes",
    [
        {"generator.normalization": "weight", "critic.normalization": "weight"},
        {"objective.constraint": "spectral", "objective.penalty_weight": 0.0},
    ],
)
def test_a_fresh_pair_is_the_same_every_time(changes: dict[str, object]) -> None:
    config = override(recipe("mnist-fast", SMALL), changes)
    first = build_generator_and_critic(config, FORM)
    torch.rand(10)
    for one, other in zip(first, build_generator_and_critic(config, FORM), strict=True):
        assert one.state_dict().keys() == other.state_dict().keys()
        assert all(torch.equal(one.state_dict()[name], other.state_dict()[name]) for name in one.state_dict())


def test_weights_written_as_direction_and_length_are_what_they_were_and_a_length_belongs_to_a_unit() -> None:
    generator, critic = build_generator_and_critic(recipe("mnist-fast", SMALL), FORM)
    latent_BZ, x_BCHW = torch.randn(3, 128), torch.rand(3, 1, 12, 12)
    before = generator(latent_BZ), critic(x_BCHW)
    for network in (generator, critic):
        apply_weight_norm(network)
    assert torch.allclose(generator(latent_BZ), before[0], atol=1e-6)
    assert torch.allclose(critic(x_BCHW), before[1], atol=1e-6)
    lengths = {name: value.numel() for name, value in generator.state_dict().items() if name.endswith("original0")}
    assert lengths == {
        "input.parametrizations.weight.original0": 4 * 2 * 2 * 2,
        "double1.parametrizations.weight.original0": 2 * 2,
        "double2.parametrizations.weight.original0": 2,
        "double3.parametrizations.weight.original0": 1,
    }
