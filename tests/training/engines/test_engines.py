"""Every engine computes the gradients of the plain one, and trains as it does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seqgan_wgp.config import Config
from seqgan_wgp.nn.fast_conv.convolution import CONVOLUTIONS
from seqgan_wgp.nn.layers import CONTEXTS
from seqgan_wgp.text.corpus.dataset import Corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.critic_views import stem_view
from seqgan_wgp.training.engines.compiled import CompiledEngine
from seqgan_wgp.training.engines.cuda_graph import StaticRound, unsupported_reason
from seqgan_wgp.training.engines.eager import Engine
from seqgan_wgp.training.engines.table import ENGINES
from seqgan_wgp.training.steps import Gradients, critic_loss, generator_gradients
from seqgan_wgp.training.trainer import Trainer

Make = Callable[..., Trainer]


@pytest.fixture(scope="module")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> Corpus:
    return prepare(scan(open_source(tiny_lines), tiny_config().corpus), tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def make(corpus: Corpus, tiny_config: Callable[..., Config]) -> Make:
    """A trainer at settings; its networks are those of the recipe's first weights."""

    def trainer(**settings: object) -> Trainer:
        config = tiny_config(**{"critic.kernel": 5, "generator.kernel": 5, **settings})
        return Trainer.from_config(TextDomain(corpus, config, torch.device("cpu")), config, torch.device("cpu"))

    return trainer


def gradients(trainer: Trainer, engine: Engine, dtype: torch.dtype = torch.float32) -> tuple[Gradients, Gradients]:
    """Gradients of both kinds of step, of the trainer's first batches."""
    for network in (trainer.train_state.generator, trainer.train_state.critic):
        network.to(dtype)
    index_B = trainer.train_state.batches.index(0)
    latent_BZ = torch.randn(len(index_B), 8, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        fake = trainer.train_state.generator(latent_BZ)
    real = trainer.train_state.batches.real(0)
    if not engine.takes_items:
        real = trainer.domain.spec.embed(real).to(dtype)
    draw = trainer.train_state.batches.epsilon(0)
    critic, _ = engine.critic_gradients(real, fake, lambda columns: draw(columns).to(dtype))
    generator, _ = generator_gradients(
        trainer.train_state.generator,
        trainer.train_state.critic,
        latent_BZ,
        loss=trainer.train_state.objective.loss,
        real=trainer.domain.spec.embed(trainer.train_state.batches.real(0)).to(dtype),
        autocast=trainer.train_state.autocast,
    )
    return critic, generator


def away(mine: Gradients, others: Gradients) -> float:
    """The largest distance of two gradients of a tensor, relative to its norm; next to none counts as a hundredth."""
    return max(float((a - b).norm()) / max(float(b.norm()), 1e-2) for a, b in zip(mine, others, strict=True))


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=str)
@pytest.mark.parametrize("way", [*CONVOLUTIONS, "auto"])
@pytest.mark.parametrize("constraint", ["gp", "lp"])
def test_the_eager_engine_has_the_gradients_of_the_plain_one(
    make: Make, constraint: str, way: str, dtype: torch.dtype, most: float
) -> None:
    settings = {"objective.constraint": constraint}
    plain = make(**settings, **{"training.engine": "plain"})
    eager = make(**settings, **{"training.engine": "eager", "training.convolution": way})
    for mine, other in zip(
        gradients(eager, eager.train_state.engine, dtype),
        gradients(plain, plain.train_state.engine, dtype),
        strict=True,
    ):
        assert away(mine, other) <= most


@pytest.mark.parametrize(
    "settings",
    [
        *({"critic.context": name, "generator.context": name} for name in CONTEXTS if name != "none"),
        {"critic.dilation_growth": 2, "generator.dilation_growth": 2, "generator.self_modulation": True},
        *({"generator.soft_share": share} for share in (0.0, 0.5)),
        {"objective.loss": "rpgan", "objective.constraint": "r1r2"},
        {"critic.ngrams": 3},
    ],
    ids=str,
)
def test_the_gradients_are_the_same_whatever_changes_the_networks(make: Make, settings: dict[str, object]) -> None:
    plain, eager = make(**settings, **{"training.engine": "plain"}), make(**settings, **{"training.engine": "eager"})
    for trainer in (plain, eager):
        for network in (trainer.train_state.generator, trainer.train_state.critic):
            for name, parameter in network.named_parameters():
                if name.endswith("gain.weight"):
                    torch.nn.init.ones_(parameter)
    pairs = zip(*(gradients(each, each.train_state.engine, torch.float64) for each in (eager, plain)), strict=True)
    assert all(away(mine, other) <= 1e-10 for mine, other in pairs)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_trains_as_the_plain_one_does(make: Make, name: str) -> None:
    if name == "compiled":
        pytest.skip("it has a test of its own, since it takes long to compile")
    one, two = make(**{"training.engine": name}), make(**{"training.engine": "plain"})
    for mine, other in zip(one.run(), two.run(), strict=True):
        assert mine.losses["wasserstein"] == pytest.approx(other.losses["wasserstein"], rel=1e-3, abs=1e-4)
        assert mine.notes == ()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of parts of torch that its compiler uses
