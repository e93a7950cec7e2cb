"""The loop: deterministic, resumable, blind to what it trains on, and true to the theory."""

from __future__ import annotations

import ast
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config, override, recipe
from seqgan_wgp.errors import CheckpointError, Diverged
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.build import Optimizers
from seqgan_wgp.training.latents import BLOCK, STATISTICS_BLOCKS, generate, run_latents
from seqgan_wgp.training.penalties import interpolate, slopes
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream

from .problems import NormedDomain, PointDomain

CPU = torch.device("cpu")


def point_config(**changes: object) -> Config:
    settings = {
        "generator.latent": 8,
        "training.batch_size": 32,
        "training.critic_steps": 2,
        "training.steps": 20,
        "evaluation.every": 10,
        "optimizer.generator.learning_rate": 2e-3,
        "optimizer.critic.learning_rate": 4e-3,
    }
    return override(recipe("fast"), settings | changes)


def finished(config: Config) -> Trainer:
    trainer = Trainer.from_config(PointDomain(), config, CPU)
    for _ in trainer.run():
        pass
    return trainer


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_learns_points_of_the_plane_without_knowing_what_they_are() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(**{"training.steps": 400, "evaluation.every": 200}), CPU)
    first = trainer.domain.score(trainer.samples())["distance"]
    measures = [record.measures["distance"] for record in trainer.run() if record.measures]
    assert len(measures) == 2
    assert first > 3
    assert measures[-1] < 1


def test_training_twice_is_bitwise_equal_and_another_seed_is_not() -> None:
    one, two = finished(point_config()), finished(point_config())
    assert equal(one.state(), two.state())
    assert not equal(one.state(), finished(point_config(**{"training.seed": 1})).state())


def test_both_optimizers_take_the_rates_of_their_round() -> None:
    changes = {"optimizer.generator.lr_decay_steps": 8, "optimizer.critic.lr_decay_steps": 0, "training.warm_up": 1}
    trainer = Trainer.from_config(PointDomain(), point_config(**changes), CPU)
    rates = []
    for _ in range(25):
        trainer.round()
        rates.append(
            [
                each.param_groups[0]["lr"]
                for each in (trainer.train_state.optimizers.generator, trainer.train_state.optimizers.critic)
            ]
        )
    assert rates[0] == [2e-3, 4e-3]
    assert rates[24] == pytest.approx([1e-3, 4e-3])


def test_due_records_have_the_rates_that_the_optimizers_had_in_their_round() -> None:
    changes = {"optimizer.generator.lr_decay_steps": 8, "optimizer.critic.lr_decay_steps": 5, "log.every": 6}
    trainer = Trainer.from_config(PointDomain(), point_config(**changes), CPU)
    optimizers = trainer.train_state.optimizers
    used, seen = [], {}
    for record in trainer.run():
        used.append([each.param_groups[0]["lr"] for each in optimizers])
        seen[record.step] = list(record.learning_rates.values())
    assert seen == {step: used[step - 1] if step in (1, 6, 10, 12, 18, 20) else [] for step in range(1, 21)}
    assert seen[18] == pytest.approx([2e-3 / math.sqrt(1 + 17 / 8), 4e-3 / math.sqrt(1 + 17 / 5)])


@pytest.mark.parametrize("stop", [1, 7, 19])
def test_a_loaded_state_goes_on_as_if_never_stopped(stop: int) -> None:
    whole = finished(point_config())
    part = finished(point_config(**{"training.steps": stop}))
    other = Trainer.from_config(PointDomain(), point_config(), CPU)
    other.load_state({name: value.clone() for name, value in part.state().items()}, step=stop, seconds=1.0)
    steps = [record.step for record in other.run()]
    assert steps == list(range(stop + 1, 21))
    assert equal(whole.state(), other.state())


def test_a_state_of_other_networks_is_refused() -> None:
    state = finished(point_config(**{"training.steps": 1})).state()
    with pytest.raises(CheckpointError, match="does not fit"):
        Trainer.from_config(PointDomain(), point_config(**{"generator.latent": 9}), CPU).load_state(
            state, step=1, seconds=0
        )
    del state["critic.body.first.weight"]
    with pytest.raises(CheckpointError, match=r"critic\.body\.first\.weight"):
        Trainer.from_config(PointDomain(), point_config(), CPU).load_state(state, step=1, seconds=0)


