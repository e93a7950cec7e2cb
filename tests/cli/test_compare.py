"""The command `compare`: what it prints and leaves, how it goes on, and what it refuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seqgan_wgp.images.idx import write_idx

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]

WILD = "fast:optimizer.critic.learning_rate=10,objective.penalty_weight=1e30"


def rows(table: str) -> list[dict[str, str]]:
    """Return a table in Markdown, head -> cell, without the columns that tell times."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    heads, rule, *body = lines
    assert all(set(cell) <= {"-", ":"} for cell in rule) and len({len(line) for line in lines}) == 1
    found = [dict(zip(heads, line, strict=True)) for line in body]
    return [{head: cell for head, cell in row.items() if head not in ("seconds", "rounds/s")} for row in found]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, call: Call, lines: Path, tiny: list[str]) -> Path:
    """The folder of a finished comparison. Tests that would change it make their own."""
    folder = tmp_path_factory.mktemp("compared") / "both"
    result = call("compare", lines, "--recipes", "fast,passgan", *tiny, "--out", folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_a_table_goes_to_stdout_and_a_plot_to_the_folder(
    tmp_path: Path, call: Call, lines: Path, tiny: list[str]
) -> None:
    result = call("compare", lines, "--recipes", f"fast,{WILD}", "--recipes", "passgan", *tiny, "--out", tmp_path / "c")
    assert result.returncode == 0
    table = rows(result.stdout)
    assert len({len(line) for line in result.stdout.splitlines()}) == 1
    assert [row["recipe"] for row in table] == ["fast", WILD, "passgan"]
    assert [row["ended"] for row in table] == ["steps", "diverged at step 1", "steps"]
    floored = [f"{name} (floor)" for name in ("JS-4", "JS-1", "JS-2", "JS-3", "unique", "n-gram entropy")]
    heads = ["recipe", "rounds", *floored, "novel"]
    assert list(table[0]) == [*heads, "best JS-4", "at step", "spread", "ended"]
    assert re.fullmatch(r"\d\.\d{4} \(\d\.\d{4}\)", table[0]["JS-4 (floor)"])
    assert {table[1][head] for head in heads[2:]} == {""}
    names = {path.name for path in (tmp_path / "c").iterdir()}
    assert names == {
        "compare.json",
        "compare.png",
        ".lock",
        "fast",
        "passgan",
        WILD.replace(":", "+").replace(",", "+"),
    }
    with Image.open(tmp_path / "c" / "compare.png") as picture:
        assert picture.format == "PNG"
    said = result.stderr.splitlines()
    assert [line for line in said if line.startswith("recipe ")] == [
        "recipe 1 of 3: fast",
        f"recipe 2 of 3: {WILD}",
        "recipe 3 of 3: passgan",
    ]
    assert "passgan: corpus.overflow = crop instead of drop, to match fast" in said
    assert f"{WILD} diverged: critic_gradient is inf at step 1" in said


def test_the_same_command_again_prints_the_same_and_trains_nothing(
    compared: Path, call: Call, contents: Contents, lines: Path, tiny: list[str]
) -> None:
    args = ("compare", lines, "--recipes", "fast,passgan", *tiny, "--out", compared)
    before, first = contents(compared), call(*args)
    assert first.returncode == 0
    assert call(*args).stdout == first.stdout
    assert contents(compared) == before
    assert "recipe 1 of 2: fast: already done" in first.stderr
    assert "step 1" not in first.stderr
    printed = json.loads(call(*args, "--json").stdout)
    assert printed == json.loads((compared / "compare.json").read_text(encoding="utf-8"))
    assert (printed["data"], printed["criterion"]) == (str(lines), "js4")
    assert [row["rounds"] for row in printed["recipes"]] == [6, 6]


def test_recipes_that_come_out_the_same_are_warned_of(tmp_path: Path, call: Call, lines: Path, tiny: list[str]) -> None:
    result = call("compare", lines, "--recipes", "fast,fast:generator.width=8", *tiny, "--out", tmp_path / "c")
    assert result.returncode == 0
    assert "warning: fast:generator.width=8 and fast have the same settings" in result.stderr
    one, two = rows(result.stdout)
    assert {**one, "recipe": ""} == {**two, "recipe": ""}


def test_models_of_a_comparison_are_models(compared: Path, call: Call) -> None:
    result = call("generate", compared / "passgan", "-n", "3")
    assert (result.returncode, result.stdout.count("\n")) == (0, 3)


@pytest.mark.parametrize("step", [20, 65])
def test_interrupted_it_says_how_to_go_on_and_ends_the_same(
    step: int, tmp_path: Path, process: Call, environment: dict[str, str], lines: Path, tiny: list[str]
) -> None:
    args = ["compare", str(lines), "--recipes", "fast,passgan", *tiny, "--steps", "60"]
    whole = process(*args, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    words = [*args, "--out", str(tmp_path / "parts")]
    begun = subprocess.Popen(
        [sys.executable, "-m", "cli", *words],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    metrics = tmp_path / "parts" / ("fast" if step < 60 else "passgan") / "metrics.jsonl"
    while begun.poll() is None and (not metrics.exists() or metrics.read_bytes().count(b"\n") < (step % 60) // 2):
        time.sleep(0.002)
    begun.send_signal(signal.SIGINT)
    stdout, stderr = begun.communicate()
    assert (begun.returncode, stdout) == (130, ""), stderr
    assert stderr.endswith(f"saved in {tmp_path / 'parts'}; run the same command again to continue\n")
    again = process(*words)
    assert again.returncode == 0, again.stderr
    assert ("recipe 1 of 2: fast: already done" in again.stderr) == (step > 60)
    assert rows(again.stdout) == rows(whole.stdout)


def test_images_are_compared(tmp_path: Path, call: Call) -> None:
    chance = np.random.default_rng(0)
    for name, count in (("train-images-idx3-ubyte.gz", 120), ("t10k-images-idx3-ubyte.gz", 40)):
        write_idx(tmp_path / name, chance.integers(0, 256, (count, 12, 12), dtype=np.uint8))
    sizes = {"generator.width": 2, "critic.width": 2, "evaluation.every": 1, "evaluation.samples": 20}
    words = [word for name, value in sizes.items() for word in ("--set", f"{name}={value}")]
    words += ["--data", str(tmp_path), "--steps", "2", "--device", "cpu", "--out", str(tmp_path / "c")]
    result = call("compare", "mnist", "--recipes", "mnist-fast,mnist-fast:objective.penalty_weight=1", *words)
    assert result.returncode == 0, result.stderr
    table = rows(result.stdout)
    assert [row["rounds"] for row in table] == ["2", "2"]
    assert list(table[0])[2:4] == ["fcd (floor)", "nearest (floor)"]


def test_distributions_are_compared(tmp_path: Path, call: Call) -> None:
    words = ["--steps", "2", "--device", "cpu", "--set", "evaluation.every=1", "--set", "evaluation.samples=50"]
    result = call("compare", "toy:swiss-roll", "--recipes", "toy,toy:critic.width=8", *words, "--out", tmp_path / "c")
    assert result.returncode == 0, result.stderr
    assert [row["rounds"] for row in rows(result.stdout)] == ["2", "2"]
    assert "W1 (floor)" in result.stdout


MISTAKES: list[tuple[str, tuple[str, ...]]] = [
    ("lines --recipes fast,papre", ("'papre'", "did you mean 'paper'?")),
    ("lines --recipes fast,generator.width=9", ("'generator.width=9' is not a recipe", "NAME:KEY=VALUE,KEY=VALUE")),
    ("lines --recipes fast,paper:generator.widht=9", ("'generator.widht'", "did you mean 'generator.width'?")),
    ("lines --recipes fast,paper:generator.width=0", ("generator.width is 0", "at least 1")),
    ("lines --recipes fast,paper:corpus.length=9", ("the same data", "--set corpus.length=9")),
    ("lines --recipes fast,fast", ("has fast twice",)),
    ("lines --recipes fast,mnist-fast", ("'mnist-fast' is for image data", "compare mnist")),
    ("lines --recipes fast --set generator.widht=9", ("did you mean 'generator.width'?",)),
    ("lines --recipes fast --data .", ("--data is for images",)),
    ("lines --recipes fast,passgan --device cpuu", ("did you mean 'cpu'?",)),
    ("lines", ("--recipes",)),
    ("none.txt --recipes fast", ("none.txt: no such file",)),
    ("mnist --recipes mnist-fast --data none", ("none: no such folder",)),
    ("toy:swis-roll --recipes toy", ("toy:swis-roll", "did you mean 'swiss-roll'?")),
    ("lines --recipes fast --out mine", ("mine: is not empty", "not a comparison", "another --out")),
    ("lines --recipes fast --out mine --overwrite", ("mine: is not empty", "not a comparison")),
    ("lines --recipes fast --out mine/letter.txt", ("is a file",)),
    ("lines --recipes fast,passgan --seed 1 --out both", ("training.seed = 0, but now it is 1", "--overwrite")),
    ("lines --recipes fast --out both", ("also compares passgan",)),
    ("lines --recipes fast,passgan --steps 5 --out both", ("is already at step 6", "give a larger total")),
    ("words --recipes fast,passgan --out both", ("not with words",)),
]


@pytest.mark.parametrize(("args", "says"), MISTAKES, ids=[args for args, _ in MISTAKES])
def test_a_mistake_is_explained_and_nothing_changes(
    args: str,
    says: tuple[str, ...],
    compared: Path,
    tmp_path: Path,
    call: Call,
    contents: Contents,
    lines: Path,
    tiny: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    corpus, *rest = [{"lines": str(lines), "both": str(compared)}.get(word, word) for word in args.split()]
    out = [] if "--out" in rest else ["--out", "deep/new"]
    before = contents(tmp_path), contents(compared)
    result = call("compare", corpus, *tiny, *rest, *out)
    assert (contents(tmp_path), contents(compared)) == before
    assert (result.returncode, result.stdout) == (2, "")
    assert [words for words in says if words not in result.stderr] == [], result.stderr
    assert "Traceback" not in result.stderr
    assert sum(bool(line) for line in result.stderr.splitlines()) <= 8


def test_overwrite_begins_anew(tmp_path: Path, call: Call, lines: Path, tiny: list[str]) -> None:
    def again(*args: str) -> list[dict[str, Any]]:
        result = call("compare", lines, "--recipes", "fast", *tiny, "--out", tmp_path / "c", "--json", *args)
        assert result.returncode == 0, result.stderr
        found: list[dict[str, Any]] = json.loads(result.stdout)["recipes"]
        return found

    first = again()[0]
    (tmp_path / "c" / "compare.png").unlink()
    assert again()[0] == first
    assert (tmp_path / "c" / "compare.png").is_file()
    assert again("--seed", "4", "--overwrite")[0]["test"] != first["test"]
