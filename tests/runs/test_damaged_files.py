"""Whatever a file of a run holds: what reads it gives what it can, or says what is wrong with it, and nothing else."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import CheckpointError, SeqganError
from seqgan_wgp.images.dataset import Collection, ImageFacts, open_collection, write_collection
from seqgan_wgp.model import Model
from seqgan_wgp.runs.checkpoint import read_checkpoint
from seqgan_wgp.runs.compare.comparison import FILE as COMPARISON
from seqgan_wgp.runs.compare.comparison import read_file
from seqgan_wgp.runs.folder import RunFolder, open_run, read_config
from seqgan_wgp.runs.metrics_log import MetricsLog, look_through
from seqgan_wgp.runs.report.inputs import read_report_inputs
from seqgan_wgp.text.corpus.dataset import open_corpus
from seqgan_wgp.text.generation.request import Progress
from seqgan_wgp.text.generation.resumable_file import ResumableFile
from seqgan_wgp.toy.spec import ToyFacts, open_facts, write_distribution
from tests.goldens import GOLDEN
from tests.images.squares import squares
from tests.runs.damages import DEEP, HUGE, damaged

RUN = GOLDEN / "format-1" / "run"
REQUEST = {"--seed": 0, "MODEL": "0" * 64}


def read_all_of_corpus(folder: Path) -> None:
    corpus = open_corpus(folder)
    for ids_NL in (corpus.train[np.arange(2)], corpus.validation_NL, corpus.test_NL):
        corpus.vocabulary.decode(ids_NL)


def load(folder: Path) -> None:
    Model.load(folder / "model.safetensors", device="cpu").generate(2)


def go_on(folder: Path) -> None:
    with ResumableFile(folder / "out.txt", REQUEST, Progress(next=0)):
        pass


def append(folder: Path) -> None:
    MetricsLog(folder / "metrics.jsonl", 100).close()


def hold(folder: Path) -> None:
    with RunFolder(folder).locked():
        pass


READERS: dict[str, tuple[Callable[[Path], object], ...]] = {
    "config.json": (lambda folder: read_config(open_run(folder)),),
    "corpus.json": (read_all_of_corpus,),
    "tokenizer.json": (read_all_of_corpus,),
    "ids.npy": (read_all_of_corpus,),
    "metrics.jsonl": (
        lambda folder: look_through(folder / "metrics.jsonl"),
        lambda folder: read_report_inputs(open_run(folder)),
        append,
    ),
    "model.safetensors": (load,),
    "checkpoint/state.safetensors": (lambda folder: read_checkpoint(RunFolder(folder)),),
    "compare.json": (read_file,),
    "out.txt.index": (go_on,),
    "images.json": (open_collection,),
    "images.npy": (open_collection,),
    "toy.json": (open_facts,),
    ".lock": (hold, lambda folder: read_config(open_run(folder))),
}
"""File -> what reads it. The last six are not of the golden run, and made here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all the files, which examples change one of."""
    place = Path(shutil.copytree(RUN, tmp_path_factory.mktemp("damaged") / "run"))
    (place / "checkpoint" / "previous.safetensors").unlink()
    row = {"recipe": "fast", "folder": "fast", "ended": "steps", "rounds": 3, "seconds": 1.5, "test": {"js4": 0.5}}
    rows = [row, {"recipe": "paper", "folder": "paper", "ended": None}]
    facts = {"format_version": 1, "data": "words", "sha256": "0" * 64, "criterion": "js4", "recipes": rows}
    (place / COMPARISON).write_text(json.dumps(facts), encoding="utf-8")
    pixels = ImageFacts(name="x", sha256="0" * 64, channels=1, height=12, width=12, train=5, validation=2, test=2)
    write_collection(Collection(facts=pixels, images_NCHW=squares(9, seed=0)[:, None]), place)
    write_distribution(ToyFacts(name="8-gaussians", theta=0.0), place)
    (place / ".lock").write_bytes(b"held")
    with ResumableFile(place / "out.txt", REQUEST, Progress(next=0)) as file:
        file.write(b"a\nb\n", Progress(next=2, strings=2))
    return place


def survives(folder: Path, file: str, data: bytes) -> None:
    """Fail if what reads a file with these bytes raises anything but what a user is told."""
    path, whole = folder / file, (folder / file).read_bytes()
    try:
        for read in READERS[file]:
            path.write_bytes(data)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    read(folder)
                except SeqganError as error:
                    assert error.message.isprintable() or "\n" not in error.message
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("file", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(data=st.data())
def test_any_damage_is_told(file: str, data: st.DataObject, folder: Path) -> None:
    survives(folder, file, data.draw(damaged(file, (folder / file).read_bytes())))


@pytest.mark.parametrize("file", READERS)
def test_every_place_where_a_file_may_be_cut_is_told(file: str, folder: Path) -> None:
    whole = (folder / file).read_bytes()
    for size in {*range(min(12, len(whole))), *range(0, len(whole), 1 + len(whole) // 20)}:
        survives(folder, file, whole[:size])


def edited(file: str, place: str, value: Any) -> bytes:
    """Return a file of the golden run with the value at a dotted place of its JSON exchanged."""
    data = (RUN / file).read_bytes()
    size = int.from_bytes(data[:8], "little")
    first = place.partition(".")[0]
    if file.endswith(".safetensors"):
        header = json.loads(data[8 : 8 + size])
        del header["__metadata__"]["checksum"]
        tree = {first: json.loads(header["__metadata__"][first])}
    else:
        tree = json.loads(data.splitlines()[0] if file.endswith(".jsonl") else data)
    inner, (*way, last) = tree, place.split(".")
    for key in way:
        inner = inner[key]
    inner[last] = value
    if not file.endswith(".safetensors"):
        return json.dumps(tree).encode() + b"\n"
    header["__metadata__"][first] = json.dumps(tree[first])
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


PAST = [
    ("model.safetensors", "step", "one"),
    ("model.safetensors", "metrics", []),
    ("model.safetensors", "corpus.read", None),
    ("model.safetensors", "corpus.length", 10**9),
    ("model.safetensors", "config.corpus.length", "auto"),
    ("model.safetensors", "config.corpus.length", -1),
    ("model.safetensors", "config.generator.width", 10**9),
    ("model.safetensors", "config.generator.width", "abc"),
    ("model.safetensors", "config.generator.blocks", HUGE),
    ("model.safetensors", "config.corpus.field", "\ud800"),
    ("config.json", "training.steps", HUGE),
    ("config.json", "corpus.length", "auto"),
    ("config.json", "format_version", True),
    ("corpus.json", "alphabet", "many"),
    ("corpus.json", "rows", HUGE),
    ("corpus.json", "empty", None),
    ("corpus.json", "name", "\udfff"),
    ("tokenizer.json", "model.vocab", []),
    ("tokenizer.json", "truncation.max_length", HUGE),
    ("metrics.jsonl", "step", "1"),
    ("metrics.jsonl", "step", HUGE),
    ("metrics.jsonl", "health", 1),
    ("metrics.jsonl", "health", [{"name": 1}]),
    ("metrics.jsonl", "peaks_by_position", []),
    ("metrics.jsonl", "critic_loss", 1e308),
    ("checkpoint/state.safetensors", "best", {"value": "low"}),
    ("checkpoint/state.safetensors", "records_bytes", -1),
]
"""Damages that once ended in a traceback, or took gigabytes: file, place, value."""


@pytest.mark.parametrize(("file", "place", "value"), PAST)
def test_what_once_was_not_survived_is(file: str, place: str, value: Any, folder: Path) -> None:
    survives(folder, file, edited(file, place, value))


@pytest.mark.parametrize("file", [file for file in READERS if not file.endswith((".npy", ".safetensors"))])
def test_nesting_and_numbers_without_end_are_told(file: str, folder: Path) -> None:
    for text in (b"[" * DEEP, b'{"a":' * DEEP, b"9" * 5_000, b'{"step": ' + b"9" * 5_000 + b"}", b"-" * 9, b"NaN"):
        survives(folder, file, text)
        survives(folder, file, text + b"\n")


def test_a_header_that_says_it_is_huge_takes_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    header = {"generator.a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}, "__metadata__": {}}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(64))
    with pytest.raises(CheckpointError, match="damaged, or not a safetensors file"):
        Model.load(file, device="cpu")