def test_fused_optimizer_steps_as_the_plain_one_on_transposed_gradients() -> None:
    # What `autograd.grad` returns for some weights is a transposed view, and fused Adam misreads it silently.
    trainer = Trainer.from_config(PointDomain(), point_config(**{"training.steps": 3}), CPU)
    plain = Trainer.from_config(PointDomain(), point_config(**{"training.steps": 3}), CPU)
    state = plain.train_state
    adams = []
    for network, name in ((state.generator, "generator"), (state.critic, "critic")):
        settings = getattr(plain.config.optimizer, name)
        betas = (settings.beta1, settings.beta2)
        adams.append(torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=betas, foreach=False))
    state.optimizers = Optimizers(*adams)
    for ours, theirs in zip(trainer.run(), plain.run(), strict=True):
        assert ours.losses["critic_loss"] == pytest.approx(theirs.losses["critic_loss"], rel=1e-4)
    for a, b in zip(trainer.train_state.critic.parameters(), state.critic.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(poison: float) -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(), CPU)
    records = trainer.run()
    next(records)
    next(records)
    with torch.no_grad():
        next(trainer.train_state.critic.parameters()).view(-1)[0] = poison
    with pytest.raises(Diverged, match=r"critic_loss is .* at step 3"):
        next(records)


def test_a_huge_learning_rate_diverges_by_name_not_by_numbers_gone_wild() -> None:
    wild = {"optimizer.critic.learning_rate": 10.0, "optimizer.generator.learning_rate": 10.0, "training.steps": 5000}
    with pytest.raises(Diverged, match="at step"):
        finished(point_config(**wild, **{"objective.penalty_weight": 1e30}))


def test_moving_average_is_the_mean_of_weights_with_growing_memory() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(**{"averaging.decay": 0.5}), CPU)
    expected = [parameter.detach().clone() for parameter in trainer.train_state.average.parameters()]
    for record in trainer.run():
        decay = min(0.5, record.step / (record.step + 10))
        for mean, latest in zip(expected, trainer.train_state.generator.parameters(), strict=True):
            mean.lerp_(latest.detach(), 1 - decay)
    for mean, ours in zip(expected, trainer.train_state.average.parameters(), strict=True):
        assert torch.allclose(mean, ours, atol=1e-6)


def test_no_averaging_means_the_latest_weights() -> None:
    trainer = finished(point_config(**{"averaging.decay": 0.0}))
    for mean, latest in zip(
        trainer.train_state.average.parameters(), trainer.train_state.generator.parameters(), strict=True
    ):
        assert torch.equal(mean, latest)


