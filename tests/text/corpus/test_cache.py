"""A large corpus is encoded once: found again by content and settings, and by nothing else."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import CorpusError
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus import cache
from seqgan_wgp.text.corpus.dataset import FACTS, IDS, TOKENIZER, Corpus, open_corpus
from seqgan_wgp.utils import cache_dir


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where corpora of any size are kept in this test."""
    monkeypatch.setenv(cache_dir.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "MIN_BYTES", 0)
    return tmp_path / "cache" / "corpora"


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[Path, Config], tuple[bool, Corpus]]:
    """`prepared(file, config)`: whether the corpus was read anew, and the corpus of a run made from it."""

    def make(file: Path, config: Config) -> tuple[bool, Corpus]:
        found, config = scan_data(file, config)
        run = create(found, config, tmp_path / f"run{len(list(tmp_path.glob('run*')))}")
        return found.scan is not None, open_corpus(run.path)

    return make


Prepared = Callable[[Path, Config], tuple[bool, Corpus]]


def same(one: Corpus, other: Corpus) -> bool:
    return np.array_equal(one.ids_NS, other.ids_NS) and one.vocabulary.characters == other.vocabulary.characters


def test_the_same_content_is_read_once_whatever_the_file_is_called(
    kept: Path, prepared: Prepared, tiny_corpus: Path, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    anew, first = prepared(tiny_corpus, tiny_config())
    other = tmp_path / "other.txt"
    other.write_bytes(tiny_corpus.read_bytes())
    again, second = prepared(other, tiny_config(**{"training.seed": 5, "generator.width": 4}))
    assert (anew, again) == (True, False)
    assert same(first, second)
    assert (first.facts.name, second.facts.name) == ("tiny", "other")
    assert dataclasses.replace(second.facts, name="tiny") == first.facts
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("change", ["content", "settings", "ending"])
def test_other_content_or_settings_are_read_anew(
    change: str,
    kept: Path,
    prepared: Prepared,
    tiny_corpus: Path,
    tiny_config: Callable[..., Config],
    tmp_path: Path,
) -> None:
    prepared(tiny_corpus, tiny_config())
    file = tmp_path / ("tiny.fa" if change == "ending" else "tiny.txt")
    file.write_bytes(tiny_corpus.read_bytes() + b"more\n" * (change == "content"))
    settings = {"corpus.overflow": "drop"} if change == "settings" else {}
    assert prepared(file, tiny_config(**settings))[0]
    assert len(list(kept.iterdir())) == 2


def test_a_run_keeps_its_files_when_what_was_kept_is_deleted(
    kept: Path, prepared: Prepared, tiny_corpus: Path, tiny_config: Callable[..., Config]
) -> None:
    prepared(tiny_corpus, tiny_config())
    _, corpus = prepared(tiny_corpus, tiny_config())
    before = np.array(corpus.ids_NS)
    for file in next(kept.iterdir()).iterdir():
        file.unlink()
    assert np.array_equal(corpus.ids_NS, before)
    anew, third = prepared(tiny_corpus, tiny_config())
    assert anew
    assert same(corpus, third)


def test_what_is_deleted_between_finding_and_using_is_said(
    kept: Path, prepared: Prepared, tiny_corpus: Path, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    prepared(tiny_corpus, tiny_config())
    found, config = scan_data(tiny_corpus, tiny_config())
    (next(kept.iterdir()) / IDS).unlink()
    with pytest.raises(CorpusError, match=r"deleted in the meantime\ntry again"):
        create(found, config, tmp_path / "late")
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("name", [IDS, TOKENIZER, FACTS])
def test_what_was_damaged_is_not_found(
    name: str, kept: Path, prepared: Prepared, tiny_corpus: Path, tiny_config: Callable[..., Config]
) -> None:
    prepared(tiny_corpus, tiny_config())
    damaged = next(kept.iterdir()) / name
    damaged.unlink()  # the run has the same file under another name
    damaged.write_bytes(b"")
    assert prepared(tiny_corpus, tiny_config())[0]


def test_those_used_longest_ago_go_first(
    kept: Path, prepared: Prepared, tmp_path: Path, tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for number in range(3):
        file = tmp_path / f"{number}.txt"
        file.write_text("".join(f"{number} {line}\n" for line in range(200)))
        files.append(file)
    prepared(files[0], tiny_config())
    size = sum(file.stat().st_size for file in next(kept.iterdir()).iterdir())
    monkeypatch.setattr(cache, "MAX_BYTES", int(2.5 * size))
    prepared(files[1], tiny_config())
    for age, entry in enumerate(sorted(kept.iterdir(), key=lambda entry: entry.stat().st_ctime)):
        os.utime(entry, (1000 + age, 1000 + age))
    assert not prepared(files[0], tiny_config())[0]  # used again: the second is now the oldest
    prepared(files[2], tiny_config())
    assert [prepared(file, tiny_config())[0] for file in (files[0], files[2])] == [False, False]
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("how", ["small", "switched off", "no folder", "limit", "strings"])
def test_nothing_is_kept_where_it_is_not_to_be(
    how: str,
    kept: Path,
    prepared: Prepared,
    tiny_corpus: Path,
    tiny_lines: list[str],
    tiny_config: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if how == "small":
        monkeypatch.setattr(cache, "MIN_BYTES", 1 << 20)
    if how == "switched off":
        monkeypatch.setenv(cache_dir.ENVIRONMENT, "")
    if how == "no folder":
        (tmp_path / "cache").write_text("a file")
    if how == "strings":
        found, _ = scan_data(tiny_lines, tiny_config())
        assert found.key is None
        return
    settings = {"corpus.limit": 300} if how == "limit" else {}
    assert prepared(tiny_corpus, tiny_config(**settings))[0]
    assert prepared(tiny_corpus, tiny_config(**settings))[0] == (how != "limit")
    assert kept.exists() == (how == "limit")
