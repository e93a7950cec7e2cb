"""Image networks: shapes, independence of samples, TensorFlow's padding, the authors' numbers."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config.schema import CriticSettings, GeneratorSettings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.images.networks import NORMALIZATIONS, double, halve
from seqgan_wgp.images.pixel_ranges import RANGES
from seqgan_wgp.nn.initialization import INITIALIZATIONS, initialize
from seqgan_wgp.registry import CRITICS as ALL_CRITICS
from seqgan_wgp.registry import GENERATORS as ALL_GENERATORS

from .penalties import assert_gradient_of_the_penalty_is_right

GENERATORS, CRITICS = ALL_GENERATORS["image"], ALL_CRITICS["image"]
MNIST = (1, 28, 28)
B = 3
GENERATOR = GeneratorSettings(network="deconvolution", latent=128, width=64, blocks=0, kernel=5)
CRITIC = CriticSettings(network="convolution", width=64, blocks=0, kernel=5)


def small_generator(
    shape: tuple[int, int, int] = MNIST, value_range: str = "unit", *, normalization: str = "none", kernel: int = 5
) -> nn.Module:
    torch.manual_seed(0)
    settings = dataclasses.replace(GENERATOR, latent=6, width=4, kernel=kernel, normalization=normalization)
    return GENERATORS["deconvolution"](settings, shape, value_range)


def small_critic(
    shape: tuple[int, int, int] = MNIST, *, normalization: str = "none", kernel: int = 5, width: int = 4
) -> nn.Module:
    torch.manual_seed(0)
    settings = dataclasses.replace(CRITIC, width=width, kernel=kernel, normalization=normalization)
    return CRITICS["convolution"](settings, shape)


SHAPES = [(1, 28, 28), (3, 32, 32), (1, 4, 4), (3, 8, 12), (1, 20, 36), (3, 64, 28)]


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_generator_gives_images_and_critic_one_score_each(shape: tuple[int, int, int], normalization: str) -> None:
    if normalization == "instance" and max(shape[1:]) <= 8:
        for build in (small_generator, small_critic):
            with pytest.raises(ConfigError, match="one position, which instance norm maps to 0"):
                build(shape, normalization=normalization)
        return
    x_BCHW = small_generator(shape, normalization=normalization)(torch.randn(B, 6))
    assert x_BCHW.shape == (B, *shape)
    assert x_BCHW.dtype == torch.float32
    assert x_BCHW.is_contiguous()
    assert small_critic(shape, normalization=normalization)(x_BCHW).shape == (B,)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 11])
def test_every_odd_kernel_gives_the_same_shapes(kernel: int) -> None:
    x_BCHW = small_generator((3, 20, 28), kernel=kernel)(torch.randn(B, 6))
    assert x_BCHW.shape == (B, 3, 20, 28)
    assert small_critic((3, 20, 28), kernel=kernel)(x_BCHW).shape == (B,)


@pytest.mark.parametrize("shape", [(1, 30, 28), (1, 28, 27), (1, 0, 28)])
def test_sides_that_are_no_multiples_of_4_are_refused(shape: tuple[int, int, int]) -> None:
    for build in (small_generator, small_critic):
        with pytest.raises(ConfigError, match=f"{shape[2]} x {shape[1]}"):
            build(shape)


@pytest.mark.parametrize(("value_range", "least"), [("unit", 0.0), ("symmetric", -1.0)])
def test_pixels_lie_in_the_range_and_reach_its_ends(value_range: str, least: float) -> None:
    assert set(RANGES) == {"unit", "symmetric"}
    x_BCHW = small_generator(value_range=value_range)(1000 * torch.randn(B, 6))
    assert x_BCHW.min().item() == pytest.approx(least, abs=1e-3)
    assert x_BCHW.max().item() == pytest.approx(1, abs=1e-3)
    assert ((x_BCHW >= least) & (x_BCHW <= 1)).all()


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_changing_sample_0_changes_only_score_0_but_for_batch_norm(normalization: str) -> None:
    critic = small_critic(normalization=normalization)
    x_BCHW = torch.rand(B, *MNIST)
    changed = x_BCHW.clone()
    changed[0] = torch.rand(MNIST)
    before, after = critic(x_BCHW), critic(changed)
    assert before[0] != after[0]
    assert torch.equal(before[1:], after[1:]) == (normalization != "batch")


# TensorFlow's SAME convolution of stride 2 and kernel 5, written out: where the size is even, output place j sees the
# input places 2j - 1 ... 2j + 3; where it is odd, 2j - 2 ... 2j + 2. Its transpose is its gradient: the same pairs of
# places, the other way.
KERNEL = 5


def seen(place: int, size: int) -> list[tuple[int, int]]:
    """Return (input place, place in the kernel) of what an output place sees, along one side."""
    before = 1 if size % 2 == 0 else 2
    return [(at, k) for k in range(KERNEL) if 0 <= (at := 2 * place + k - before) < size]


def same_conv2d(x_CHW: npt.NDArray[np.float64], weight_OCKK: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, height, width = x_CHW.shape
    out = np.zeros((len(weight_OCKK), math.ceil(height / 2), math.ceil(width / 2)))
    for i, j in np.ndindex(out.shape[1:]):
        for y, k in seen(i, height):
            for x, m in seen(j, width):
                out[:, i, j] += weight_OCKK[:, :, k, m] @ x_CHW[:, y, x]
    return out


def same_conv2d_transpose(
    x_CHW: npt.NDArray[np.float64], weight_COKK: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    _, height, width = x_CHW.shape
    out = np.zeros((weight_COKK.shape[1], 2 * height, 2 * width))
    for i, j in np.ndindex(height, width):
        for y, k in seen(i, 2 * height):
            for x, m in seen(j, 2 * width):
                out[:, y, x] += x_CHW[:, i, j] @ weight_COKK[:, :, k, m]
    return out


@pytest.mark.parametrize("size", [(6, 4), (7, 7), (7, 4), (4, 7), (1, 2)])
def test_halving_is_tensorflows_same_convolution(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(2, 3, KERNEL, stride=2, bias=False).double()
    x_CHW = torch.randn(2, *size, dtype=torch.float64)
    ours = halve(x_CHW[None], convolution)[0].detach().numpy()
    np.testing.assert_allclose(ours, same_conv2d(x_CHW.numpy(), convolution.weight.detach().numpy()), atol=1e-12)


@pytest.mark.parametrize("size", [(4, 4), (3, 5), (1, 2)])
def test_doubling_is_tensorflows_same_transposed_convolution(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    convolution = nn.ConvTranspose2d(2, 3, KERNEL, stride=2, bias=False).double()
    x_CHW = torch.randn(2, *size, dtype=torch.float64)
    ours = double(x_CHW[None], convolution)[0].detach().numpy()
    np.testing.assert_allclose(
        ours, same_conv2d_transpose(x_CHW.numpy(), convolution.weight.detach().numpy()), atol=1e-12
    )


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_doubling_is_the_gradient_of_halving(kernel: int) -> None:
    torch.manual_seed(0)
    up = nn.ConvTranspose2d(2, 3, kernel, stride=2, bias=False).double()
    down = nn.Conv2d(3, 2, kernel, stride=2, bias=False).double()
    down.weight = up.weight
    x_BCHW = torch.randn(1, 2, 3, 4, dtype=torch.float64)
    large = torch.zeros(1, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(halve(large, down), large, x_BCHW)
    assert torch.allclose(double(x_BCHW, up), expected)


def original() -> tuple[nn.Module, nn.Module]:
    """The reference's networks: latent 128, DIM 64, 28 x 28."""
    return GENERATORS["deconvolution"](GENERATOR, MNIST, "unit"), CRITICS["convolution"](CRITIC, MNIST)


