"""What training is watched by: known answers, and that watching changes nothing."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.nn.layers import apply_weight_norm
from seqgan_wgp.registry import CRITICS as NETWORK_CRITICS
from seqgan_wgp.text.networks import CRITICS, NORMALIZATIONS
from seqgan_wgp.training.critic_views import stem_view
from seqgan_wgp.training.diagnostics import collect, measures
from seqgan_wgp.training.diagnostics.collect import BATCHES, diagnose
from seqgan_wgp.training.latents import run_latents
from seqgan_wgp.training.losses import LOSSES
from seqgan_wgp.training.penalties import apply_spectral_norm, interpolate, slopes
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream, choose_numpy, uniform

from ..problems import LinearCritic, NormedDomain, PointDomain, PointSpec

CPU = torch.device("cpu")


def points(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draws(columns: int, count: int = 5) -> Tensor:
    return uniform(3, Stream.EPSILON, torch.arange(count), columns).double()


# Numbers and how they are spread


def test_spread_of_numbers_whose_moments_are_known() -> None:
    found = measures.spread(torch.arange(101.0))
    assert (found.mean, found.p05, found.p50, found.p95) == (50, 5, 50, 95)
    assert found.deviation == pytest.approx(math.sqrt((101**2 - 1) / 12))
    one = measures.spread(torch.tensor([3.0]))
    assert (one.mean, one.deviation, one.p05, one.p95) == (3, 0, 3, 3)


def test_a_histogram_counts_every_finite_number_once_and_those_beyond_its_ends_there() -> None:
    values = torch.tensor([[-9.0, -1.0, -0.6], [0.0, 0.99, 1.0], [7.0, math.nan, -math.inf]])
    found = measures.histogram(values, 4, -1.0, 1.0)
    assert found.counts == [3, 0, 1, 3]
    assert found.mean == pytest.approx((-9 - 1 - 0.6 + 0.99 + 1 + 7) / 7)
    assert (found.low, found.high) == (-1, 1)


def test_a_histogram_of_one_value_or_of_none_has_a_range_all_the_same() -> None:
    found = measures.histograms({"same": torch.full((5,), 2.0)}, 3)["same"]
    assert (found.low, found.high, found.counts) == (1.5, 2.5, [0, 5, 0])
    empty = measures.histograms({"none": torch.tensor([math.nan])}, 3)["none"]
    assert empty.counts == [0, 0, 0]
    assert math.isnan(empty.mean)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50), st.integers(1, 40))
def test_histograms_that_belong_together_share_their_bins(numbers: list[float], bins: int) -> None:
    scores = {"real": torch.tensor(numbers), "fake": torch.tensor(numbers[:1]) + 1}
    found = measures.histograms(scores, bins)
    assert len({(each.low, each.high, len(each.counts)) for each in found.values()}) == 1
    assert {name: sum(each.counts) for name, each in found.items()} == {"real": len(numbers), "fake": 1}


def test_rank_correlation_by_hand() -> None:
    assert measures.spearman([1, 2, 3, 4], [10, 20, 40, 30]) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert measures.spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))  # ranks with a tie


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=30))
def test_rank_correlation_knows_order_alone(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=np.float64)
    found = measures.spearman(values, np.exp(values / 10))
    if len(set(numbers)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(1)
        assert measures.spearman(values, -(values**3)) == pytest.approx(-1)
        assert measures.spearman(values, np.zeros_like(values)) is None


def test_rank_correlation_is_of_two_series_of_one_length() -> None:
    assert measures.spearman([], []) is None
    assert measures.spearman([1.0], [2.0]) is None
    with pytest.raises(ValueError, match=r"not of \(2,\) and \(3,\)"):
        measures.spearman([1, 2], [1, 2, 3])


# Scores and slopes


@pytest.mark.parametrize("slope", [0.0, 0.5, 3.0])
def test_slopes_of_a_linear_critic_are_its_own_everywhere(slope: float) -> None:
    view = stem_view(LinearCritic(slope, (3, 4)), points(5, 3, 4, seed=1), points(5, 3, 4, seed=2))
    slope_B = measures.slopes_on_segments(view, draws)
    assert slope_B.tolist() == pytest.approx([slope] * 5)
    assert not slope_B.requires_grad


def test_slopes_are_those_at_the_interpolates_also_behind_a_first_layer() -> None:
    torch.manual_seed(0)
    critic = CRITICS["residual"](override(recipe("fast"), {"critic.width": 8}).critic, 7, 5).double()
    ids_BL = torch.randint(5, (5, 7))
    real, fake = nn.functional.one_hot(ids_BL, 5).double(), points(5, 7, 5).softmax(dim=-1)
    by_hand = slopes(critic, interpolate(real, fake, draws(1)[:, 0]))
    for items in (ids_BL, real):
        assert torch.allclose(measures.slopes_on_segments(stem_view(critic, items, fake), draws), by_hand)


def test_the_estimate_over_the_slope_is_that_of_the_critic_made_1_lipschitz() -> None:
    real, fake = points(5, 3, seed=1), points(5, 3, seed=2)
    estimates = []
    for slope in (0.25, 1.0, 4.0):
        critic = LinearCritic(slope, (3,))
        estimate = measures.wasserstein_estimate(critic(real), critic(fake)).item()
        assert estimate == pytest.approx(((real.mean(0) - fake.mean(0)) @ critic.weight).item())
        estimates.append(measures.wasserstein_normalized(estimate, slope))
    assert estimates == pytest.approx([estimates[1]] * 3)
    for slope in (0.0, math.nan, math.inf):
        assert measures.wasserstein_normalized(1.0, slope) is None


# Weights


def weighted(*numbers: float) -> nn.Module:
    critic = nn.Linear(len(numbers), 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([numbers]))
        critic.bias.zero_()
    return critic


def test_the_share_at_the_bounds_by_hand() -> None:
    critic = weighted(0.01, -0.01, 0.00951, -0.0094, 0.006, 0.0, 0.02)  # and a bias of 0
    assert measures.share_at_bounds(critic, 0.01) == 3 / 8
    assert measures.share_at_bounds(critic, 0.01, within=0.5) == 5 / 8
    # The nearest float32 is more than 0.1, and less than 0.01.
    for clip in (0.1, 0.01):
        critic = weighted(clip, -clip, clip)
        assert measures.share_at_bounds(critic, clip) == 3 / 4
        assert measures.weight_histogram(critic, 3, clip).counts == [1, 1, 2]


def test_without_a_bound_the_largest_weight_is_at_the_end() -> None:
    found = measures.weight_histogram(weighted(-2.0, 1.0, 0.25), 4)
    assert (found.low, found.high, found.counts) == (-2, 2, [1, 0, 2, 1])


# Gradients


class Deep(nn.Module):
    """Three dense layers, the second of which is never called, and what lies between them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.output = nn.Linear(4, 1, bias=False)  # registered first, and used last
        self.first, self.second = nn.Linear(3, 5), nn.Linear(5, 4)
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.double()

    def forward(self, x_B3: Tensor) -> Tensor:
        return self.parts(x_B3)[-1]

    def parts(self, x_B3: Tensor) -> list[Tensor]:
        one = self.first(x_B3)
        two = (torch.tanh(one) @ self.second.weight.t()) + self.second.bias
        three = self.output(torch.relu(two))
        return [one, two, three, three.squeeze(1) * self.scale]