def test_batches_of_an_epoch_hold_every_item_once() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(**{"training.batch_size": 50}), CPU)
    trainer.domain.points = torch.arange(2 * PointDomain.size).reshape(-1, 2)  # type: ignore[attr-defined]
    drawn = torch.cat([trainer.train_state.batches.real(number)[:, 0] for number in range(PointDomain.size // 50)])
    assert sorted(drawn.tolist()) == list(range(0, 2 * PointDomain.size, 2))


@pytest.mark.parametrize(("start", "count"), [(0, 1), (3, 5), (BLOCK - 1, 2), (BLOCK, BLOCK), (7, 2 * BLOCK), (5, 0)])
def test_item_k_is_the_same_whatever_else_is_asked_for(start: int, count: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 50), nn.Tanh(), nn.Linear(50, 4))

    def latent(index_B: Tensor) -> Tensor:
        return torch.stack([index_B % 7, index_B % 11, index_B % 13], dim=1) / 10

    whole = torch.cat(list(generate(network, latent, 0, 4 * BLOCK, CPU)))
    parts = list(generate(network, latent, start, count, CPU))
    part = torch.cat(parts) if parts else whole[:0]
    assert torch.equal(part, whole[start : start + count])


@pytest.fixture(scope="module")
def trained_on_text(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, list[dict[str, float]]]:
    """500 rounds of the two-sided penalty on short pseudo-words."""
    syllables = np.array(["ka", "ro", "mi", "ten", "sul", "ba"])
    chosen = np.random.default_rng(0).integers(0, len(syllables), (3_000, 3))
    lines = ["".join(row) for row in syllables[chosen].tolist()]
    settings = {
        "corpus.length": 9,
        "objective.constraint": "gp",
        "generator.width": 16,
        "critic.width": 16,
        "generator.blocks": 1,
        "critic.blocks": 2,
        "training.critic_steps": 2,
        "training.batch_size": 32,
        "training.steps": 500,
        "evaluation.every": 1000,
        "optimizer.critic.learning_rate": 2e-3,
        "optimizer.generator.learning_rate": 1e-3,
    }
    config = override(recipe("fast"), settings)
    corpus = prepare(scan(open_source(lines), config.corpus), tmp_path_factory.mktemp("text"))
    trainer = Trainer.from_config(TextDomain(corpus, config, CPU), config, CPU)
    return trainer, [dict(record.losses) for record in trainer.run()]


def measured(trainer: Trainer, batches: int = 40) -> tuple[float, float]:
    """Return the Wasserstein estimate and the mean slope on segments, over fresh batches."""
    gaps, steepness = [], []
    for number in range(batches):
        real = trainer.domain.spec.embed(trainer.train_state.batches.real(10_000 + number))
        with torch.no_grad():
            fake = trainer.train_state.generator(torch.randn(len(real), trainer.config.generator.latent))
            gaps.append((trainer.train_state.critic(real).mean() - trainer.train_state.critic(fake).mean()).item())
        slope_B = slopes(trainer.train_state.critic, interpolate(real, fake, torch.rand(len(real))), create_graph=False)
        steepness.append(slope_B.mean().item())
    return float(np.mean(gaps)), float(np.mean(steepness))


def test_wasserstein_estimate_stays_within_the_geometry_of_one_hot_text(
    trained_on_text: tuple[Trainer, list[dict[str, float]]],
) -> None:
    # Two one-hot strings that differ everywhere are sqrt(2L) apart; no critic of mean slope s can tell them further.
    trainer, losses = trained_on_text
    bound = 1.02 * math.sqrt(2 * trainer.domain.spec.event_shape[0])
    assert len(losses) == 500
    assert [step for step, loss in enumerate(losses) if loss["wasserstein"] > bound * loss["slope_mean"]] == []
    torch.manual_seed(0)
    wasserstein, slope = measured(trainer)
    assert 0 < wasserstein <= bound * slope


def test_slope_is_near_one_after_500_rounds(trained_on_text: tuple[Trainer, list[dict[str, float]]]) -> None:
    torch.manual_seed(0)
    assert 0.8 <= measured(trained_on_text[0])[1] <= 1.5


# The rhythm


def counted(config: Config) -> tuple[list[int], list[int]]:
    """Return how many critic and generator steps each round did."""
    trainer = Trainer.from_config(PointDomain(), config, CPU)
    steps = {"critic": 0, "generator": 0}
    for algorithm, name in (
        (trainer.train_state.optimizers.critic, "critic"),
        (trainer.train_state.optimizers.generator, "generator"),
    ):

        def count(*_: object, name: str = name) -> None:
            steps[name] += 1

        algorithm.register_step_post_hook(count)
    done = [(steps["critic"], steps["generator"]) for _ in trainer.run()]
    critic, generator = ([b - a for a, b in pairwise([0, *part])] for part in zip(*done, strict=True))
    return critic, generator


LOG_LOSS: dict[str, object] = {
    "objective.loss": "gan-ns",
    "objective.constraint": "none",
    "objective.penalty_weight": 0.0,
}


def test_a_round_has_the_steps_that_the_schedule_says() -> None:
    growing: dict[str, object] = {
        "training.generator_steps": 2,
        "training.generator_steps_more": 3,
        "training.generator_steps_period": 2,
    }
    critic, generator = counted(point_config(**growing, **{"training.steps": 5}))
    assert critic == [2, 2, 2, 2, 2]
    assert generator == [2, 2, 5, 5, 8]


def test_the_warm_up_trains_the_critic_alone_and_ends_early_when_it_is_good_enough() -> None:
    gan: dict[str, object] = {
        "objective.loss": "gan-ns",
        "objective.constraint": "none",
        "objective.penalty_weight": 0.0,
        "training.steps": 2,
    }
    assert counted(point_config(**gan, **{"training.warm_up": 7})) == ([9, 2], [1, 1])
    easy: dict[str, object] = {"training.warm_up": 7, "training.warm_up_until": 100.0}
    assert counted(point_config(**gan, **easy)) == ([3, 2], [1, 1])
    # Points that are far apart: the critic soon tells them from each other.
    critic, _ = counted(point_config(**gan, **{"training.warm_up": 5000, "training.warm_up_until": 0.2}))
    assert 3 < critic[0] < 2000


def test_the_generator_goes_on_while_its_loss_is_high_and_gives_up_when_that_does_not_help() -> None:
    gan: dict[str, object] = {
        "objective.loss": "gan-ns",
        "objective.constraint": "none",
        "objective.penalty_weight": 0.0,
        "training.steps": 8,
    }
    for above in (1e9, None):
        assert counted(point_config(**gan, **{"training.extra_steps_above": above}))[1] == [1] * 8
    # No loss is below 0: only rises end it.
    rises: dict[str, object] = {"training.extra_steps_above": -1.0, "optimizer.generator.learning_rate": 1e-9}
    few = counted(point_config(**gan, **rises, **{"training.extra_steps_max_rises": 2}))[1]
    many = counted(point_config(**gan, **rises, **{"training.extra_steps_max_rises": 10}))[1]
    assert all(steps >= 3 for steps in few)
    assert sum(many) > sum(few)


SCHEDULED: dict[str, object] = {
    "training.generator_steps": 2,
    "training.generator_steps_more": 1,
    "training.generator_steps_period": 3,
    "training.warm_up": 4,
    "training.extra_steps_above": 0.1,
    "training.extra_steps_max_rises": 2,
}
EVERYTHING: dict[str, dict[str, object]] = {
    "schedule": SCHEDULED,
    "noise": {"training.noise": 0.3, "training.noise_steps": 12},
    "spectral": {"objective.constraint": "spectral", "objective.penalty_weight": 0.0},
    "weight": {"generator.normalization": "weight", "critic.normalization": "weight"},
    "clip": {"objective.constraint": "clip", "objective.penalty_weight": 0.0, "objective.clip": 0.05},
    "dragan": {"objective.loss": "gan-ns", "objective.constraint": "dragan"},
    "dragan-notebook": {"objective.loss": "gan-ns", "objective.constraint": "dragan-notebook"},
    "gp-difference": {"objective.constraint": "gp-difference"},
    "rmsprop": {"optimizer.critic.name": "rmsprop", "optimizer.critic.decay": 0.9},
    "rmsprop-tf": {"optimizer.critic.name": "rmsprop-tf", "optimizer.critic.decay": 0.9},
    "sgd": {"optimizer.critic.name": "sgd", "optimizer.critic.momentum": 0.5},
}


@pytest.mark.parametrize("case", EVERYTHING)
@pytest.mark.parametrize("stop", [1, 7])
def test_whatever_is_set_a_run_goes_on_as_if_never_stopped(case: str, stop: int) -> None:
    changes = EVERYTHING[case]
    whole = finished(point_config(**changes))
    part = finished(point_config(**changes, **{"training.steps": stop}))
    other = Trainer.from_config(PointDomain(), point_config(**changes), CPU)
    other.load_state({name: value.clone() for name, value in part.state().items()}, step=stop, seconds=1.0)
    for _ in other.run():
        pass
    assert equal(whole.state(), other.state())


def test_clipped_weights_are_within_their_bound_after_every_step() -> None:
    trainer = Trainer.from_config(PointDomain(), point_config(**EVERYTHING["clip"]), CPU)
    for _ in trainer.run():
        assert max(parameter.abs().max().item() for parameter in trainer.train_state.critic.parameters()) <= np.float32(
            0.05
        )


def test_instance_noise_moves_what_the_critic_sees_until_it_has_faded() -> None:
    quiet, noisy = point_config(), point_config(**EVERYTHING["noise"])
    records = [list(Trainer.from_config(PointDomain(), config, CPU).run()) for config in (quiet, noisy)]
    assert records[0][0].losses["wasserstein"] != records[1][0].losses["wasserstein"]

    trainer = Trainer.from_config(PointDomain(), noisy, CPU)
    seen: list[Tensor] = []
    trainer.train_state.critic.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    rounds = list(trainer.run())
    assert len(rounds) == 20

    def whole(batch: Tensor) -> bool:
        return torch.equal(batch[:32], batch[:32].round())

    # Of each critic step the batch of both kinds is seen first; real points are whole numbers once the noise is gone.
    both = [batch for batch in seen if len(batch) == 64]
    assert [whole(batch) for batch in both] == [False] * 24 + [True] * 16


def test_running_statistics_are_those_of_the_averaged_weights() -> None:
    trainer = Trainer.from_config(NormedDomain(), point_config(**{"averaging.decay": 0.9}), CPU)
    for _ in trainer.run():
        pass
    trainer.state()
    index_B = torch.arange(STATISTICS_BLOCKS * BLOCK)
    hidden_BC = trainer.train_state.average.get_submodule("first")(
        run_latents(trainer.config, Stream.STATISTICS_LATENT, index_B)
    )

    def error(network: nn.Module) -> float:
        mean_C = network.get_submodule("norm").running_mean
        assert isinstance(mean_C, Tensor)
        return float((mean_C - hidden_BC.mean(dim=0)).abs().max())

    assert error(trainer.train_state.average) < 1e-6
    assert error(trainer.train_state.generator) > 0.01  # those of the last few batches, of weights that went on


def test_trainer_knows_no_modality() -> None:
    folder = Path(__file__).parents[2] / "seqgan_wgp" / "training"
    files = [file for file in folder.glob("*.py") if file.name != "adapter.py"]  # its hints name what others are for
    words = ("string", "character", "vocabulary", "image", "pixel")
    found = {file.name: word for file in files for word in words if word in code_of(file).lower()}
    assert found == {}


def code_of(file: Path) -> str:
    """Return the code of a file without comments and docstrings, which may name kinds of data as examples."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            texts = [each for each in node.body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
            node.body = [each for each in node.body if each not in texts] or [ast.Pass()]
    return ast.unparse(tree)