def test_the_originals_have_as_many_parameters_as_the_reference() -> None:
    counts = [[parameter.numel() for parameter in network.parameters()] for network in original()]
    assert counts == [
        [128 * 4096, 4096, 256 * 128 * 25, 128, 128 * 64 * 25, 64, 64 * 1 * 25, 1],
        [1 * 64 * 25, 64, 64 * 128 * 25, 128, 128 * 256 * 25, 256, 4096, 1],
    ]
    assert [sum(count) for count in counts] == [1_554_177, 1_030_145]


# Layer -> tflib's variance x (fan_in + fan_out), fan_in, fan_out: 25 places in a kernel, 25 / 4 by the stride.
TFLIB = {
    "input": (2, 128, 4096),
    "double1": (4, 256 * 25 / 4, 128 * 25),
    "double2": (4, 128 * 25 / 4, 64 * 25),
    "double3": (4, 64 * 25 / 4, 1 * 25),
    "halve1": (4, 1 * 25, 64 * 25 / 4),
    "halve2": (4, 64 * 25, 128 * 25 / 4),
    "halve3": (4, 128 * 25, 256 * 25 / 4),
    "output": (2, 4096, 1),
}


def test_tflib_initialization_has_the_authors_standard_deviations() -> None:
    checked = set()
    for network in original():
        initialize(network, "tflib", seed=0, first=0)
        for name, layer in network.named_children():
            if isinstance(layer, nn.Identity):
                continue
            gain, fan_in, fan_out = TFLIB[name]
            expected = math.sqrt(gain / (fan_in + fan_out))
            weight = layer.get_parameter("weight")
            assert weight.std().item() == pytest.approx(expected, rel=0.03), name
            assert weight.abs().max().item() <= math.sqrt(3) * expected * 1.0001
            assert (layer.get_parameter("bias") == 0).all()
            checked.add(name)
    assert checked == set(TFLIB)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.Linear(64, 500), nn.Linear(64, 500)),
        (nn.Conv2d(16, 128, 5, stride=2), nn.Conv2d(16, 128, 5, stride=2)),
        (nn.ConvTranspose2d(16, 128, 5, stride=2), nn.ConvTranspose2d(16, 128, 5, stride=2)),
    ],
)
def test_torch_and_xavier_initialization_have_torchs_own_spread(ours: nn.Module, theirs: nn.Module) -> None:
    initialize(ours, "torch", seed=0, first=0)
    weight, bias = ours.get_parameter("weight"), ours.get_parameter("bias")
    assert weight.std().item() == pytest.approx(theirs.get_parameter("weight").std().item(), rel=0.05)
    assert bias.abs().max().item() == pytest.approx(theirs.get_parameter("bias").abs().max().item(), rel=0.2)
    initialize(ours, "xavier", seed=0, first=0)
    nn.init.xavier_uniform_(theirs.get_parameter("weight"))
    assert weight.std().item() == pytest.approx(theirs.get_parameter("weight").std().item(), rel=0.05)
    assert (bias == 0).all()


@pytest.mark.parametrize("scheme", [name for name, how in INITIALIZATIONS.items() if how.scales is not None])
def test_first_weights_are_a_function_of_the_seed_alone(scheme: str) -> None:
    settings = dataclasses.replace(GENERATOR, latent=6, width=4, normalization="batch")
    torch_seeds = itertools.count()

    def drawn(seed: int, first: int = 0) -> Tensor:
        torch.manual_seed(next(torch_seeds))
        network = GENERATORS["deconvolution"](settings, MNIST, "unit")
        initialize(network, scheme, seed=seed, first=first)
        return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert not torch.equal(drawn(1), drawn(1, first=100))


@pytest.mark.parametrize("normalization", ["none", "layer"])
def test_gradient_of_the_penalty_is_right(normalization: str) -> None:
    critic = small_critic((1, 4, 8), normalization=normalization, kernel=3, width=1).double()
    initialize(critic, "tflib", seed=3, first=0)
    assert_gradient_of_the_penalty_is_right(critic, torch.rand(2, 1, 4, 8, dtype=torch.float64))
