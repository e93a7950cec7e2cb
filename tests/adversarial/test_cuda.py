"""What must hold on a GPU too; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from seqgan_wgp.adversarial.diagnosis import diagnose
from seqgan_wgp.adversarial.trainer import Trainer
from seqgan_wgp.config import Config
from seqgan_wgp.randomness import Stream, normal, uniform
from seqgan_wgp.text.corpus import prepare
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.reading.sources import open_source
from seqgan_wgp.text.scan import scan

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.fixture
def trainer(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Callable[[], Trainer]:
    config = tiny_config(**{"training.device": "cuda", "training.steps": 6})
    corpus = prepare(scan(open_source(tiny_lines), config.corpus), tmp_path)
    device = torch.device("cuda")
    return lambda: Trainer(TextDomain(corpus, config, device), config, device)


def test_noise_is_that_of_the_cpu() -> None:
    index_N = torch.arange(1000)
    on_cpu = uniform(3, Stream.EPSILON, index_N, 5)
    assert torch.equal(on_cpu, uniform(3, Stream.EPSILON, index_N.cuda(), 5).cpu())
    assert torch.allclose(normal(3, Stream.EPSILON, index_N, 5), normal(3, Stream.EPSILON, index_N.cuda(), 5).cpu())


def test_small_corpora_live_on_the_device(trainer: Callable[[], Trainer]) -> None:
    assert trainer().real(0).device.type == "cuda"


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
    found = diagnose(one)
    assert all(torch.equal(value, before[name]) for name, value in one.state().items())
    corpus, config = one.domain.corpus, tiny_config()  # type: ignore[attr-defined]
    other = Trainer(TextDomain(corpus, config, torch.device("cpu")), config, torch.device("cpu"))
    other.load_state({name: value.cpu() for name, value in before.items()}, step=1, seconds=0)
    theirs = diagnose(other)
    assert found.keys() - theirs.keys() == {"gradient_norms"}  # of the step that only one of them has taken
    for name, value in theirs.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-4)