def test_gradients_in_weights_are_normed_layer_by_layer() -> None:
    critic, x_B3 = Deep(), points(6, 3)
    gradients = torch.autograd.grad((critic(x_B3) ** 2).mean(), list(critic.parameters()))
    found = measures.gradient_norms(critic, gradients)
    by_name = dict(zip([name for name, _ in critic.named_parameters()], gradients, strict=True))
    first = torch.cat([by_name["first.weight"].flatten(), by_name["first.bias"]]).norm().item()
    assert set(found) == {measures.WHOLE, "output", "first", "second"}
    assert found["first"] == pytest.approx(first)
    assert found["output"] == pytest.approx(by_name["output.weight"].norm().item())
    assert found[measures.WHOLE] == pytest.approx(by_name["scale"].abs().item())


def test_gradients_in_activations_are_those_of_autograd_in_the_order_of_depth() -> None:
    critic, real, fake = Deep(), points(6, 3, seed=1), points(4, 3, seed=2)
    loss = LOSSES["lsgan"].critic
    found = measures.activation_gradient_norms(critic, [real, fake], loss)
    made = [critic.parts(real), critic.parts(fake)]
    gradients = torch.autograd.grad(loss(made[0][-1], made[1][-1]), [*made[0], *made[1]])
    by_hand = [
        torch.cat([one.flatten(), two.flatten()]).norm().item()
        for one, two in zip(gradients[:4], gradients[4:], strict=True)
    ]
    assert list(found) == ["first", "second", "output", measures.WHOLE]
    assert list(found.values()) == pytest.approx(by_hand)


