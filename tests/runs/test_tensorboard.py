"""TensorBoard's event files: what the records say, once for each step, however often the run was stopped."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.app import app
from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.tensorboard import LINES_SHOWN, Board
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data

from ..stopping import stop_at

Start = Callable[..., RunFolder]
Series = dict[str, list[tuple[int, Any]]]
"""Tag -> steps and what was written at them."""

RHYTHM = {"training.steps": 5, "evaluation.every": 2, "log.diagnostics": 2}


@pytest.fixture
def start(tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]) -> Start:
    """Prepare a run of the tiny config that writes event files."""
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

    def prepare(name: str, **settings: object) -> RunFolder:
        found, config = scan_data(tiny_lines, tiny_config(**{**RHYTHM, "log.tensorboard": True, **settings}))
        return create(found, config, tmp_path / name)

    return prepare


def read(run: RunFolder) -> Series:
    """Return all that TensorBoard would show of a run, besides how long things took."""
    from tensorboard.backend.event_processing import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        event_accumulator,
        plugin_event_accumulator,
    )

    everything = dict.fromkeys(("scalars", "histograms", "images", "tensors"), 0)
    events = event_accumulator.EventAccumulator(str(run.tensorboard), size_guidance=everything).Reload()
    found: Series = {}
    for tag in events.Tags()["scalars"]:
        found[tag] = [(event.step, event.value) for event in events.Scalars(tag)]
    for tag in events.Tags()["histograms"]:
        found[tag] = [(event.step, list(event.histogram_value.bucket)) for event in events.Histograms(tag)]
    for tag in events.Tags()["images"]:
        found[tag] = [(event.step, event.encoded_image_string) for event in events.Images(tag)]
    # Of texts only TensorBoard's newer reader forgets what is void.
    events = plugin_event_accumulator.EventAccumulator(str(run.tensorboard), size_guidance={"tensors": 0}).Reload()
    for tag in events.Tags()["tensors"]:
        if tag.endswith("/text_summary"):
            found[tag] = [(event.step, event.tensor_proto.string_val[0].decode()) for event in events.Tensors(tag)]
    return {tag: points for tag, points in found.items() if tag != "seconds"}


def numbers(run: RunFolder) -> Series:
    """Return the numbers of the records, as 32-bit numbers, once for each step."""
    found: dict[str, dict[int, float]] = {}
    for record in read_records(run.metrics):
        norms = {
            f"{name}/{layer}": norm
            for name in ("gradient_norms", "activation_gradient_norms")
            for layer, norm in record.get(name, {}).items()
        }
        for tag, value in {**record, **norms}.items():
            if isinstance(value, float) and tag != "seconds":
                found.setdefault(tag, {})[record["step"]] = float(np.float32(value))
    return {tag: list(points.items()) for tag, points in found.items()}


def test_every_number_of_every_record_is_a_point_of_a_curve(start: Start) -> None:
    run = start("run")
    run_training(run)
    written = read(run)
    expected = numbers(run)
    assert {"critic_loss", "js1", "held_out_loss", "gradient_norms/blocks.0.conv1"} <= expected.keys()
    assert {"generator_learning_rate", "critic_learning_rate"} <= expected.keys()
    assert {tag: written[tag] for tag in expected} == expected
    assert [step for step, _ in written["critic_loss"]] == [1, 2, 3, 4, 5]
    assert [step for step, _ in written["js1"]] == [2, 4, 5]
    histograms = {
        "weight_histogram",
        "slope_histogram",
        *(f"score_histograms/{of}" for of in ("real", "fake", "held_out")),
    }
    assert written.keys() - expected.keys() == histograms | {"samples/text_summary"}


def test_histograms_are_those_of_the_records(start: Start) -> None:
    run = start("run")
    run_training(run)
    written = read(run)
    for record in read_records(run.metrics):
        if "slope_histogram" in record:
            for tag, ours in [
                ("weight_histogram", record["weight_histogram"]),
                ("score_histograms/fake", record["score_histograms"]["fake"]),
            ]:
                theirs = dict(written[tag])[record["step"]]
                assert sum(theirs) == sum(ours["counts"]) > 0
                assert [count for count in theirs if count] == [count for count in ours["counts"] if count]


def test_the_first_samples_of_an_evaluation_are_a_text(start: Start) -> None:
    run = start("run")
    run_training(run)
    texts = dict(read(run)["samples/text_summary"])
    assert list(texts) == [2, 4, 5]
    for step, text in texts.items():
        lines = run.samples(step).with_suffix(".txt").read_text(encoding="utf-8").split("\n")
        assert text == "".join(f"    {line}\n" for line in lines[:LINES_SHOWN])


def test_samples_that_are_pictures_are_shown_as_they_are(tmp_path: Path, tiny_config: Callable[..., Config]) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    run = RunFolder(tmp_path)
    run.make_folders()
    run.metrics.write_bytes(b"")
    pixels_HWC = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    Image.fromarray(pixels_HWC).save(run.samples(2).with_suffix(".png"))
    board = Board(run, tiny_config(**{"log.tensorboard": True}), 0)
    board.write({"step": 2, "fcd": 3.5}, sampled=True)
    board.write({"step": 3, "fcd": 2.5}, sampled=False)
    board.close()
    ((step, encoded),) = read(run)["samples"]
    assert step == 2
    with Image.open(io.BytesIO(encoded)) as picture:
        assert np.array_equal(np.asarray(picture), pixels_HWC)


@pytest.mark.parametrize("stops", [[1], [2, 2]])
def test_stopping_and_going_on_leaves_the_same_curves(start: Start, stops: list[int]) -> None:
    whole, parts = start("whole"), start("parts")
    run_training(whole)
    for stop in stops:
        assert run_training(parts, should_stop=stop_at(stop)).reason == "interrupted"
    assert run_training(parts).reason == "steps"
    assert read(parts) == read(whole)


def test_what_a_killed_run_wrote_behind_its_checkpoint_is_void(start: Start) -> None:
    whole, killed = start("whole"), start("killed")
    run_training(whole)
    run_training(killed, should_stop=stop_at(3))
    kept = killed.checkpoint.read_bytes()
    run_training(killed)
    killed.checkpoint.write_bytes(kept)
    run_training(killed)
    assert read(killed) == read(whole)


def test_what_a_run_without_a_checkpoint_wrote_is_void(start: Start) -> None:
    whole, killed = start("whole"), start("killed")
    run_training(whole)
    run_training(killed)
    shutil.rmtree(killed.checkpoint.parent)
    run_training(killed)
    assert read(killed) == read(whole)


@pytest.mark.parametrize("first", [3, 4])
def test_a_closing_that_a_run_went_on_from_is_void(start: Start, first: int) -> None:
    """At step 3 there is no evaluation, but that of the closing."""
    whole, parts = start("whole"), start("parts", **{"training.steps": first})
    run_training(whole)
    run_training(parts)
    assert [step for step, _ in read(parts)["js1"]] == [2, first]
    run_training(parts, {"training.steps": 5})
    assert read(parts) == read(whole)


def test_closing_once_more_adds_nothing(start: Start) -> None:
    run = start("run")
    run_training(run)
    before = read(run)
    run_training(run)
    assert read(run) == before


def test_event_files_change_nothing_in_the_records_and_belong_to_the_run(
    start: Start, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    with_board, without = start("with"), start("without", **{"log.tensorboard": False})
    for run in (with_board, without):
        run_training(run)
    assert numbers(with_board) == numbers(without)
    assert not without.tensorboard.exists()
    found, config = scan_data(tiny_lines, tiny_config())
    create(found, config, with_board.path, overwrite=True)
    assert not with_board.tensorboard.exists()


# Without the extra


def test_without_the_package_nothing_is_begun(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    found, config = scan_data(tiny_lines, tiny_config(**{"log.tensorboard": True}))
    with pytest.raises(ConfigError, match=r"needs tensorboard, which is not installed\n.*seqgan-wgp\[tensorboard\]"):
        create(found, config, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    found, config = scan_data(tiny_lines, tiny_config())
    assert run_training(create(found, config, tmp_path / "run")).reason == "steps"


def test_without_the_package_a_run_that_has_event_files_does_not_go_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start("run")
    run_training(run, should_stop=stop_at(2))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match="needs tensorboard, which is not installed"):
        run_training(run)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_the_command_says_so_in_two_lines(tmp_path: Path, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    words = ["train", str(tiny_corpus), "--out", str(tmp_path / "run"), "--set", "log.tensorboard=true"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "log.tensorboard = true needs tensorboard, which is not installed\n" in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []
