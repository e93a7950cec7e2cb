"""The functions of commands: what they return is what the parts beneath them give."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import seqgan_wgp
from seqgan_wgp.errors import ConfigError, SeqganError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.utils.tensor_file import read_tensor_file

SMALL: dict[str, object] = {
    "corpus.length": 10,
    "generator.width": 4,
    "generator.blocks": 1,
    "critic.width": 4,
    "critic.blocks": 1,
    "training.batch_size": 8,
    "training.threads": 1,
    "evaluation.every": 2,
    "evaluation.samples": 20,
}


def test_a_run_that_is_resumed_equals_a_longer_one(tiny_lines: list[str], tmp_path: Path) -> None:
    for name, steps in (("whole", 4), ("parts", 2)):
        seqgan_wgp.train(tiny_lines, settings=SMALL, steps=steps, seed=3, device="cpu", out=tmp_path / name)
    seen: list[int] = []
    model = seqgan_wgp.resume(tmp_path / "parts", steps=4, on_record=lambda record: seen.append(record.step))
    assert seen == [3, 4]
    one, two = (read_tensor_file(tmp_path / name / "model.safetensors")[0] for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert model.generate(3) == Model.load(tmp_path / "whole").generate(3)
    with pytest.raises(ConfigError, match="already at step 4"):
        seqgan_wgp.resume(tmp_path / "parts", steps=1)


def test_a_comparison_has_a_result_for_each_recipe_and_goes_on(tiny_lines: list[str], tmp_path: Path) -> None:
    how = {"settings": SMALL, "steps": 2, "device": "cpu", "out": tmp_path / "compared"}
    found = seqgan_wgp.compare(tiny_lines, ["fast", "fast:objective.constraint=gp"], **how)  # type: ignore[arg-type]
    rows = found.to_json()["recipes"]
    assert [row["rounds"] for row in rows] == [2, 2]
    assert found.plot.is_file()
    again = seqgan_wgp.compare(tiny_lines, "fast,fast:objective.constraint=gp", **how)  # type: ignore[arg-type]
    assert again.to_json()["recipes"] == rows


def test_an_inspection_is_that_of_the_settings(tiny_corpus: Path) -> None:
    found = seqgan_wgp.inspect(tiny_corpus, settings={"corpus.length": 7}, timed=False)
    assert found.outlook is not None and found.outlook.length == 7
    assert found.to_json()["verdict"]["trains"]
    with pytest.raises(ConfigError, match="the recipe 'toy' is for toy data"):
        seqgan_wgp.inspect(tiny_corpus, recipe="toy")


def test_scores_are_records(trained: RunFolder, tmp_path: Path) -> None:
    strings = ["baba", "", "kunbin", "?"]
    file = tmp_path / "some.txt"
    file.write_text("".join(line + "\n" for line in strings))
    records = list(seqgan_wgp.score(trained.path, strings))
    assert records == list(seqgan_wgp.score(Model.load(trained.path), str(file)))
    assert records == [
        {"text": one.text, "score": one.score, "flag": one.flag} for one in Model.load(trained.path).score(strings)
    ]
    more = list(seqgan_wgp.score(trained.path, iter(strings), log_probability=True, latents=300, guess_number=True))
    assert [list(one)[3:] for one in more] == [["log_probability", "error", "bits_per_character", "guess_number"]] * 4
    assert [{name: one[name] for name in records[0]} for one in more] == records
    with pytest.raises(ConfigError, match="--latents is given without --log-probability"):
        seqgan_wgp.score(trained.path, strings, latents=10)


def test_exports_are_files_of_their_format(trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained.path, "names")
    model = Model.load(trained.path)
    assert seqgan_wgp.export("names") == Path("names.onnx")
    assert OnnxGenerator("names.onnx").generate(5) == model.generate(5)
    slim = seqgan_wgp.export(model, "slim.safetensors", slim=True)
    assert len(Model.load(slim).generate(5)) == 5
    for wrong in ({"format": "pkl"}, {"slim": True, "format": "onnx"}, {"output": None}, {}):
        with pytest.raises(SeqganError):
            seqgan_wgp.export(model, **{"output": "slim.safetensors", **wrong})  # type: ignore[arg-type]
