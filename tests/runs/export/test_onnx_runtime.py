"""OnnxGenerator: the strings of the model, for every seed and part, in a process where torch cannot be imported."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqgan_wgp.config import FORMAT_VERSION, Config
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export.onnx import write_onnx
from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.utils.counter_rng import Stream, normal, normal_numpy

pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Model:
    found, config = scan_data(tiny_lines, tiny_config(**{"training.steps": 30}))
    folder = create(found, config, tmp_path_factory.mktemp("model") / "run")
    run_training(folder)
    return Model.load(folder.path)


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    write_onnx(model, path)
    return path


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_the_same_seed_gives_the_same_strings(seed: int, model: Model, file: Path) -> None:
    strings = OnnxGenerator(file).generate(800, seed=seed)
    assert strings == model.generate(800, seed=seed)
    assert len(set(strings)) > 100


@pytest.mark.parametrize(("n", "start"), [(0, 0), (1, 0), (1, 511), (2, 511), (700, 400), (512, 512)])
def test_any_part_is_that_part_of_the_whole(n: int, start: int, model: Model, file: Path) -> None:
    exported = OnnxGenerator(file, threads=1)
    assert exported.generate(n, seed=5, start=start) == model.generate(n, seed=5, start=start)
    assert list(exported.stream(n, seed=5, start=start)) == exported.generate(n, seed=5, start=start)


def test_points_are_the_probabilities_of_the_strings(file: Path) -> None:
    exported = OnnxGenerator(str(file))
    tables = list(exported.points(600, seed=2, start=100))
    assert [len(table) for table in tables] == [412, 188]
    probabilities_NLV = np.concatenate(tables)
    assert probabilities_NLV.shape[1:] == exported.output_shape
    assert probabilities_NLV.dtype == np.float32
    assert np.allclose(probabilities_NLV.sum(axis=2), 1, atol=1e-5)


@pytest.mark.parametrize("columns", [1, 2, 7, 128])
def test_normals_are_those_of_torch_but_for_the_last_places(columns: int) -> None:
    index_N = np.array([0, 1, 511, 2**40])
    for stream in (Stream.SAMPLE_LATENT, Stream.TOY):
        by_torch = normal(9, stream, torch.from_numpy(index_N), columns).numpy()
        by_numpy = normal_numpy(9, stream, index_N, columns)
        assert by_numpy.dtype == np.float32
        assert np.allclose(by_numpy, by_torch, rtol=1e-6, atol=1e-6)


def test_strings_are_made_where_torch_cannot_be_imported(model: Model, file: Path) -> None:
    program = f"""
import sys
sys.modules["torch"] = sys.modules["onnx"] = sys.modules["tokenizers"] = None
from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
import json
print(json.dumps(OnnxGenerator({str(file)!r}).generate(50, seed=3)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == model.generate(50, seed=3)


def test_the_facts_are_those_of_the_model(model: Model, file: Path) -> None:
    exported = OnnxGenerator(file)
    assert {name: exported.facts[name] for name in model.facts} == model.facts
    assert exported.facts["config"]["generator"]["latent"] == 8


def test_negative_numbers_are_refused(file: Path) -> None:
    for n, start, seed in ((-1, 0, 0), (1, -1, 0), (1, 0, -1)):
        with pytest.raises(ConfigError, match="must not be negative"):
            OnnxGenerator(file).generate(n, start=start, seed=seed)


def test_files_that_are_no_exported_model_are_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.onnx: no such file"):
        OnnxGenerator(tmp_path / "none.onnx")
    with pytest.raises(CheckpointError, match=": no such file"):
        OnnxGenerator(tmp_path)
    for data in (b"", b"hello " * 100, file.read_bytes()[:500], file.read_bytes()[:-500]):
        (tmp_path / "x.onnx").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"x\.onnx: onnxruntime cannot load it"):
            OnnxGenerator(tmp_path / "x.onnx")


def with_metadata(source: Path, path: Path, change: dict[str, str | None]) -> None:
    """Write a file with other metadata; None takes an entry out."""
    onnx: Any = importlib.import_module("onnx")
    proto = onnx.load(str(source))
    metadata = {entry.key: entry.value for entry in proto.metadata_props} | change
    onnx.helper.set_model_props(proto, {name: value for name, value in metadata.items() if value is not None})
    onnx.save(proto, str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": None}, "but not one of seqgan_wgp"),
        ({"format": "other"}, "but not one of seqgan_wgp"),
        ({"format_version": None}, "its metadata cannot be read"),
        ({"config": "{"}, "its metadata cannot be read"),
        ({"format_version": str(FORMAT_VERSION + 1)}, "has format .*\n.*newer"),
        ({"config": None}, "'config' is missing"),
        ({"noise": None}, "'noise' is missing"),
        ({"noise": "[1]"}, "metadata is incomplete"),
        ({"tokenizer": '"{}"'}, "the tokenizer cannot be read"),
    ],
)
def test_metadata_that_is_not_ours_is_refused(
    change: dict[str, str | None], message: str, tmp_path: Path, file: Path
) -> None:
    with_metadata(file, tmp_path / "x.onnx", change)
    with pytest.raises(CheckpointError, match=rf"x\.onnx: .*{message}"):
        OnnxGenerator(tmp_path / "x.onnx")


def test_without_onnxruntime_it_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ConfigError, match=r'needs onnxruntime, which is not installed.*\n.*pip install "seqgan-wgp\[onnx\]"'
    ):
        OnnxGenerator(file)