def test_gradients_in_activations_of_a_deep_linear_critic_grow_by_the_factor_of_its_layers() -> None:
    """Gulrajani et al. 2017, section 3.2: the product of the layers' factors is what a clipped critic suffers from."""
    layers = [nn.Linear(4, 4, bias=False) for _ in range(6)]
    for layer in layers:
        nn.init.eye_(layer.weight).data.mul_(0.5)
    critic = nn.Sequential(*layers, nn.Flatten(0))
    found = measures.activation_gradient_norms(critic, [torch.ones(3, 4)], torch.sum)
    assert [a / b for a, b in itertools.pairwise(found.values())] == pytest.approx([0.5] * 5)


def text_critic(normalization: str) -> tuple[nn.Module, Tensor]:
    settings = override(recipe("paper"), {"critic.width": 8, "critic.blocks": 2}).critic
    settings = type(settings)(**vars(settings) | {"normalization": normalization})
    torch.manual_seed(0)
    return CRITICS["residual"](settings, 7, 5), torch.randint(5, (6, 7))


BLOCKS = [f"blocks.{block}.conv{part}" for block in (0, 1) for part in (1, 2)]


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("compact", [False, True])
def test_every_layer_of_a_critic_of_text_is_seen(normalization: str, compact: bool) -> None:
    critic, ids_BL = text_critic(normalization)
    if normalization == "weight":
        apply_weight_norm(critic)
    batch = ids_BL if compact else nn.functional.one_hot(ids_BL, 5).float()
    found = measures.activation_gradient_norms(critic, [batch], torch.mean)
    assert [layer for layer in found if "norm" not in layer] == ["input", *BLOCKS, "output"]
    assert len(found) == (6 if normalization in ("none", "weight") else 10)
    assert all(norm > 0 for norm in found.values())
    assert set(found) == set(measures.gradient_norms(critic, tuple(critic.parameters())))


IMAGES = {
    "mnist-wgan-gp": ["halve1", "halve2", "halve3", "output"],
    "mnist-wgan": ["hidden", "output"],
    "mnist-gan": ["convolution1", "convolution2", "dense", "output"],
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("constraint", ["none", "spectral"])
def test_every_layer_of_a_critic_of_images_is_seen(name: str, constraint: str) -> None:
    config = recipe(name)
    critic = NETWORK_CRITICS["image"][config.critic.network](config.critic, (1, 12, 12))
    if constraint == "spectral":
        apply_spectral_norm(critic, 0)
    batches = [points(6, 1, 12, 12, seed=seed).float() for seed in (1, 2)]
    found = measures.activation_gradient_norms(critic, batches, LOSSES["hinge"].critic)
    assert [layer for layer in found if "norm" not in layer] == IMAGES[name]
    assert set(found) == set(measures.gradient_norms(critic, tuple(critic.parameters())))


def test_buffers_are_put_back_whatever_happens_inside() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with pytest.raises(ZeroDivisionError), measures.unchanged(network):
        network(torch.randn(5, 2))
        assert not torch.equal(dict(network.named_buffers())["1.running_mean"], before["1.running_mean"])
        raise ZeroDivisionError
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())


