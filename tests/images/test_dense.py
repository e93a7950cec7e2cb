"""Image networks with dense layers: shapes, sizes, layers by hand, independence of samples, gradient of the penalty."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.config.schema import CriticSettings, GeneratorSettings
from seqgan_wgp.config.serialization import list_settings
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.images.dataset import ImageFacts
from seqgan_wgp.images.domain import ImageSpec
from seqgan_wgp.nn.initialization import initialize
from seqgan_wgp.nn.layers import CHANNEL_NORMS, UNIT_NORMS, apply_weight_norm
from seqgan_wgp.registry import CRITICS as ALL_CRITICS
from seqgan_wgp.registry import GENERATORS as ALL_GENERATORS
from seqgan_wgp.training.build import build_generator_and_critic

from .penalties import assert_gradient_of_the_penalty_is_right

GENERATORS, CRITICS = ALL_GENERATORS["image"], ALL_CRITICS["image"]
MNIST = (1, 28, 28)
MNIST_FACTS = ImageFacts(name="mnist", sha256="", channels=1, height=28, width=28, train=10, validation=1, test=1)
B = 5
Z = 6
FAMILIES = {"perceptron": UNIT_NORMS, "convolution-dense": (*CHANNEL_NORMS, "batch-nonaffine")}
every_network = pytest.mark.parametrize(
    ("family", "normalization"), [(family, name) for family, norms in FAMILIES.items() for name in norms]
)
SHAPES = [(1, 12, 12), MNIST, (3, 28, 28), (3, 5, 7), (1, 2, 2)]


def small_generator(
    family: str, shape: tuple[int, int, int] = MNIST, value_range: str = "unit", **changes: Any
) -> nn.Module:
    torch.manual_seed(0)
    settings = GeneratorSettings(network=family, latent=Z, width=4, kernel=3, units=5)
    return GENERATORS[family](dataclasses.replace(settings, **changes), shape, value_range)


def small_critic(family: str, shape: tuple[int, int, int] = MNIST, **changes: Any) -> nn.Module:
    torch.manual_seed(0)
    settings = CriticSettings(network=family, width=4, kernel=3, units=5)
    return CRITICS[family](dataclasses.replace(settings, **changes), shape)


@every_network
@pytest.mark.parametrize("shape", SHAPES)
def test_generator_gives_images_and_critic_one_score_each(
    family: str, normalization: str, shape: tuple[int, int, int]
) -> None:
    x_BCHW = small_generator(family, shape, normalization=normalization)(torch.randn(B, Z))
    assert x_BCHW.shape == (B, *shape)
    assert x_BCHW.dtype == torch.float32
    assert x_BCHW.is_contiguous()
    assert small_critic(family, shape, normalization=normalization)(x_BCHW).shape == (B,)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
def test_every_odd_kernel_gives_the_same_shapes(family: str, kernel: int) -> None:
    x_BCHW = small_generator(family, (3, 6, 8), kernel=kernel)(torch.randn(B, Z))
    assert x_BCHW.shape == (B, 3, 6, 8)
    assert small_critic(family, (3, 6, 8), kernel=kernel)(x_BCHW).shape == (B,)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("value_range", "least"), [("unit", 0.0), ("symmetric", -1.0)])
def test_pixels_lie_in_the_range_and_reach_its_ends(family: str, value_range: str, least: float) -> None:
    x_BCHW = small_generator(family, value_range=value_range)(10_000 * torch.randn(B, Z))
    assert x_BCHW.min().item() == pytest.approx(least, abs=1e-3)
    assert x_BCHW.max().item() == pytest.approx(1, abs=1e-3)
    assert ((x_BCHW >= least) & (x_BCHW <= 1)).all()


def numbers_of(network: nn.Module) -> list[int]:
    return [parameter.numel() for parameter in network.parameters()]


def test_the_perceptrons_have_as_many_parameters_as_the_program() -> None:
    config = recipe("mnist-wgan")
    generator = GENERATORS["perceptron"](config.generator, MNIST, "unit")
    critic = CRITICS["perceptron"](config.critic, MNIST)
    assert numbers_of(generator) == [10 * 128, 128, 128 * 784, 784]
    assert numbers_of(critic) == [784 * 128, 128, 128, 1]


def test_the_classic_pair_has_as_many_parameters_as_the_original() -> None:
    config = recipe("mnist-gan")
    generator = GENERATORS["convolution-dense"](config.generator, MNIST, "unit")
    critic = CRITICS["convolution-dense"](config.critic, MNIST)
    first, second = [1 * 13 * 9, 13], [13 * 11 * 9, 11]
    assert numbers_of(generator) == [*first, *second, 11 * 20 * 1024, 1024, 1024 * 784, 784]
    first, second = [1 * 11 * 9, 11], [11 * 13 * 9, 13]
    assert numbers_of(critic) == [*first, *second, 13 * 14 * 14 * 1024, 1024, 1024, 1]


def test_the_first_weights_of_the_classic_pair_are_hes_and_so_are_the_biases_of_its_dense_layers() -> None:
    config = recipe("mnist-gan")
    for network in build_generator_and_critic(config, ImageSpec(MNIST_FACTS, "unit")):
        for layer in network.children():
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                continue
            weight, bias = layer.weight, layer.bias
            assert bias is not None
            deviation = math.sqrt(2 / weight[0].numel())
            # Of n normal numbers the standard deviation is found to within 1 / sqrt(2 n), four times over.
            assert weight.std().item() == pytest.approx(deviation, rel=4 / math.sqrt(2 * weight.numel()))
            if isinstance(layer, nn.Conv2d):
                assert (bias == 0).all()
            elif bias.numel() > 1:
                assert bias.std().item() == pytest.approx(deviation, rel=4 / math.sqrt(2 * bias.numel()))
            else:
                assert 0 < abs(bias.item()) < 4 * deviation


# The layers written out.


def weights(network: nn.Module) -> dict[str, npt.NDArray[np.float64]]:
    return {name: value.detach().numpy() for name, value in network.named_parameters()}


def dense(x_BU: npt.NDArray[np.float64], w: dict[str, npt.NDArray[np.float64]], name: str) -> npt.NDArray[np.float64]:
    out: npt.NDArray[np.float64] = x_BU @ w[f"{name}.weight"].T + w[f"{name}.bias"]
    return out


def convolved(
    x_BCHW: npt.NDArray[np.float64], w: dict[str, npt.NDArray[np.float64]], name: str
) -> npt.NDArray[np.float64]:
    """A convolution of 3 x 3 that sees zeros around the picture."""
    weight_OCKK, bias_O = w[f"{name}.weight"], w[f"{name}.bias"]
    padded = np.pad(x_BCHW, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.empty((len(x_BCHW), len(weight_OCKK), *x_BCHW.shape[2:]))
    for i, j in np.ndindex(out.shape[2:]):
        out[:, :, i, j] = np.einsum("bckm,ockm->bo", padded[:, :, i : i + 3, j : j + 3], weight_OCKK) + bias_O
    return out


def sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def softplus(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.log1p(np.exp(x))


def positive(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    out: npt.NDArray[np.float64] = np.maximum(x, 0)
    return out


def standardized(x: npt.NDArray[np.float64], axes: tuple[int, ...], epsilon: float = 1e-5) -> npt.NDArray[np.float64]:
    out: npt.NDArray[np.float64] = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return out


Inputs = tuple[Tensor, Tensor, npt.NDArray[np.float64], npt.NDArray[np.float64]]


@pytest.fixture
def inputs() -> Inputs:
    """Latents and images of 5 x 7 with 3 channels, as tensors and as arrays."""
    torch.manual_seed(1)
    latent_BZ, x_BCHW = torch.randn(B, Z, dtype=torch.float64), torch.rand(B, 3, 5, 7, dtype=torch.float64)
    return latent_BZ, x_BCHW, latent_BZ.numpy(), x_BCHW.numpy()


@pytest.mark.parametrize(
    ("normalization", "axes"), [("none", None), ("weight", None), ("layer", (1,)), ("batch", (0,))]
)
def test_perceptrons_by_hand(inputs: Inputs, normalization: str, axes: tuple[int, ...] | None) -> None:
    def normed(x_BU: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return x_BU if axes is None else standardized(x_BU, axes)

    latent, image, z_BZ, x_BCHW = inputs
    generator = small_generator("perceptron", (3, 5, 7), normalization=normalization).double()
    critic = small_critic("perceptron", (3, 5, 7), normalization=normalization).double()
    w = weights(generator)
    expected = sigmoid(dense(np.maximum(normed(dense(z_BZ, w, "hidden")), 0), w, "output")).reshape(B, 3, 5, 7)
    np.testing.assert_allclose(generator(latent).detach().numpy(), expected, atol=1e-12)
    w = weights(critic)
    expected = dense(np.maximum(normed(dense(x_BCHW.reshape(B, -1), w, "hidden")), 0), w, "output")[:, 0]
    np.testing.assert_allclose(critic(image).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("normalization", "axes", "epsilon"),
    [("none", None, 0.0), ("layer", (1, 2, 3), 1e-5), ("batch", (0, 2, 3), 1e-5), ("batch-nonaffine", (0, 2, 3), 1e-3)],
)
@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_convolution_dense_by_hand(
    inputs: Inputs, normalization: str, axes: tuple[int, ...] | None, epsilon: float, activation: str
) -> None:
    activated = softplus if activation == "softplus" else positive
    changes = {"normalization": normalization, "activation": activation}

    def two_convolutions(
        x_BCHW: npt.NDArray[np.float64], w: dict[str, npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.float64]:
        for name in ("convolution1", "convolution2"):
            x_BCHW = convolved(x_BCHW, w, name)
            x_BCHW = activated(x_BCHW if axes is None else standardized(x_BCHW, axes, epsilon))
        return x_BCHW

    latent, image, z_BZ, x_BCHW = inputs
    w = weights(generator := small_generator("convolution-dense", (3, 5, 7), **changes).double())
    maps = two_convolutions(z_BZ.reshape(B, 1, Z, 1), w)
    assert maps.shape == (B, 2, Z, 1)
    expected = sigmoid(dense(softplus(dense(maps.reshape(B, -1), w, "dense")), w, "output")).reshape(B, 3, 5, 7)
    np.testing.assert_allclose(generator(latent).detach().numpy(), expected, atol=1e-12)

    w = weights(critic := small_critic("convolution-dense", (3, 5, 7), **changes).double())
    maps = two_convolutions(x_BCHW, w)
    assert maps.shape == (B, 6, 5, 7)
    pooled = np.maximum.reduce([maps[:, :, i:4:2, j:6:2] for i in (0, 1) for j in (0, 1)])  # 2 x 3 of 5 x 7
    expected = dense(softplus(dense(pooled.reshape(B, -1), w, "dense")), w, "output")[:, 0]
    np.testing.assert_allclose(critic(image).detach().numpy(), expected, atol=1e-12)


def test_of_the_kernels_over_a_latent_only_the_middle_column_has_an_effect() -> None:
    generator = small_generator("convolution-dense")
    generator(torch.randn(B, Z)).sum().backward()
    for name in ("convolution1", "convolution2"):
        gradient = generator.get_parameter(f"{name}.weight").grad
        assert gradient is not None
        assert (gradient[..., 1] != 0).all()
        assert (gradient[..., [0, 2]] == 0).all()


# What a score depends on


@every_network
def test_changing_sample_0_changes_only_score_0_but_for_batch_norm(family: str, normalization: str) -> None:
    critic = small_critic(family, normalization=normalization)
    x_BCHW = torch.rand(B, *MNIST)
    changed = x_BCHW.clone()
    changed[0] = torch.rand(MNIST)
    before, after = critic(x_BCHW), critic(changed)
    assert before[0] != after[0]
    assert torch.equal(before[1:], after[1:]) == (normalization not in ("batch", "batch-nonaffine"))


@pytest.mark.parametrize("normalization", ["batch", "batch-nonaffine"])
def test_batch_norm_of_the_classic_critic_takes_the_batch_at_hand_in_every_mode(normalization: str) -> None:
    critic = small_critic("convolution-dense", normalization=normalization)
    x_BCHW = torch.rand(B, *MNIST)
    in_training = critic(x_BCHW)
    assert torch.equal(critic.eval()(x_BCHW), in_training)
    assert not torch.allclose(critic(x_BCHW[:2]), in_training[:2], rtol=1e-3)
    assert not [name for name, _ in critic.named_buffers()]


def test_batch_norm_of_the_classic_generator_has_running_statistics() -> None:
    """So that after training an image depends on its latent alone."""
    generator = small_generator("convolution-dense", normalization="batch")
    latent_BZ = torch.randn(B, Z)
    in_training = generator(latent_BZ)
    in_evaluation = generator.eval()(latent_BZ)
    assert not torch.allclose(in_evaluation, in_training)
    assert torch.allclose(generator(latent_BZ[:2]), in_evaluation[:2], atol=1e-6)


def test_batch_norm_without_scale_and_shift_has_nothing_to_learn_or_to_remember() -> None:
    generator = small_generator("convolution-dense", normalization="batch-nonaffine")
    plain = small_generator("convolution-dense", normalization="none")
    assert numbers_of(generator) == numbers_of(plain)
    assert not [name for name, _ in generator.named_buffers()]
    latent_BZ = torch.randn(B, Z)
    in_training = generator(latent_BZ)
    assert torch.equal(generator.eval()(latent_BZ), in_training)
    assert not torch.allclose(generator(latent_BZ[:2]), in_training[:2], rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_weight_normalization_changes_no_result_at_first(family: str) -> None:
    latent_BZ, x_BCHW = torch.randn(B, Z), torch.rand(B, *MNIST)
    generator, critic = small_generator(family, normalization="weight"), small_critic(family, normalization="weight")
    before = generator(latent_BZ), critic(x_BCHW)
    parameters = len(numbers_of(generator))
    for network in (generator, critic):
        apply_weight_norm(network)
    assert torch.allclose(generator(latent_BZ), before[0], atol=1e-6)
    assert torch.allclose(critic(x_BCHW), before[1], atol=1e-6)
    assert len(numbers_of(generator)) == parameters * 3 // 2


@pytest.mark.parametrize("normalization", ["none", "layer"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_of_the_penalty_is_right(family: str, normalization: str) -> None:
    critic = small_critic(family, (1, 4, 5), normalization=normalization, width=2, units=3).double()
    initialize(critic, "he-normal", seed=3, first=0)
    assert_gradient_of_the_penalty_is_right(critic, torch.rand(2, 1, 4, 5, dtype=torch.float64))


# What is refused, and under which names


def test_what_leaves_a_layer_nothing_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^generator.width is 2, but .* two channels fewer\nset generator.width to 3"
    ):
        small_generator("convolution-dense", width=2)
    assert small_generator("convolution-dense", width=3)(torch.randn(B, Z)).shape == (B, *MNIST)
    with pytest.raises(ConfigError, match=r"^generator.latent is 1: each channel has one position"):
        small_generator("convolution-dense", latent=1, normalization="instance")
    for shape in ((1, 1, 28), (1, 28, 1)):
        with pytest.raises(ConfigError, match=rf"^the images are {shape[2]} x {shape[1]}, but .* 2 x 2 pixels"):
            small_critic("convolution-dense", shape)


@pytest.mark.parametrize(("part", "registry"), [("generator", GENERATORS), ("critic", CRITICS)])
def test_the_names_are_those_that_settings_allow(
    part: str, registry: dict[str, object], image_config: Callable[..., Config]
) -> None:
    def allowed(name: str) -> bool:
        try:
            changes = {f"{part}.network": name, f"{part}.units": 5, f"{part}.normalization": "none"}
            return bool(override(image_config(), changes))
        except ConfigError as error:
            assert "which is not available for image" in error.message
            return False

    choices = list_settings(Config)[f"{part}.network"].metadata["choices"]
    assert {name for name in choices if allowed(name)} == set(registry)


@pytest.mark.parametrize("part", ["generator", "critic"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_normalizations_are_those_that_settings_allow(
    family: str, part: str, image_config: Callable[..., Config]
) -> None:
    plain = {"objective.constraint": "clip", "objective.penalty_weight": 0, "objective.clip": 1}

    def allowed(name: str) -> bool:
        try:
            changes = {f"{part}.network": family, f"{part}.units": 5, f"{part}.normalization": name}
            return bool(override(image_config(), plain | changes))
        except ConfigError as error:
            assert "which is not available for the network" in error.message
            return False

    choices = list_settings(Config)[f"{part}.normalization"].metadata["choices"]
    assert {name for name in choices if allowed(name)} == set(FAMILIES[family])
