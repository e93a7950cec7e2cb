"""What is wrong with a training is said on stderr, once, on a terminal and elsewhere."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli.ui.progress import Progress
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import TextAdapter, scan_data
from seqgan_wgp.toy.adapter import ToyAdapter

Call = Callable[..., subprocess.CompletedProcess[str]]

FLAT = ["--set", "objective.constraint=clip", "--set", "objective.clip=1e-6", "--set", "objective.penalty_weight=0"]
SAID = "warning: vanishing gradient"


def warned(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert result.returncode == 0, result.stderr
    return [line for line in result.stderr.splitlines() if SAID in line]


def test_a_warning_comes_once_with_a_remedy_and_never_on_stdout(
    call: Call, lines: Path, tiny: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    result = call("train", lines, *tiny, *FLAT, "--out", run)
    assert [line.endswith("(step 3)") for line in warned(result)] == [True]
    said = result.stderr.splitlines()
    assert "--set objective.constraint=lp" in said[said.index(warned(result)[0]) + 1]
    assert result.stdout == f"{run}\n"
    # Whoever goes on is told once too: that process has not said it.
    assert len(warned(call("resume", run, "--steps", "9"))) == 1


def test_what_is_found_at_the_closing_alone_is_said(call: Call, lines: Path, tiny: list[str], tmp_path: Path) -> None:
    rare = ["--set", "log.every=4", "--set", "evaluation.every=4"]
    result = call("train", lines, *tiny, *FLAT, *rare, "--out", tmp_path / "run")
    assert [line.endswith("(step 6)") for line in warned(result)] == [True]


def test_a_sound_run_is_not_warned_of(call: Call, lines: Path, tiny: list[str], tmp_path: Path) -> None:
    assert "warning: the" not in call("train", lines, *tiny, "--out", tmp_path / "run").stderr


def test_what_makes_the_strings_better_is_named_where_it_was_not_done(
    call: Call, lines: Path, tiny: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said, ends = call("train", lines, *tiny, "--out", run).stderr, [f"fuse {run}", f"refine {run} --minutes 2"]
    commands = [line for line in said.splitlines() if line.startswith("improve ")]
    assert [line.endswith(f" {end}") for line, end in zip(commands, ends, strict=True)] == [True, True]
    adapter = TextAdapter()
    assert adapter.improvements(recipe("fast", {"refinement.fuse": True}), run) == ()
    assert adapter.improvements(recipe("causal"), run) == ()
    assert ToyAdapter().improvements(recipe("toy"), run) == ()


def test_a_terminal_shows_a_yellow_line_beside_its_panel(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    flat = {"objective.constraint": "clip", "objective.clip": 1e-6, "objective.penalty_weight": 0}
    found, config = scan_data(tiny_lines, tiny_config(**flat))
    run, screen = create(found, config, tmp_path / "run"), io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system="standard", width=300, legacy_windows=False)
    with Progress(console, run.path, config) as progress:
        outcome = run_training(run, on_record=progress.show)
    progress.close(outcome)
    assert screen.getvalue().count(SAID) == screen.getvalue().count(f"\x1b[33m{SAID}") == 1
    assert "steps/s" in screen.getvalue()
