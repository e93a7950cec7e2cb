"""How one-hot generated rows are: known answers at both ends, and what does not matter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqgan_wgp.config import Config
from seqgan_wgp.text.domain import MAX_PLACES, TextDomain, TextSpec
from seqgan_wgp.text.metrics.peakedness import peakedness
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.domain import HasDiagnostics
from seqgan_wgp.training.trainer import Trainer

from ..corpora import prepared


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 40), st.integers(0, 99))
def test_a_one_hot_has_peak_1_and_no_entropy(batch: int, length: int, size: int, seed: int) -> None:
    ids_BL = torch.randint(size, (batch, length), generator=torch.Generator().manual_seed(seed))
    found = peakedness(torch.nn.functional.one_hot(ids_BL, size).float())
    assert found.peak_L.tolist() == [1] * length
    assert found.entropy_bits_L.tolist() == [0] * length


@pytest.mark.parametrize("size", [1, 2, 54, 2048])
def test_equal_probabilities_have_the_entropy_of_the_alphabet(size: int) -> None:
    found = peakedness(torch.full((3, 5, size), 1 / size))
    assert found.peak_L.tolist() == pytest.approx([1 / size] * 5)
    assert found.entropy_bits_L.tolist() == pytest.approx([math.log2(size)] * 5, rel=1e-5, abs=1e-6)


def test_positions_are_apart_and_the_batch_is_averaged() -> None:
    fake_BLV = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]])
    found = peakedness(fake_BLV)
    quarter = 2 - 0.75 * math.log2(3)
    assert found.peak_L.tolist() == [0.875, 0.5]
    assert found.entropy_bits_L.tolist() == pytest.approx([quarter / 2, 1])


@pytest.mark.parametrize("length", [1, MAX_PLACES, MAX_PLACES + 1, 4096])
def test_a_form_observes_each_position_or_stretches_of_many(length: int) -> None:
    spec = TextSpec(Vocabulary("abc"), length, {})
    assert isinstance(spec, HasDiagnostics)
    size = spec.vocabulary.size
    fake_BLV = torch.randn(2, length, size, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    found, exact = spec.diagnostics(fake_BLV), peakedness(fake_BLV)
    assert found["peak_mean"] == pytest.approx(exact.peak_L.mean().item())
    assert found["entropy_bits"] == pytest.approx(exact.entropy_bits_L.mean().item())
    assert len(found["peaks_by_position"]) == min(length, MAX_PLACES)
    if length <= MAX_PLACES:
        assert found["entropy_bits_by_position"] == exact.entropy_bits_L.tolist()
    elif length % MAX_PLACES == 0:
        stretches = exact.peak_L.reshape(MAX_PLACES, -1).mean(dim=1)
        assert found["peaks_by_position"] == pytest.approx(stretches.tolist())


def test_records_of_the_longest_rows_stay_short(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    changes = {"corpus.length": 500, "critic.blocks": 30, "log.diagnostics": 1, "training.steps": 1}
    config = tiny_config(**changes, **{"critic.width": 2, "training.batch_size": 2, "evaluation.every": 9})
    corpus = prepared(tiny_lines, config, tmp_path)
    trainer = Trainer.from_config(TextDomain(corpus, config, torch.device("cpu")), config, torch.device("cpu"))
    (record,) = trainer.run()
    assert record.diagnosis["peak_mean"] > 1 / corpus.vocabulary.size
    assert len(json.dumps(record.diagnosis)) < 8_000
