"""Exported generators: the network itself, any batch size, and metadata that a stranger can make strings with."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqgan_wgp.config import FORMAT_VERSION, Config, from_dict, override, recipe
from seqgan_wgp.domains import DOMAINS
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export import onnx
from seqgan_wgp.runs.export.onnx import OPSET, metadata, write_onnx
from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.training.latents import BLOCK, generate, run_latents
from seqgan_wgp.utils.counter_rng import Stream

from ..untrained import CORPUS, IMAGES, TEXT, TOY, made

pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

CPU = torch.device("cpu")


def points(model: Model, n: int, *, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return what the generator itself gives for items 0 to n."""
    seeded = override(model.config, {"training.seed": seed})
    parts = generate(model.generator, lambda index_B: run_latents(seeded, Stream.SAMPLE_LATENT, index_B), 0, n, CPU)
    return torch.cat(list(parts)).numpy()


@pytest.fixture(scope="module")
def text(tiny_config: Callable[..., Config]) -> Model:
    return made(tiny_config(), TEXT)


@pytest.fixture(scope="module")
def file(text: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "text.onnx"
    write_onnx(text, path)
    return path


def proto(path: Path) -> Any:
    return importlib.import_module("onnx").load(str(path))


@pytest.mark.parametrize(
    "settings",
    [
        {"generator.normalization": "weight", "generator.latent_distribution": "uniform"},
        {"generator.normalization": "batch", "generator.blocks": 2},
        {"generator.normalization": "layer-channels", "model.weights": "latest"},
    ],
    ids=lambda settings: settings["generator.normalization"],
)
def test_any_text_generator_is_exported_as_it_is(
    settings: dict[str, object], tmp_path: Path, tiny_config: Callable[..., Config]
) -> None:
    model = made(tiny_config(**settings), TEXT)
    before = {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}
    write_onnx(model, tmp_path / "x.onnx")
    written = np.concatenate(list(OnnxGenerator(tmp_path / "x.onnx").points(30, seed=4)))
    assert np.allclose(written, points(model, 30, seed=4), atol=1e-5)
    after = model.generator.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_generator_with_labels_takes_them_as_a_second_input(
    tmp_path: Path, tiny_config: Callable[..., Config]
) -> None:
    counts = {"de": 30, "en": 60, "fr": 10}
    facts = {**TEXT, "corpus": {**CORPUS, "labels": counts}}
    model = made(tiny_config(**{"corpus.label": "country"}), facts)
    write_onnx(model, tmp_path / "x.onnx")
    exported = OnnxGenerator(tmp_path / "x.onnx")
    assert exported.labels == model.labels == ["de", "en", "fr"]
    for label in (None, "fr"):
        assert exported.generate(700, seed=3, start=40, label=label) == model.generate(
            700, seed=3, start=40, label=label
        )
    assert exported.generate(50, label="de") != exported.generate(50, label="fr")
    (latent, label_) = proto(tmp_path / "x.onnx").graph.input
    assert (latent.name, label_.name) == ("latent", "label")
    with pytest.raises(ConfigError, match="does not know the label 'it'"):
        exported.generate(1, label="it")


def test_a_label_is_refused_where_there_are_none(file: Path) -> None:
    with pytest.raises(ConfigError, match="does not know the label 'fr'"):
        OnnxGenerator(file).generate(1, label="fr")


@pytest.mark.parametrize("name", ["mnist-fast", "mnist-gan", "mnist-wgan", "toy"])
def test_generators_of_other_data_give_points_of_critic_space(name: str, tmp_path: Path) -> None:
    config = recipe(name, {"generator.width": 4, "critic.width": 4, "generator.latent": 5})
    model = made(config, TOY if config.domain == "toy" else IMAGES)
    write_onnx(model, tmp_path / "x.onnx")
    exported = OnnxGenerator(tmp_path / "x.onnx")
    assert exported.output_shape == model.spec.event_shape
    written = np.concatenate(list(exported.points(20, seed=1)))
    assert np.allclose(written, points(model, 20, seed=1), atol=1e-5)
    assert DOMAINS[config.domain].spec_type.from_facts(exported.facts).to_facts() == model.spec.to_facts()
    with pytest.raises(ConfigError, match=rf"x\.onnx: generates '{config.domain}' data"):
        exported.generate(1)


def test_the_batch_is_of_any_size(file: Path, text: Model) -> None:
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape[1:]) == ("latent", "tensor(float)", [8])
    assert (given.name, given.type, given.shape[1:]) == ("probabilities", "tensor(float)", [10, 7])
    latent_BZ = torch.randn(600, 8, generator=torch.Generator().manual_seed(0))
    expected_BLV = text.generator(latent_BZ).numpy()
    for size in (1, 2, 3, 600):
        (found_BLV,) = session.run(None, {"latent": latent_BZ[:size].numpy()})
        assert found_BLV.shape == (size, 10, 7)
        assert np.allclose(found_BLV, expected_BLV[:size], atol=1e-5)


def test_the_file_says_what_it_is(file: Path, text: Model) -> None:
    written = proto(file)
    assert [(opset.domain, opset.version) for opset in written.opset_import] == [("", OPSET)]
    said = {entry.key: entry.value for entry in written.metadata_props}
    assert said == metadata(text)
    assert list(said) == sorted(said)
    assert said.pop("format") == "seqgan_wgp"
    facts = {name: json.loads(value) for name, value in said.items()}
    assert facts["format_version"] == FORMAT_VERSION
    assert from_dict(facts["config"]) == text.config
    assert Vocabulary.from_json(facts["tokenizer"]).characters == "abcdé"
    assert facts["corpus"]["length"] == 10
    assert facts["noise"] == {"stream": 6, "block": BLOCK}


def test_the_same_model_is_the_same_bytes_without_places_of_our_source(file: Path, text: Model, tmp_path: Path) -> None:
    write_onnx(text, tmp_path / "again.onnx")
    data = (tmp_path / "again.onnx").read_bytes()
    assert data == file.read_bytes()
    assert not any(trace in data for trace in (b"stack_trace", b"site-packages", b".py", b"seqgan_wgp.text"))


def test_weights_that_one_file_cannot_hold_are_refused(
    text: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "MAX_BYTES", 1_000)
    with pytest.raises(ConfigError, match=r"bytes of weights, but an ONNX file can hold 1,000"):
        write_onnx(text, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_no_trace(text: Model, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_onnx(text, tmp_path / "none" / "x.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("packages", "said"),
    [(["onnx"], "onnx, which is"), (["onnxscript"], "onnxscript, which is"), (["onnx", "onnxscript"], "onnx and onnx")],
)
def test_without_the_packages_it_is_said_which(
    packages: list[str], said: str, text: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf'{said}.*\n.*pip install "seqgan-wgp\[onnx\]"'):
        write_onnx(text, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