def test_the_compiled_engine_has_the_gradients_of_the_plain_one_or_says_why_not(make: Make) -> None:
    plain, compiled = make(**{"training.engine": "plain"}), make(**{"training.engine": "compiled"})
    expected = gradients(plain, plain.train_state.engine)
    for mine, other in zip(gradients(compiled, compiled.train_state.engine), expected, strict=True):
        assert away(mine, other) <= 1e-5
    if compiled.train_state.engine.fell_back is not None:
        pytest.skip(f"compiled steps fell back here: {compiled.train_state.engine.fell_back}")
    again = gradients(compiled, compiled.train_state.engine)[
        0
    ]  # the second step is not held against the eager one any more
    assert away(again, expected[0]) <= 1e-5


def test_what_cannot_be_compiled_is_done_eagerly_and_told_of_once(make: Make) -> None:
    trainer = make(**{"training.engine": "compiled", "training.steps": 3})
    assert isinstance(trainer.train_state.engine, CompiledEngine)

    def broken(*_: Tensor) -> tuple[Tensor, ...]:
        raise RuntimeError("no compiler\nat all")

    trainer.train_state.engine._compiled = broken
    records = list(trainer.run())
    assert [len(record.notes) for record in records] == [1, 0, 0]
    assert "training.engine is compiled" in records[0].notes[0]
    assert "no compiler" in records[0].notes[0]
    expected = make(**{"training.engine": "eager", "training.convolution": "direct", "training.steps": 3})
    assert [dict(record.losses) for record in expected.run()] == [dict(record.losses) for record in records]


def test_a_compiled_step_that_is_not_alike_is_not_used(make: Make) -> None:
    trainer = make(**{"training.engine": "compiled"})
    assert isinstance(trainer.train_state.engine, CompiledEngine)

    def wrong(real: Tensor, fake: Tensor, uniform_B2: Tensor) -> tuple[Tensor, ...]:
        view = stem_view(trainer.train_state.critic, real, fake)
        total, metrics = critic_loss(view, lambda columns: uniform_B2[:, :columns], trainer.train_state.objective)
        return 1.01 * total, metrics.wasserstein, metrics.penalty, metrics.slope_mean

    trainer.train_state.engine._compiled = wrong
    found = gradients(trainer, trainer.train_state.engine)
    assert trainer.train_state.engine.fell_back is not None
    assert "off by" in trainer.train_state.engine.fell_back
    eager = make(**{"training.engine": "eager", "training.convolution": "direct"})
    assert away(found[0], gradients(eager, eager.train_state.engine)[0]) == 0


@pytest.mark.parametrize("name", ["plain", "eager"])
def test_bf16_gives_gradients_near_those_in_float32(make: Make, name: str) -> None:
    low = make(**{"training.engine": name, "training.precision": "bf16"})
    high = make(**{"training.engine": name})
    for mine, other in zip(
        gradients(low, low.train_state.engine), gradients(high, high.train_state.engine), strict=True
    ):
        assert all(gradient.dtype == torch.float32 for gradient in mine)
        flat = [torch.cat([gradient.flatten() for gradient in part]) for part in (mine, other)]
        assert 0 < (flat[0] - flat[1]).norm() < 0.1 * flat[1].norm()


def test_bf16_leaves_the_penalty_in_float32(make: Make) -> None:
    low, high = make(**{"training.precision": "bf16"}), make(**{"training.convolution": "direct"})
    for trainer in (low, high):
        # One generator for both, so that the points are the same.
        trainer.train_state.generator.load_state_dict(high.train_state.generator.state_dict())
    index_B = high.train_state.batches.index(0)
    fake = torch.randn(len(index_B), *high.domain.spec.event_shape).softmax(dim=-1)
    penalties = [
        trainer.train_state.engine.critic_gradients(
            trainer.train_state.batches.real(0), fake, trainer.train_state.batches.epsilon(0)
        )[1].penalty
        for trainer in (low, high)
    ]
    assert torch.equal(*penalties)


def test_a_round_whose_number_is_a_tensor_is_the_same_round(make: Make) -> None:
    """What a CUDA graph records, done without one."""
    falling = {"optimizer.generator.lr_decay_steps": 2, "optimizer.critic.lr_decay_steps": 1}
    plain, static = make(**falling), make(**falling)
    for _ in range(4):
        losses = dict(plain.round())
        filled = StaticRound(static.train_state)
        filled.fill()
        measured = filled.do()
        static.train_state.step += 1
        assert measured.tolist() == pytest.approx(list(losses.values()), rel=1e-5)
    expected, found = plain.state(), static.state()
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-7, msg=name)


def test_graphs_need_cuda_and_rounds_of_one_form(make: Make) -> None:
    trainer = make(**{"training.engine": "graph", "training.steps": 2})
    assert "CUDA" in str(unsupported_reason(trainer.train_state))
    records = list(trainer.run())
    assert [len(record.notes) for record in records] == [1, 0]
    assert "training.engine is graph" in records[0].notes[0]
    assert all(record.notes == () for record in make(**{"training.steps": 2}).run())


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"training.extra_steps_above": 1.0}, "extra_steps_above"),
        ({"training.generator_steps_more": 1}, "generator_steps_more"),
        ({"training.noise": 0.1, "training.noise_steps": 100}, "noise_steps"),
        ({"optimizer.critic.name": "sgd", "optimizer.critic.lr_decay_steps": 100}, "optimizer.critic.lr_decay_steps"),
    ],
)
def test_rounds_that_differ_are_not_recorded(make: Make, settings: dict[str, object], what: str) -> None:
    trainer = make(**settings)
    trainer.train_state.device = torch.device("cuda")
    assert what in str(unsupported_reason(trainer.train_state))
