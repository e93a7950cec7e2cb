"""Searches for latents: what can be found is found, typical latents, neighbours in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.domain import TextSpec
from seqgan_wgp.text.generation.inversion import (
    MIN_CANDIDATES,
    Inversion,
    LatentGenerator,
    Latents,
    check_neighbours,
    invert,
    neighbours,
)
from seqgan_wgp.text.generation.scoring import log_probability
from seqgan_wgp.text.networks import GENERATORS
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.build import build_generator_and_critic
from seqgan_wgp.training.latent_space import LATENT_SPACES
from seqgan_wgp.training.latents import generate_at
from seqgan_wgp.utils.counter_rng import Stream, normal, uniform

CPU = torch.device("cpu")
LENGTH, VOCABULARY = 6, Vocabulary("abcdé")
SIZE = LENGTH * VOCABULARY.size


class Directions(nn.Module):
    """Logits that are the latent itself, one number for each place and id: every string can be had."""

    def logits(self, latent_BZ: Tensor) -> Tensor:
        return 8 * latent_BZ.reshape(-1, LENGTH, VOCABULARY.size)

    def forward(self, latent_BZ: Tensor) -> Tensor:
        return self.logits(latent_BZ).softmax(dim=-1)


class OneString(nn.Module):
    """Always "cab", whatever the latent."""

    def logits(self, latent_BZ: Tensor) -> Tensor:
        ids_L = torch.from_numpy(VOCABULARY.encode(["cab"], LENGTH)[0]).long()
        fixed_LV = 9.0 * nn.functional.one_hot(ids_L, VOCABULARY.size)
        return fixed_LV + 0 * latent_BZ.sum(dim=1)[:, None, None]

    def forward(self, latent_BZ: Tensor) -> Tensor:
        return self.logits(latent_BZ).softmax(dim=-1)


def latents_of(distribution: str, seed: int = 0, stream: Stream = Stream.INVERSION) -> Latents:
    if distribution == "uniform":
        return lambda index_N: 2 * uniform(seed, stream, index_N, SIZE) - 1
    return lambda index_N: normal(seed, stream, index_N, SIZE)


def model_of(generator: nn.Module, distribution: str = "normal") -> LatentGenerator:
    spec = TextSpec(VOCABULARY, LENGTH, {})
    return LatentGenerator(generator=generator, spec=spec, distribution=distribution, device=CPU)


@pytest.fixture(params=LATENT_SPACES)
def distribution(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@settings(max_examples=10)
@given(text=st.text("abcdé", min_size=1, max_size=LENGTH), distribution=st.sampled_from(list(LATENT_SPACES)))
def test_what_can_be_found_is_found_at_a_typical_latent(text: str, distribution: str) -> None:
    model = model_of(Directions(), distribution)
    found = invert(model, text, latents_of(distribution))
    assert (found.text, found.decoded, found.edits) == (text, text, 0)
    assert found.log_probability > -1
    assert (found.latent_Z.shape, found.latent_Z.dtype, found.latent_Z.requires_grad) == ((SIZE,), torch.float32, False)
    if distribution == "uniform":
        assert found.latent_Z.abs().max() <= 1
    else:
        assert abs(found.latent_Z.norm().item() - (SIZE - 1) ** 0.5) < 1


def test_what_is_said_of_a_latent_is_so() -> None:
    model = model_of(Directions())
    found = invert(model, "badé", latents_of("normal"))
    (table_NLV,) = generate_at(model.generator, found.latent_Z[None], CPU)
    ids_NL = torch.from_numpy(VOCABULARY.encode(["badé"], LENGTH))
    assert model.spec.to_text(model.spec.decode(table_NLV)) == [found.decoded]
    assert log_probability(table_NLV, ids_NL).item() == found.log_probability


def test_a_search_is_a_function_of_where_it_begins() -> None:
    model = model_of(Directions())
    one, same, other = (invert(model, "abba", latents_of("normal", seed)) for seed in (1, 1, 2))
    assert torch.equal(one.latent_Z, same.latent_Z)
    assert not torch.equal(one.latent_Z, other.latent_Z)


@pytest.mark.parametrize(("text", "edits"), [("cab", 0), ("cabé", 1), ("a", 2), ("abcabc", 3)])
def test_what_cannot_be_found_is_told_how_far_it_is(text: str, edits: int) -> None:
    found = invert(model_of(OneString()), text, latents_of("normal"))
    assert (found.decoded, found.edits) == ("cab", edits)
    assert (found.log_probability > -1) == (edits == 0)


def test_a_search_goes_on_where_gradients_are_off_and_leaves_the_weights_alone(
    tiny_config: Callable[..., Config],
) -> None:
    config = tiny_config(**{"generator.latent": SIZE, "generator.blocks": 0})
    generator = build_generator_and_critic(config, TextSpec(VOCABULARY, LENGTH, {}))[0].eval().requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    plain = invert(model_of(generator), "abc", latents_of("normal"))
    with torch.inference_mode():
        assert torch.equal(invert(model_of(generator), "abc", latents_of("normal")).latent_Z, plain.latent_Z)
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


@pytest.mark.parametrize("network", [name for name, entry in GENERATORS.items() if not entry.has_likelihood])
def test_logits_of_every_generator_are_what_is_before_its_softmax(
    network: str, tiny_config: Callable[..., Config]
) -> None:
    config = tiny_config(**{"generator.network": network})
    generator = GENERATORS[network](config.generator, LENGTH, VOCABULARY.size).eval()
    latent_BZ = normal(0, 1, torch.arange(4), config.generator.latent)
    assert torch.equal(generator.logits(latent_BZ).softmax(dim=-1), generator(latent_BZ))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        ("abcdabc", "'abcdabc' has 7 characters, but the model's strings have at most 6"),
        ("abX\nX", r"'abX\nX' has characters that the model does not know: 'X', '\n'"),
        ("ab�", "'ab�' has characters that the model does not know: '�'"),
        ("abX", "it knows: 'abcdé'"),
    ],
)
def test_texts_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        invert(model_of(Directions()), text, latents_of("normal"))
    assert message in str(error.value)


def test_of_a_large_alphabet_and_of_bytes_a_message_says_no_more_than_helps() -> None:
    letters = TextSpec(Vocabulary("".join(map(chr, range(0x4E00, 0x5000)))), LENGTH, {})
    raw = TextSpec(Vocabulary.of_bytes(), LENGTH, {})
    for spec, text, length in ((letters, "a", 250), (raw, "ééaéé", 100)):
        model = LatentGenerator(generator=Directions(), spec=spec, distribution="normal", device=CPU)
        with pytest.raises(ConfigError) as error:
            invert(model, text, latents_of("normal"))
        assert len(str(error.value)) < length
    assert "9 bytes" in str(error.value)


def around(distribution: str, text: str = "abcd", n: int = 10, distance: float = 1.0) -> list[tuple[str, float]]:
    model, latents = model_of(Directions(), distribution), latents_of(distribution, stream=Stream.SAMPLE_LATENT)
    found = invert(model, text, latents_of(distribution))
    return [(near.text, near.distance) for near in neighbours(model, found, latents, n, distance)]


def test_neighbours_are_different_and_nearest_first(distribution: str) -> None:
    found = around(distribution, n=200)
    texts, distances = zip(*found, strict=True)
    assert len(set(texts)) == len(texts) == 200
    assert "abcd" not in texts
    assert list(distances) == sorted(distances)
    assert 0 < distances[0] < distances[-1] <= 1
    assert around(distribution, n=30) == found[:30]


def test_no_neighbour_is_farther_than_asked_for(distribution: str) -> None:
    near = around(distribution, n=250, distance=0.6)
    assert near
    assert max(distance for _, distance in near) <= 0.6
    assert around(distribution, distance=1e-4) == []


def test_a_neighbour_is_the_string_of_a_latent_so_far_away(distribution: str) -> None:
    model, latents = model_of(Directions(), distribution), latents_of(distribution, stream=Stream.SAMPLE_LATENT)
    found = invert(model, "bad", latents_of(distribution))
    for near in itertools.islice(neighbours(model, found, latents, 5), 5):
        number = round(near.distance * MIN_CANDIDATES) - 1
        latent_1Z = LATENT_SPACES[distribution].blend(
            found.latent_Z, latents(torch.tensor([number])), torch.tensor([near.distance])
        )
        (table_NLV,) = generate_at(model.generator, latent_1Z, CPU)
        assert model.spec.to_text(model.spec.decode(table_NLV)) == [near.text]


def test_a_string_that_is_not_the_text_is_its_first_neighbour() -> None:
    model = model_of(OneString())
    found = Inversion(text="dad", decoded="cab", latent_Z=torch.zeros(SIZE), log_probability=-9.0, edits=2)
    near = list(neighbours(model, found, latents_of("normal"), 5))
    assert [(one.text, one.distance) for one in near] == [("cab", 0.0)]


@pytest.mark.parametrize(
    ("n", "distance", "message"),
    [
        (0, 1.0, "n is 0, but it must be 1 to 100,000"),
        (100_001, 1.0, "n is 100,001, but it must be 1 to 100,000"),
        (1, 0.0, "distance is 0, but it must be above 0"),
        (1, 1.5, "distance is 1.5, but it must be above 0, and at most 1"),
        (1, float("nan"), "distance is nan"),
    ],
)
def test_neighbours_that_there_cannot_be_are_refused(n: int, distance: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_neighbours(n, distance)
    found = Inversion(text="a", decoded="a", latent_Z=torch.zeros(SIZE), log_probability=0.0, edits=0)
    with pytest.raises(ConfigError, match=message):
        neighbours(model_of(OneString()), found, latents_of("normal"), n, distance)


def test_latents_between_two_are_as_typical_as_they(distribution: str) -> None:
    space, latents = LATENT_SPACES[distribution], latents_of(distribution)
    first_Z, others_NZ = latents(torch.tensor([0]))[0], latents(torch.arange(1, 400))
    share_N = torch.linspace(0, 1, 399)
    between_NZ = space.blend(first_Z, others_NZ, share_N)
    assert torch.equal(between_NZ[0], first_Z)
    assert torch.allclose(between_NZ[-1], others_NZ[-1], atol=1e-6)
    if distribution == "uniform":
        assert between_NZ.abs().max() <= 1
    else:
        assert abs(between_NZ.norm(dim=1).mean().item() - SIZE**0.5) < 0.5


@pytest.mark.parametrize("size", [1, 2, 40])
def test_the_cost_of_a_normal_latent_is_minus_the_log_density_of_its_radius(size: int) -> None:
    latent_NZ = normal(0, 1, torch.arange(50), size).double()
    cost_N = LATENT_SPACES["normal"].cost(latent_NZ)
    radii = torch.linspace(1e-3, 20, 200_000, dtype=torch.float64)
    costs = radii**2 / 2 - (size - 1) * radii.log()
    radius_N = latent_NZ.norm(dim=1)
    wanted_N = radius_N**2 / 2 - (size - 1) * radius_N.log() - costs.min()
    assert cost_N.tolist() == pytest.approx(wanted_N.tolist(), abs=1e-6)
    assert cost_N.min() >= 0


def test_uniform_latents_cost_nothing_and_stay_in_their_cube() -> None:
    space, latent_NZ = LATENT_SPACES["uniform"], torch.tensor([[0.5, -3.0], [1.5, 1.0]])
    assert space.cost(latent_NZ).tolist() == [0, 0]
    assert space.project(latent_NZ).tolist() == [[0.5, -1.0], [1.0, 1.0]]
