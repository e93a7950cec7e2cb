"""Every way to compute a convolution is the same function, with the same first and second derivatives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import product
from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqgan_wgp.nn.fast_conv.convolution import (
    CONVOLUTIONS,
    Convolution,
    cache_weight_transform,
    fastest_algorithm,
    input_grads_only,
    set_convolution_algorithm,
)
from seqgan_wgp.nn.fast_conv.winograd_fft import fourier_matrices, toom_cook_matrices
from seqgan_wgp.training.penalties import gp, slopes

SIZES = [(1, 3), (2, 5), (3, 5), (4, 3), (5, 5), (7, 3), (8, 3), (10, 5), (16, 5), (33, 5)]
OTHERS = [way for way in CONVOLUTIONS if way != "direct"]


def inputs(length: int, kernel: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(length * 10 + kernel)
    shapes = ((3, 6, length), (4, 6, kernel), (4,))
    x, weight, bias = (torch.randn(shape, generator=draw, dtype=dtype) for shape in shapes)
    return x, weight, bias


@pytest.mark.parametrize(("length", "kernel"), SIZES)
@pytest.mark.parametrize("way", OTHERS)
def test_every_way_gives_what_torch_gives(way: str, length: int, kernel: int) -> None:
    x, weight, bias = inputs(length, kernel)
    expected = nn.functional.conv1d(x, weight, bias, padding="same")
    torch.testing.assert_close(CONVOLUTIONS[way](x, weight, bias), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("way", "most"), [("direct", 5e-7), ("fourier", 1e-6), ("toom-cook", 3e-6)])
def test_rounding_errors_in_single_precision_are_small(way: str, most: float) -> None:
    x, weight, bias = torch.randn(16, 64, 32), torch.randn(64, 64, 5) / 18, torch.randn(64)
    exact = CONVOLUTIONS["direct"](x.double(), weight.double(), bias.double())
    error = (CONVOLUTIONS[way](x, weight, bias) - exact).norm() / exact.norm()
    assert error < most


@pytest.mark.parametrize("way", CONVOLUTIONS)
def test_derivatives_are_right_twice(way: str) -> None:
    x, weight, bias = inputs(6, 3)
    arguments = tuple(part.clone().requires_grad_(True) for part in (x[:2, :2], weight[:2, :2], bias[:2]))
    assert torch.autograd.gradcheck(CONVOLUTIONS[way], arguments)
    assert torch.autograd.gradgradcheck(CONVOLUTIONS[way], arguments)


def strides(x_BCL: Tensor) -> list[Tensor]:
    """The same numbers in every order in memory."""
    orders = [(0, 1, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0)]
    return [x_BCL.permute(order).contiguous().permute([order.index(axis) for axis in range(3)]) for order in orders]


@pytest.mark.parametrize("way", CONVOLUTIONS)
def test_the_order_in_memory_changes_no_result(way: str) -> None:
    x, weight, bias = inputs(9, 3)
    first, *others = [CONVOLUTIONS[way](same, weight, bias) for same in strides(x)]
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("way", OTHERS)
def test_what_comes_out_lies_position_first(way: str) -> None:
    x, weight, bias = inputs(8, 3)
    assert CONVOLUTIONS[way](x, weight, bias).permute(2, 0, 1).is_contiguous()


@given(length=st.integers(1, 40), kernel=st.sampled_from([1, 3, 5, 7, 9]))
def test_fourier_needs_about_three_products_for_two_positions(length: int, kernel: int) -> None:
    into, weights, out = fourier_matrices(length, kernel)
    products = len(into)
    assert products <= 1.5 * (length + kernel // 2) + 1
    assert (weights.shape, out.shape) == ((products, kernel), (length, products))


@pytest.mark.parametrize(("kernel", "tile"), [(3, 2), (3, 4), (5, 2), (5, 4), (3, 6)])
def test_toom_cook_needs_as_many_products_as_a_tile_reads_positions(kernel: int, tile: int) -> None:
    into, weights, out = toom_cook_matrices(kernel, tile)
    products = tile + kernel - 1
    assert (into.shape, weights.shape, out.shape) == ((products, products), (products, kernel), (tile, products))
    x, w = torch.randn(products, dtype=torch.float64), torch.randn(kernel, dtype=torch.float64)
    expected = nn.functional.conv1d(x[None, None], w[None, None])[0, 0]
    torch.testing.assert_close(out @ ((into @ x) * (weights @ w)), expected, rtol=1e-11, atol=1e-11)


def small_critic(way: str) -> nn.Sequential:
    torch.manual_seed(0)
    critic = nn.Sequential(Convolution(4, 6, 3), nn.Softplus(), Convolution(6, 3, 3), nn.Flatten(), nn.Linear(24, 1))
    set_convolution_algorithm(critic, way)
    return critic.double()


@pytest.mark.parametrize("way", OTHERS)
def test_the_gradient_of_the_penalty_is_that_of_torchs_convolution(way: str) -> None:
    x = torch.randn(5, 4, 8, dtype=torch.float64)
    expected, gradients = (
        torch.autograd.grad(
            gp(slopes(critic, x)), [value for name, value in critic.named_parameters() if name.endswith("weight")]
        )
        for critic in (small_critic("direct"), small_critic(way))
    )
    for one, other in zip(expected, gradients, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-12)


def test_a_convolution_is_torchs_until_it_is_told_otherwise() -> None:
    layer, plain = Convolution(3, 5, 3), nn.Conv1d(3, 5, 3, padding=1)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, 3, 7)
    assert torch.equal(layer(x), plain(x))
    assert layer.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize(
    ("channels", "length", "kernel", "device"),
    list(product((8, 64, 512), (1, 8, 16, 64), (1, 3, 5, 9, 15), ("cpu", "cuda"))),
)
def test_the_quickest_way_is_one_that_can_do_it(channels: int, length: int, kernel: int, device: str) -> None:
    way = fastest_algorithm(channels, length, kernel, device)
    x, weight, bias = torch.randn(1, 2, length), torch.randn(2, 2, kernel), torch.randn(2)
    torch.testing.assert_close(
        CONVOLUTIONS[way](x, weight, bias), CONVOLUTIONS["direct"](x, weight, bias), rtol=1e-4, atol=1e-4
    )


def test_auto_is_one_of_the_ways_and_the_same_each_time() -> None:
    layer: Callable[[Tensor], Tensor] = Convolution(4, 4, 5)
    assert isinstance(layer, Convolution)
    x = torch.randn(3, 4, 8)
    set_convolution_algorithm(layer, "auto")
    automatic = layer(x)
    set_convolution_algorithm(layer, fastest_algorithm(4, 8, 5, "cpu"))
    assert torch.equal(layer(x), automatic)
    assert torch.equal(layer(x), automatic)


def pair_of(way: str) -> tuple[nn.Sequential, Tensor]:
    torch.manual_seed(0)
    network = nn.Sequential(Convolution(3, 4, 5), nn.Tanh(), Convolution(4, 2, 3)).double()
    set_convolution_algorithm(network, way)
    return network, torch.randn(5, 3, 10, dtype=torch.float64)


@pytest.mark.parametrize("way", CONVOLUTIONS)
def test_weights_mixed_once_give_the_same_gradients(way: str) -> None:
    network, x = pair_of(way)
    weights = tuple(network.parameters())

    def loss() -> Tensor:
        total: Tensor = gp(slopes(lambda y: network(y).sum(dim=(1, 2)), x)) + network(x).square().sum()
        return total

    expected = torch.autograd.grad(loss(), weights)
    with cache_weight_transform(network):
        found = torch.autograd.grad(loss(), weights)
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", CONVOLUTIONS)
def test_what_was_mixed_is_forgotten_behind_the_block(way: str) -> None:
    network, x = pair_of(way)
    with cache_weight_transform(network):
        before = network(x)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    changed, fresh = network(x), copy.deepcopy(network)(x)
    assert torch.equal(changed, fresh)
    assert not torch.allclose(changed, before)


def test_what_was_mixed_without_a_graph_is_not_used_with_one() -> None:
    network, x = pair_of("fourier")
    with cache_weight_transform(network):
        with torch.no_grad():
            network(x)
        assert all(gradient.any() for gradient in torch.autograd.grad(network(x).sum(), tuple(network.parameters())))


@pytest.mark.parametrize("way", OTHERS)
def test_gradients_in_inputs_only_leave_out_those_in_weights(way: str) -> None:
    network, x = pair_of(way)
    x.requires_grad_(True)
    weights = tuple(network.parameters())
    (expected,) = torch.autograd.grad(network(x).sum(), x)
    with input_grads_only(network):
        within = network(x).sum()
    found, *left_out = torch.autograd.grad(within, (x, *weights), create_graph=True, allow_unused=True)
    assert torch.equal(found, expected)
    assert not any(gradient is not None and gradient.any() for gradient in left_out)
    # The penalty's own gradient, and what goes through the network behind the block, have them all.
    second = torch.autograd.grad(found.square().sum(), weights, allow_unused=True)
    assert sum(gradient is not None and bool(gradient.any()) for gradient in second) >= 2
    assert all(gradient is not None for gradient in torch.autograd.grad(network(x).sum(), weights, create_graph=True))


@pytest.mark.parametrize("way", OTHERS)
def test_the_gradient_of_a_penalty_is_the_same_with_and_without_input_grads_only(way: str) -> None:
    network, x = pair_of(way)
    weights = tuple(network.parameters())

    def penalty(critic: Callable[[Tensor], Tensor]) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(gp(slopes(critic, x)), weights, allow_unused=True)

    class Scores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, y: Tensor) -> Tensor:
            score_B: Tensor = self.network(y).sum(dim=(1, 2))
            return score_B

    # A module is told that inputs alone are wanted; a function cannot be.
    for mine, other in zip(penalty(Scores()), penalty(lambda y: network(y).sum(dim=(1, 2))), strict=True):
        assert (mine is None) == (other is None)
        assert mine is None or torch.equal(mine, cast("Tensor", other))


@pytest.mark.parametrize("way", CONVOLUTIONS)
def test_what_is_arranged_is_the_same_and_need_not_be_copied(way: str) -> None:
    layer = Convolution(3, 3, 5)
    layer.algorithm = way
    for x in strides(torch.randn(2, 3, 7)):
        concatenated = layer.concatenated(x)
        assert torch.equal(concatenated, x)
        assert concatenated.stride() == layer.concatenated(concatenated).stride()
        assert (concatenated if way == "direct" else concatenated.permute(2, 0, 1)).is_contiguous()
