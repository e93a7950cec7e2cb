"""The command `export`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
from seqgan_wgp.text.generation.formats import as_jsonl

pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

Call = Callable[..., CompletedProcess[str]]


def test_a_file_is_written_that_gives_what_generate_prints(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("export", trained)
    assert (result.returncode, result.stdout, result.stderr) == (0, "trained.onnx\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["trained.onnx"]
    printed = call("generate", trained, "-n", "600", "--seed", "3", "--format", "jsonl").stdout
    strings = OnnxGenerator("trained.onnx").generate(600, seed=3)
    assert printed == "".join(as_jsonl(string) + "\n" for string in strings)


def test_a_file_is_named_after_its_model_unless_told(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(trained / "model.safetensors", tmp_path / "v1.2.safetensors")
    assert call("export", "v1.2.safetensors", "--format", "onnx").stdout == "v1.2.onnx\n"
    before = (tmp_path / "v1.2.onnx").read_bytes()
    result = call("export", "v1.2.safetensors")
    assert (result.returncode, result.stdout) == (2, "")
    assert "v1.2.onnx: exists already" in result.stderr
    (tmp_path / "v1.2.onnx").write_text("mine")
    assert call("export", "v1.2.safetensors", "--overwrite").stdout == "v1.2.onnx\n"
    assert call("export", "v1.2.safetensors", "-o", "other").stdout == "other\n"
    assert (tmp_path / "v1.2.onnx").read_bytes() == (tmp_path / "other").read_bytes() == before


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["none"], ("none: no such model",)),
        (["there.txt"], ("there.txt", "not a model file")),
        (["."], ("there is no model.safetensors",)),
        (
            ["{trained}", "--format", "onxn"],
            ("--format is 'onxn'; did you mean 'onnx'?", "choose one of: onnx, html, "),
        ),
        (["{trained}", "--format", "tflite"], ("--format is 'tflite'", "choose one of: onnx, html, ")),
        (["{trained}", "-o", "there.txt"], ("there.txt: exists already", "--overwrite")),
        (["{trained}", "-o", "none/x.onnx"], ("none/x.onnx: cannot be written", "-o")),
        (["{trained}", "-o", "."], ("is a folder",)),
        ([], ("Missing argument", "MODEL")),
    ],
)
def test_a_mistake_is_explained(
    args: list[str], says: tuple[str, ...], trained: Path, refused: Callable[..., None]
) -> None:
    refused(says, "export", *(arg.format(trained=trained) for arg in args))


def test_without_the_packages_the_remedy_is_an_installation(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for package in ("onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, package, None)
    result = call("export", trained)
    assert (result.returncode, result.stdout) == (2, "")
    assert "ONNX needs onnx and onnxscript, which are not installed" in result.stderr
    assert 'pip install "seqgan-wgp[onnx]"' in result.stderr
    assert list(tmp_path.iterdir()) == []
