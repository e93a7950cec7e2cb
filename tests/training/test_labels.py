"""Labels of conditional runs: drawn by their shares, the same for the two ends of a segment, in training too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqgan_wgp.registry import CRITICS, GENERATORS
from seqgan_wgp.text.networks import ResidualCritic
from seqgan_wgp.training.critic_views import points_view, stem_view
from seqgan_wgp.training.engines.table import ENGINES
from seqgan_wgp.training.labels import LABEL_STREAMS, LabelShares, split_label, with_label
from seqgan_wgp.training.latents import training_latents
from seqgan_wgp.training.penalties import between
from seqgan_wgp.training.state import TrainState
from seqgan_wgp.utils.counter_rng import Stream

from .stand_ins import trainer_of

LABELLED: dict[str, object] = {"corpus.label": "group"}


@pytest.mark.parametrize("stream", LABEL_STREAMS)
def test_labels_are_drawn_by_their_shares_and_one_of_share_0_never(stream: Stream) -> None:
    shares = LabelShares([3, 0, 1, 4, 0])
    assert shares.shares == (0.375, 0.0, 0.125, 0.5, 0.0)
    counts_K = torch.bincount(shares.draw(0, stream, torch.arange(20_000)), minlength=5)
    assert counts_K[[1, 4]].tolist() == [0, 0]
    assert (counts_K / 20_000).tolist() == pytest.approx(shares.shares, abs=0.015)


def test_a_label_depends_on_seed_stream_and_index_alone() -> None:
    shares, index_N = LabelShares([1, 1, 1]), torch.arange(100)
    whole_N = shares.draw(3, Stream.SAMPLE_LATENT, index_N)
    assert torch.equal(shares.draw(3, Stream.SAMPLE_LATENT, index_N[40:60]), whole_N[40:60])
    assert not torch.equal(shares.draw(4, Stream.SAMPLE_LATENT, index_N), whole_N)
    assert not torch.equal(shares.draw(3, Stream.GENERATOR_LATENT, index_N), whole_N)


def test_columns_and_their_labels_are_parted_again() -> None:
    columns_BX, label_B = torch.randn(4, 3), torch.tensor([0, 999, 7, 1])
    found_BX, found_B = split_label(with_label(columns_BX, label_B))
    assert torch.equal(found_BX, columns_BX)
    assert torch.equal(found_B, label_B)


def test_fakes_of_a_critic_step_have_the_labels_of_its_real_items() -> None:
    batches = trainer_of("fast", LABELLED).train_state.batches
    for number in range(5):
        real = batches.real(number)
        latent_BX, label_B = split_label(batches.latents(Stream.CRITIC_LATENT, number, real))
        assert torch.equal(label_B, real[:, -1])
        plain = trainer_of("fast").train_state.batches.latents(Stream.CRITIC_LATENT, number)
        assert torch.equal(latent_BX, plain)  # the latents are those of a run without labels


def test_those_of_a_generator_step_are_drawn_by_the_shares_of_training() -> None:
    trainer = trainer_of("fast", LABELLED)
    label_N = torch.cat(
        [split_label(trainer.train_state.batches.latents(Stream.GENERATOR_LATENT, k))[1] for k in range(400)]
    )
    assert (torch.bincount(label_N) / len(label_N)).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_fixed_latents_have_fixed_labels() -> None:
    trainer = trainer_of("fast", LABELLED | {"training.fixed_latents": True})
    state = trainer.train_state
    first, later = (
        training_latents(0, state.config, Stream.GENERATOR_LATENT, torch.arange(8) + 8 * k, state.batches.labels)
        for k in (0, 5)
    )
    assert torch.equal(first, later)


def critic_with_labels(state: TrainState) -> ResidualCritic:
    """Return the critic of a run, its embeddings of labels no longer 0."""
    critic = state.critic
    assert isinstance(critic, ResidualCritic)
    assert critic.projection is not None
    with torch.no_grad():
        critic.projection.table.weight.normal_()
    return critic


def test_points_between_two_of_one_label_have_that_label_and_the_slope_is_that_of_the_string() -> None:
    state = trainer_of("fast", LABELLED).train_state
    critic, real = critic_with_labels(state), state.batches.real(0)
    with torch.no_grad():
        fake = state.generator(state.batches.latents(Stream.CRITIC_LATENT, 0, real))
    whole = state.domain.spec.embed(real)
    assert torch.equal(fake[:, -1], whole[:, -1])
    uniform = state.batches.epsilon(0)
    behind = between(stem_view(critic, real, fake), uniform)
    torch.testing.assert_close(behind, between(points_view(critic, whole, fake), uniform), rtol=1e-4, atol=1e-6)
    middle = (whole + fake).div(2).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(middle).sum(), middle)
    assert not gradient[:, -1].any()
    entered = critic.stem(middle)
    (behind_first,) = torch.autograd.grad(critic.score(entered).sum(), entered)
    slope_B = gradient.flatten(1).norm(dim=1)
    torch.testing.assert_close(critic.slopes(behind_first), slope_B, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(ENGINES) - {"plain", "compiled"}))
def test_every_engine_has_the_gradients_of_the_plain_one(name: str) -> None:
    state = trainer_of("fast", LABELLED | {"objective.penalty_every": 2}).train_state
    critic_with_labels(state)
    real = state.batches.real(0)
    fake = state.generator(state.batches.latents(Stream.CRITIC_LATENT, 0, real)).detach()
    found = []
    for engine_name in ("plain", name):
        engine = ENGINES[engine_name](state.generator, state.critic, state.objective, state.config)
        given = real if engine.takes_items else state.domain.spec.embed(real)
        gradients, _ = engine.critic_gradients(given, fake, state.batches.epsilon(0))
        found.append(gradients)
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-5)


def test_a_run_that_stopped_goes_on_as_if_it_had_not() -> None:
    whole, first = (trainer_of("fast", LABELLED) for _ in range(2))
    for _ in range(4):
        whole.round()
    for _ in range(2):
        first.round()
    rest = trainer_of("fast", LABELLED)
    rest.load_state({name: tensor.clone() for name, tensor in first.state().items()}, step=2, seconds=0)
    for _ in range(2):
        rest.round()
    assert all(torch.equal(tensor, rest.state()[name]) for name, tensor in whole.state().items())
    assert np.array_equal(whole.samples(), rest.samples())


def test_a_label_changes_what_is_generated_and_the_networks_that_take_none_are_known() -> None:
    generator = trainer_of("fast", LABELLED).train_state.average
    latent_BZ = torch.randn(2, 8)
    one, other = (generator(with_label(latent_BZ, torch.full((2,), label))) for label in (0, 2))
    assert not torch.allclose(one, other)
    taking = {name for name, entry in GENERATORS["text"].items() if entry.takes_labels}
    assert taking == {"residual"}
    assert CRITICS["text"]["residual"].takes_labels
