"""Context layers: nothing at first, then the whole string; twice differentiable; each sample by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from seqgan_wgp.nn.initialization import INITIALIZATIONS, initialize
from seqgan_wgp.nn.layers import (
    CONTEXTS,
    PositionAttention,
    PositionMixing,
    apply_weight_norm,
    context_layers,
    dilations,
    sinusoids,
)

B, C, L = 3, 8, 6
LAYERS = [name for name, context in CONTEXTS.items() if context.build is not None]
every = pytest.mark.parametrize("name", LAYERS)


def layer(name: str, *, channels: int = C, length: int = L, started: bool = False) -> nn.Module:
    """Return a layer in float64; unless `started`, as training may have left it."""
    build = CONTEXTS[name].build
    assert build is not None
    made = build(channels, length).double()
    initialize(made, "xavier", seed=1, first=0)
    if not started:
        noise = torch.Generator().manual_seed(2)
        with torch.no_grad():
            made.get_parameter("gain.weight").normal_(generator=noise)
    return made


def batch(channels: int = C, length: int = L) -> Tensor:
    return torch.randn(B, channels, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@every
def test_a_layer_starts_as_the_identity(name: str) -> None:
    assert torch.equal(layer(name, started=True)(batch()), batch())


@every
def test_every_position_sees_all_others_and_no_other_sample(name: str) -> None:
    made = layer(name)
    jacobian = torch.autograd.functional.jacobian(made, batch())  # type: ignore[no-untyped-call]
    assert isinstance(jacobian, Tensor)
    seen_BLBL = jacobian.abs().amax(dim=(1, 4))
    for one in range(B):
        assert (seen_BLBL[one, :, one] > 1e-12).all()
        assert not seen_BLBL[one][:, [other for other in range(B) if other != one]].any()


@every
def test_a_layer_is_differentiable_twice(name: str) -> None:
    made = layer(name, channels=4, length=3)
    x_BCL = batch(4, 3).requires_grad_(True)
    assert gradcheck(made, x_BCL)
    assert gradgradcheck(made, x_BCL)


@every
@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_every_scheme_leaves_the_gain_at_0_and_draws_the_rest_from_the_seed(name: str, scheme: str) -> None:
    build = CONTEXTS[name].build
    assert build is not None

    def drawn(seed: int) -> Tensor:
        torch.manual_seed(7)
        made = build(C, L)
        initialize(made, scheme, seed=seed, first=0)
        assert not made.get_parameter("gain.weight").any()
        return torch.cat([parameter.detach().flatten() for parameter in made.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert scheme == "constructor" or not torch.equal(drawn(1), drawn(2))


@every
def test_weight_norm_leaves_the_function_as_it_is(name: str) -> None:
    made = layer(name)
    expected = made(batch())
    apply_weight_norm(made)
    assert torch.allclose(made(batch()), expected)


def test_attention_is_that_of_torch() -> None:
    made = layer("attention")
    assert isinstance(made, PositionAttention)
    x_BCL = batch()
    seen_BLC = (functional.layer_norm(x_BCL.transpose(1, 2), (C,))) + made.position().t()
    query, key, value = (part.unflatten(2, (4, C // 4)).transpose(1, 2) for part in made.qkv(seen_BLC).split(C, dim=2))
    mixed_BLC = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    expected = x_BCL + (made.gain() * made.output(mixed_BLC)).transpose(1, 2)
    assert torch.allclose(made(x_BCL), expected)


def test_attention_tells_positions_apart_by_the_learnt_ones_alone() -> None:
    made, order = layer("attention"), torch.tensor([3, 0, 5, 1, 4, 2])
    assert not torch.allclose(made(batch()[:, :, order]), made(batch())[:, :, order])
    with torch.no_grad():
        made.get_parameter("position.weight").zero_()
    assert torch.allclose(made(batch()[:, :, order]), made(batch())[:, :, order])


def test_heads_share_the_channels_evenly_whatever_their_number() -> None:
    for channels, heads in ((64, 4), (48, 4), (6, 2), (7, 1)):
        assert PositionAttention(channels, L).heads == heads
        assert PositionAttention(channels, L)(torch.randn(2, channels, L)).shape == (2, channels, L)


def test_mixing_does_the_same_to_every_channel() -> None:
    made, order = layer("mixing"), torch.randperm(C, generator=torch.Generator().manual_seed(0))
    assert isinstance(made, PositionMixing)
    with torch.no_grad():
        made.gain.weight.fill_(0.5)
    assert torch.allclose(made(batch()[:, order]), made(batch())[:, order])


def test_sinusoids_are_those_of_the_paper() -> None:
    found_CL = sinusoids(4, 3)
    expected_CL = torch.tensor([[0, 1, 2], [0, 0.01, 0.02], [0, 1, 2], [0, 0.01, 0.02]]).double()
    assert torch.allclose(found_CL, torch.cat([expected_CL[:2].sin(), expected_CL[2:].cos()]).float())
    assert sinusoids(5, 3).shape == (5, 3)


def test_a_layer_stands_between_blocks() -> None:
    assert [len(context_layers("mixing", C, L, blocks)) for blocks in (0, 1, 2, 5)] == [0, 1, 1, 4]
    assert len(context_layers("none", C, L, 5)) == 0


@pytest.mark.parametrize(
    ("growth", "kernel", "length", "expected"),
    [
        (1, 3, 16, [1, 1, 1, 1, 1, 1]),
        (2, 3, 64, [1, 2, 4, 8, 16, 32]),
        (2, 3, 16, [1, 2, 4, 8, 1, 2]),
        (3, 3, 16, [1, 3, 9, 1, 3, 9]),
        (2, 5, 16, [1, 2, 4, 1, 2, 4]),
        (2, 1, 16, [1, 1, 1, 1, 1, 1]),
        (2, 3, 1, [1, 1, 1, 1, 1, 1]),
    ],
)
def test_distances_grow_until_the_taps_span_the_string(
    growth: int, kernel: int, length: int, expected: list[int]
) -> None:
    assert dilations(growth, kernel, length, 6) == expected
