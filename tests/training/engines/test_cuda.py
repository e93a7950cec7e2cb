"""What must hold on a GPU too; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.text.corpus.dataset import prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.training.diagnostics.collect import diagnose
from seqgan_wgp.training.optimizers import OPTIMIZERS
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.counter_rng import Stream, normal, uniform

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.fixture
def trainer(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Callable[..., Trainer]:
    corpus = prepare(scan(open_source(tiny_lines), tiny_config().corpus), tmp_path)
    device = torch.device("cuda")

    def make(**settings: object) -> Trainer:
        config = tiny_config(**{"training.device": "cuda", "training.steps": 6, **settings})
        return Trainer.from_config(TextDomain(corpus, config, device), config, device)

    return make


def test_noise_is_that_of_the_cpu() -> None:
    index_N = torch.arange(1000)
    on_cpu = uniform(3, Stream.EPSILON, index_N, 5)
    assert torch.equal(on_cpu, uniform(3, Stream.EPSILON, index_N.cuda(), 5).cpu())
    assert torch.allclose(normal(3, Stream.EPSILON, index_N, 5), normal(3, Stream.EPSILON, index_N.cuda(), 5).cpu())


def test_small_corpora_live_on_the_device(trainer: Callable[[], Trainer]) -> None:
    assert trainer().train_state.batches.real(0).device.type == "cuda"


def test_a_state_that_went_through_the_host_goes_on(trainer: Callable[[], Trainer]) -> None:
    one, two = trainer(), trainer()
    records = one.run()
    for _ in range(3):
        next(records)
    two.load_state({name: value.cpu() for name, value in one.state().items()}, step=3, seconds=0)
    first = [record.losses["critic_loss"] for record in records]
    assert first == pytest.approx([record.losses["critic_loss"] for record in two.run()], rel=1e-4)


def test_a_diagnosis_tells_what_it_tells_on_the_cpu_and_changes_nothing(
    trainer: Callable[[], Trainer], tiny_config: Callable[..., Config]
) -> None:
    one = trainer()
    one.round()
    before = {name: value.clone() for name, value in one.state().items()}
    found = diagnose(one.train_state)
    assert all(torch.equal(value, before[name]) for name, value in one.state().items())
    corpus, config = one.domain.corpus, tiny_config()  # type: ignore[attr-defined]
    other = Trainer.from_config(TextDomain(corpus, config, torch.device("cpu")), config, torch.device("cpu"))
    other.load_state({name: value.cpu() for name, value in before.items()}, step=1, seconds=0)
    theirs = diagnose(other.train_state)
    assert found.keys() - theirs.keys() == {"gradient_norms"}  # of the step that only one of them has taken
    for name, value in theirs.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_recorded_round_is_the_eager_one(trainer: Callable[..., Trainer], optimizer: str) -> None:
    settings = {"name": optimizer, "decay": 0.9, "lr_decay_steps": 0}
    chosen = {f"optimizer.{part}.{key}": value for part in ("generator", "critic") for key, value in settings.items()}
    eager, graph = (trainer(**chosen, **{"training.engine": engine}) for engine in ("eager", "graph"))
    for mine, other in zip(graph.run(), eager.run(), strict=True):
        assert mine.notes == ()
        assert mine.losses["wasserstein"] == pytest.approx(other.losses["wasserstein"], rel=1e-3, abs=1e-4)
    expected = eager.state()
    for name, tensor in graph.state().items():
        assert torch.allclose(tensor, expected[name], rtol=1e-3, atol=1e-5), name


def test_a_recorded_run_goes_on_from_its_state(trainer: Callable[..., Trainer]) -> None:
    one, two = (trainer(**{"training.engine": "graph"}) for _ in range(2))
    records = one.run()
    for _ in range(3):
        next(records)
    for _ in range(2):
        two.round()  # so that it has a recording, which must not be used any more
    two.load_state({name: value.cpu() for name, value in one.state().items()}, step=3, seconds=0)
    for mine, other in zip(two.run(), records, strict=True):
        assert mine.losses["wasserstein"] == pytest.approx(other.losses["wasserstein"], rel=1e-4, abs=1e-6)


def test_a_round_between_records_waits_for_nothing(trainer: Callable[..., Trainer]) -> None:
    made = trainer(**{"training.engine": "graph", "log.every": 100, "evaluation.every": 100})
    for _ in range(2):
        made.round()  # the second records the graph, for which it must wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = made.round()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(dict(losses)) == len(losses)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_lower_precision_trains_alike(trainer: Callable[..., Trainer], precision: str) -> None:
    low, high = trainer(**{"training.precision": precision}), trainer()
    for mine, other in zip(low.run(), high.run(), strict=True):
        assert mine.losses["wasserstein"] == pytest.approx(other.losses["wasserstein"], rel=0.2, abs=0.2)
