"""The progress of a training that is asked for: lines where nothing can be redrawn, a panel where it can."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import seqgan_wgp
from seqgan_wgp.config import Config
from seqgan_wgp.runs import progress
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data

TINY = {"generator.width": 8, "critic.width": 8, "generator.blocks": 1, "critic.blocks": 1, "log.every": 2}


def test_it_is_shown_on_stderr_when_asked_for_and_else_nothing_is(
    tiny_lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[int] = []
    asked = {"settings": TINY, "on_record": lambda record: steps.append(record.step)}
    silent = seqgan_wgp.train(tiny_lines, steps=4, **asked)  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "")
    run = tmp_path / "run"
    shown = seqgan_wgp.train(tiny_lines, steps=4, out=run, progress=True, **asked)  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split()[:2] for line in said.err.splitlines()] == [["step", step] for step in "124"]
    assert steps == [1, 2, 3, 4] * 2 and shown.generate(9) == silent.generate(9)
    seqgan_wgp.resume(run, steps=6, progress=True)
    assert "step 6" in capsys.readouterr().err


@pytest.mark.parametrize("redraws", [False, True], ids=["without ipywidgets", "with ipywidgets"])
def test_a_notebook_has_a_panel_with_ipywidgets_and_lines_without(
    redraws: bool,
    tmp_path: Path,
    tiny_corpus: Path,
    tiny_config: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("rich.jupyter.display", lambda _segments, text: shown.append(text))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object() if redraws else None)
    console = Console(file=io.StringIO(), force_jupyter=True, highlight=False)
    assert progress.can_redraw(console) == redraws
    if redraws:
        return
    found, config = scan_data(tiny_corpus, tiny_config(**{"log.every": 2}))
    run = create(found, config, tmp_path / "run")
    with progress.TrainingProgress(console, config) as display:
        run_training(run, on_record=display.show)
    assert sum(text.startswith("step ") for text in shown) >= 2