# A diagnosis


def point_config(**changes: object) -> Config:
    settings: dict[str, object] = {
        "generator.latent": 8,
        "training.batch_size": 32,
        "training.critic_steps": 2,
        "training.steps": 12,
        "evaluation.every": 6,
        "log.diagnostics": 4,
    }
    return override(recipe("fast"), settings | changes)


def records(config: Config, domain: PointDomain | None = None) -> tuple[Trainer, list[dict[str, Any]]]:
    """Train to the end; return what each record knows besides the time."""
    trainer = Trainer.from_config(domain or PointDomain(), config, CPU)
    return trainer, [
        {"step": record.step, **record.losses, **record.measures, **record.diagnosis} for record in trainer.run()
    ]


CASES: dict[str, dict[str, object]] = {
    "lp": {},
    "clip": {"objective.constraint": "clip", "objective.penalty_weight": 0.0, "objective.clip": 0.05},
    "spectral": {"objective.constraint": "spectral", "objective.penalty_weight": 0.0},
    "weight": {"generator.normalization": "weight", "critic.normalization": "weight"},
    "noise": {"training.noise": 0.3},
    "latest": {"model.weights": "latest"},
    "gan": {"objective.loss": "gan-ns", "objective.constraint": "none", "objective.penalty_weight": 0.0},
}


@pytest.mark.parametrize("domain", [PointDomain, NormedDomain])
@pytest.mark.parametrize("case", CASES)
def test_diagnoses_change_nothing_bit_for_bit(case: str, domain: type[PointDomain]) -> None:
    watched, theirs = records(point_config(**CASES[case], **{"log.diagnostics": 1}), domain())
    alone, ours = records(point_config(**CASES[case], **{"log.diagnostics": 0}), domain())
    assert [{key: record[key] for key in other} for record, other in zip(theirs, ours, strict=True)] == ours
    left, right = watched.state(), alone.state()
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("stop", [3, 4, 7])
@pytest.mark.parametrize("case", CASES)
def test_a_run_that_goes_on_diagnoses_what_one_that_never_stopped_does(case: str, stop: int) -> None:
    config = point_config(**CASES[case])
    whole = records(config, NormedDomain())[1]
    part, before = records(override(config, {"training.steps": stop}), NormedDomain())
    other = Trainer.from_config(NormedDomain(), config, CPU)
    other.load_state({name: value.clone() for name, value in part.state().items()}, step=stop, seconds=1.0)
    after = [{"step": each.step, **each.losses, **each.measures, **each.diagnosis} for each in other.run()]
    assert [record for record in whole if "score_real" in record] == [
        record for record in before + after if "score_real" in record
    ]


def test_diagnoses_come_at_their_cadence_and_their_records_are_kept() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(), CPU)
    found = list(trainer.run())
    assert [record.step for record in found if record.diagnosis] == [4, 8, 12]
    assert [record.step for record in found if record.due(1_000)] == [1, 4, 6, 8, 12]


def test_the_numbers_are_those_of_the_networks_and_items_that_they_say() -> None:
    trainer, found = records(point_config(**{"training.steps": 4}))
    config, critic = trainer.config, trainer.train_state.critic
    draw_N = np.arange(4 * BATCHES * 32, 5 * BATCHES * 32)
    index_N = torch.from_numpy(draw_N)
    domain = trainer.domain
    real = domain.batch(choose_numpy(0, Stream.DIAGNOSIS_BATCH, draw_N, domain.size)).float()
    held = domain.held_out(choose_numpy(0, Stream.DIAGNOSIS_HELD_OUT, draw_N, domain.held_out_size)).float()
    fake = trainer.train_state.generator(run_latents(config, Stream.DIAGNOSIS_LATENT, index_N)).detach()
    slope_N = slopes(critic, interpolate(real, fake, uniform(0, Stream.DIAGNOSIS_EPSILON, index_N, 1)[:, 0])).detach()
    gap, held_gap = critic(real).mean() - critic(fake).mean(), critic(held).mean() - critic(fake).mean()
    by_hand = {
        "score_real": critic(real).mean(),
        "score_fake": critic(fake).mean(),
        "score_held_out": critic(held).mean(),
        "critic_loss_objective": -gap,
        "held_out_loss": -held_gap,
        "segment_slope_mean": slope_N.mean(),
        "segment_slope_deviation": slope_N.std(correction=0),
        "segment_slope_p95": slope_N.quantile(0.95),
        "wasserstein_normalized": gap / slope_N.mean(),
    }
    assert {name: found[-1][name] for name in by_hand} == pytest.approx(
        {name: value.item() for name, value in by_hand.items()}, rel=1e-4
    )
    assert found[-1]["critic_loss_objective"] != found[-1]["held_out_loss"]
    assert found[-1]["score_histograms"]["real"]["mean"] == pytest.approx(by_hand["score_real"].item(), rel=1e-3)


def test_the_gradient_by_layer_is_that_of_the_last_critic_step() -> None:
    _, found = records(point_config(**{"training.critic_steps": 1, "log.diagnostics": 1}))
    for record in found:
        assert math.hypot(*record["gradient_norms"].values()) == pytest.approx(record["critic_gradient"], rel=1e-3)
        assert (
            list(record["gradient_norms"]) == ["body.first", "body.last"] == list(record["activation_gradient_norms"])
        )


def test_only_a_clipped_critic_has_a_share_at_its_bounds() -> None:
    clipped = records(point_config(**CASES["clip"]))[1]
    assert 0 < clipped[-1]["clip_share"] <= 1
    assert clipped[-1]["slope_mean"] == 0
    assert clipped[-1]["segment_slope_mean"] > 0
    assert (clipped[-1]["weight_histogram"]["low"], clipped[-1]["weight_histogram"]["high"]) == (-0.05, 0.05)
    assert "clip_share" not in records(point_config())[1][-1]


def test_what_is_not_finite_is_left_out_and_breaks_nothing() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(), CPU)
    trainer.round()
    for poison in (math.nan, math.inf):
        with torch.no_grad():
            next(trainer.train_state.critic.parameters()).view(-1)[0] = poison
        found = diagnose(trainer.train_state)
        assert "score_real" not in found
        assert "NaN" not in json.dumps(found)
        assert "Infinity" not in json.dumps(found)
        assert (
            sum(found["weight_histogram"]["counts"])
            == sum(each.numel() for each in trainer.train_state.critic.parameters()) - 1
        )


def test_a_critic_of_slope_0_has_no_normalized_estimate() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(), CPU)
    for parameter in trainer.train_state.critic.parameters():
        nn.init.zeros_(parameter)
    found = diagnose(trainer.train_state)
    assert found["segment_slope_mean"] == 0
    assert "wasserstein_normalized" not in found
    assert "gradient_norms" not in found  # nothing has been trained yet


class ManyForm(PointSpec):
    """Points for a critic of three hundred layers."""

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        layers = [nn.Linear(2, 2) for _ in range(299)]
        return super().networks(config)[0], nn.Sequential(*layers, nn.Linear(2, 1), nn.Flatten(0))


class ManyDomain(PointDomain):
    spec = ManyForm()


def test_of_many_layers_a_record_tells_of_some_with_the_first_and_the_last() -> None:
    trainer = Trainer.from_config(ManyDomain(), point_config(), CPU)
    trainer.round()
    found = diagnose(trainer.train_state)
    for norms in (found["gradient_norms"], found["activation_gradient_norms"]):
        assert len(norms) == collect.MAX_LAYERS
        assert ("0", "299") == (min(norms, key=int), max(norms, key=int)) == (next(iter(norms)), list(norms)[-1])
    assert len(json.dumps(found)) < 10_000
