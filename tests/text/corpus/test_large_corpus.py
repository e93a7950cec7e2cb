"""A large corpus is read otherwise and measured otherwise, and all comes out the same."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqgan_wgp.config import Config
from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus import cache, dataset
from seqgan_wgp.text.corpus.dataset import FINGERPRINTS, IDS, Corpus, open_corpus, prepare
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.text.metrics.memorization import copies
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.utils import cache_dir

CPU = torch.device("cpu")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every corpus count as large."""
    monkeypatch.setattr(dataset, "LARGE_BYTES", 0)


def prepared(lines: list[str], folder: Path, **settings: Any) -> Corpus:
    folder.mkdir()
    return prepare(scan(open_source(lines), CorpusSettings(**settings)), folder)


def plain(found: Corpus) -> Corpus:
    """The same as a small corpus."""
    return dataclasses.replace(found, file=None, fingerprints=None)


@pytest.mark.usefixtures("large")
def test_items_and_measures_are_those_of_a_small_one(
    tiny_lines: list[str], tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    found = prepared(tiny_lines + tiny_lines[::5], tmp_path / "run", length=10)
    small = plain(found)
    assert found.file is not None
    assert found.fingerprints is not None
    index = np.array([5, 0, len(found.train) - 1, 5])
    assert np.array_equal(found.train[index], small.train[index])
    strange_NL = np.zeros((1, 10), np.uint8)
    samples_NL = np.concatenate([small.train[np.arange(60)], small.validation_NL, small.test_NL, strange_NL])
    assert found.novel(samples_NL) == small.novel(samples_NL) > 0
    held_out_NL = np.asarray(small.validation_NL)
    assert copies(samples_NL, found.fingerprints, held_out_NL) == copies(samples_NL, small.train.blocks(), held_out_NL)
    domains = [TextDomain(one, tiny_config(), CPU) for one in (found, small)]
    assert torch.equal(domains[0].batch(index), domains[1].batch(index))
    assert domains[0].score(samples_NL) == domains[1].score(samples_NL)


@pytest.mark.usefixtures("large")
def test_windows_of_a_large_text_are_read_and_have_no_fingerprints(
    tiny_lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = prepared(tiny_lines, tmp_path / "run", length=8, layout="windows")
    assert found.file is not None
    assert (found.fingerprints, (tmp_path / "run" / FINGERPRINTS).exists()) == (None, False)
    every = np.arange(len(found.train))
    assert np.array_equal(found.train[every], plain(found).train[every])
    monkeypatch.setattr(dataset, "LOOKED_THROUGH", 300)
    assert np.array_equal(np.concatenate(list(found.train.read())), found.train.rows_NS)
    samples_NL = np.concatenate([found.train[every[::50]], found.test_NL])
    assert found.novel(samples_NL) == plain(found).novel(samples_NL) > 0


def test_a_small_corpus_has_neither(tiny_lines: list[str], tmp_path: Path) -> None:
    found = prepared(tiny_lines, tmp_path / "run")
    assert (found.file, found.fingerprints) == (None, None)
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == ["corpus.json", IDS, "tokenizer.json"]


@pytest.mark.usefixtures("large")
def test_a_run_whose_fingerprints_are_gone_looks_through_its_lines(tiny_lines: list[str], tmp_path: Path) -> None:
    found = prepared(tiny_lines, tmp_path / "run")
    (tmp_path / "run" / FINGERPRINTS).unlink()
    again = open_corpus(tmp_path / "run")
    assert again.fingerprints is None
    assert again.novel(found.test_NL) == found.novel(found.test_NL) == 1


@pytest.mark.usefixtures("large")
def test_fingerprints_are_kept_and_overwritten_with_a_run(
    tiny_corpus: Path, tiny_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache_dir.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "MIN_BYTES", 0)
    for number, run in itertools.product(range(2), [tmp_path / "one", tmp_path / "other"]):
        found, config = scan_data(tiny_corpus, tiny_config())
        create(found, config, run, overwrite=number > 0)
        assert open_corpus(run).fingerprints is not None
    assert found.scan is None


def test_a_string_that_comes_again_and_again_may_be_held_out(tmp_path: Path) -> None:
    """All its copies are on one side, however many."""
    lines = [f"{number:04}" for number in range(2_000)]
    found = prepared(lines, tmp_path / "few", held_out=0.5)
    (held_out,) = found.vocabulary.decode(found.test_NL[:1])
    found = prepared([*lines, *[held_out] * 100_000], tmp_path / "many", held_out=0.5)
    assert found.vocabulary.decode(found.test_NL).count(held_out) in (0, 100_001)
    assert sum(sum(map(held_out.__eq__, found.vocabulary.decode(part))) for part in _parts(found)) == 100_001


def _parts(found: Corpus) -> list[np.ndarray]:
    return [found.train.apart(), np.asarray(found.validation_NL), np.asarray(found.test_NL)]


def test_several_files_are_kept_as_one(
    tiny_lines: list[str], tiny_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found again whatever they are called, and not in another order, nor one without the other."""
    monkeypatch.setenv(cache_dir.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "MIN_BYTES", 0)
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for file, first in zip(files, (0, 350, 0), strict=True):
        file.write_text("\n".join(tiny_lines[first : first + 350]))
    found, config = scan_data(files[:2], tiny_config())
    create(found, config, tmp_path / "run")
    again, _ = scan_data([files[2], files[1]], tiny_config())
    assert (again.scan, again.facts.name) == (None, "c-and-1-more")
    assert dataclasses.replace(again.facts, name="") == dataclasses.replace(
        open_corpus(tmp_path / "run").facts, name=""
    )
    for others in (files[1::-1], files[:1], files[1:2]):
        assert scan_data(others, tiny_config())[0].scan is not None
