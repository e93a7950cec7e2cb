"""The command `evaluate`: tables for people, JSON for programs, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from unicodedata import category

import numpy as np
import pytest

from seqgan_wgp.images.idx import write_idx

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]

QUICK = ("--guesses", "40", "--guesses", "80", "--device", "cpu", "--baseline-seconds", "0", "--c2st-steps", "2")


def printed(call: Call, *args: str | Path) -> str:
    result = call("evaluate", *args)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_tables_say_what_numbers_mean(trained: Path, call: Call) -> None:
    first, second, blank, *rest = printed(call, trained, *QUICK).split("\n")
    assert first.startswith("n-grams: JS-4 is ") and second.startswith("memory: ") and blank == ""
    measures = [line.split("  ")[0] for line in rest[: rest.index("")]]
    names = ["JS-4", "unique", "novel", "hits in 40", "hits in 80", "in-test-1", "in-test-2", "in-test-3", "in-test-4"]
    names += ["lengths", "characters", "entropy", "copies", "nearest", "critic", "C2ST", "C2ST AUC"]
    assert measures == ["measure", *names]
    heads = ["JS-1", "JS-2", "JS-3", "JS-4", "JS-6", "JS-8", "unique", "novel"]
    place = next(k for k, line in enumerate(rest) if line.split() == heads)
    rows = [line.rpartition("  ")[0].split("  ")[0] for line in rest[place + 1 : place + 9]]
    assert rows == ["floor", "this model", *(f"Markov order {order}" for order in range(1, 6)), "uniform"]
    assert len({len(line) for line in rest[place + 2 : place + 9]}) == 1
    assert any(line.startswith("closest generated") and line.endswith("edits") for line in rest)
    assert rest[-2].endswith("witten-bell smoothing; seed 0")


def test_json_is_one_object_of_ascii(trained: Path, lines: Path, call: Call) -> None:
    text = printed(call, trained, *QUICK, "--json", "--samples", "50", "--orders", "2", "--seed", "3")
    assert text.isascii()
    tree = json.loads(text)
    assert (tree["n"], tree["seed"], len(tree["js"]), tree["hits"].keys()) == (50, 3, 2, {"40", "80"})
    again = printed(call, trained / "model.safetensors", lines, *QUICK, "--json", "--samples", "50", "--orders", "2",
                    "--seed", "3")  # fmt: skip
    assert json.loads(again) == tree


def test_the_published_protocol_and_the_best_model(trained: Path, call: Call) -> None:
    tree = json.loads(printed(call, trained, *QUICK, "--json", "--legacy"))
    assert (tree["n"], tree["legacy"]) == (640, True)
    best = json.loads(printed(call, trained, *QUICK, "--json", "--best"))
    assert best["js_markov"].keys() == {"1", "2", "3", "4", "5"}


def test_files_of_strings_stand_side_by_side(lines: Path, tmp_path: Path, call: Call) -> None:
    other = tmp_path / "[other].txt"
    other.write_text("".join(f"{k}aé\n" for k in range(90)), encoding="utf-8")
    quick = ("--guesses", "40", "--baseline-seconds", "0", "--c2st-steps", "0", "--reference", lines)
    out = printed(call, "--strings", other, "--strings", lines, *quick)
    assert "\nmeasure " in out and "  [other].txt  " in out and "  lines.txt  " in out
    rows = dict(line.split(maxsplit=1) for line in out.split("\n") if line.startswith(("JS-4 ", "unique ")))
    assert [len(values.split()) for values in rows.values()] == [4, 5]
    tree = json.loads(printed(call, "--strings", other, "--strings", lines, *quick, "--json"))
    assert list(tree["strings"]) == ["[other].txt", "lines.txt"]
    assert tree["strings"]["lines.txt"]["copies"]["share"] > tree["strings"]["[other].txt"]["copies"]["share"]
    alone = printed(call, "--strings", lines, *quick)
    assert alone.startswith("n-grams: JS-4 is ") and "\nlines.txt " in alone and "\ncritic" not in alone


def test_stdin_is_a_text(trained: Path, lines: Path, call: Call) -> None:
    result = call("evaluate", trained, "-", *QUICK, "--json", stdin=lines.read_bytes())
    assert result.returncode == 0, result.stderr
    tree = json.loads(result.stdout)
    assert (tree["corpus"]["name"], tree["corpus"]["same"]) == ("stdin", True)


def test_another_text_is_said_to_be_one(trained: Path, tmp_path: Path, call: Call) -> None:
    other = tmp_path / "other.txt"
    other.write_text("".join(f"a{k}Ω\n" for k in range(400)), encoding="utf-8")
    out = printed(call, trained, other, *QUICK)
    assert "corpus: other is not the corpus that the model was trained on" in out
    assert "unknown to the model" in out


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, call: Call, tiny: list[str]) -> Path:
    """A run on text that would wreck a table: controls, marks of direction, words from right to left, markup."""
    folder = tmp_path_factory.mktemp("odd")
    marks = ["\x1b[2J", "\u202e", "\u2066x", "شجرة", "[bold]", "\u200f", "日本", "\x07"]
    text = "".join(f"{mark}{k * 7919 % 97}{mark}\n" for k in range(97) for mark in marks)
    (folder / "odd.txt").write_text(text, encoding="utf-8", newline="\n")
    assert call("train", folder / "odd.txt", *tiny, "--out", folder / "run").returncode == 0
    return folder / "run"


@pytest.mark.parametrize("terminal", [False, True])
def test_no_text_of_a_corpus_wrecks_the_tables(
    terminal: bool, odd: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    if terminal:
        monkeypatch.setattr("rich.console.Console.is_terminal", property(lambda _console: True))
        monkeypatch.setattr("rich.console.Console._detect_color_system", lambda _console: None)
    out = call("evaluate", odd, *QUICK).stdout
    pairs = out[out.index("closest generated") :]
    isolated = pairs.replace("\u2068", "").replace("\u2069", "") if terminal else pairs
    assert [one for one in isolated if category(one) in ("Cc", "Cf", "Zl", "Zp") and one != "\n"] == []
    assert pairs.count("\u2068") == pairs.count("\u2069")
    assert terminal or "\u2068" not in out
    assert {len(line) for line in pairs.split("\n")[:2]}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    """A run on made images, 12 x 12, and their folder beside it."""
    folder = tmp_path_factory.mktemp("images")
    chance = np.random.default_rng(0)
    write_idx(folder / "train-images-idx3-ubyte.gz", chance.integers(0, 256, (120, 12, 12), dtype=np.uint8))
    small = ("--set", "generator.width=2", "--set", "critic.width=2", "--set", "evaluation.every=2")
    made = ("--recipe", "mnist-fast", "--steps", "2", "--device", "cpu", "--set", "evaluation.samples=20", *small)
    assert call("mnist", "--data", folder, *made, "--out", folder / "run").returncode == 0
    return folder


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    folder = tmp_path_factory.mktemp("points") / "run"
    small = ("--set", "generator.width=4", "--set", "critic.width=4", "--set", "evaluation.samples=40")
    assert call("train", "toy:8-gaussians", "--steps", "2", "--device", "cpu", *small, "--out", folder).returncode == 0
    return folder


def test_images_and_points_have_their_own_measures(digits: Path, points: Path, call: Call) -> None:
    out = printed(call, digits / "run", "--samples", "30")
    assert all(f"\n{name} " in out for name in ("measure", "fcd", "nearest"))
    tree = json.loads(
        printed(call, digits / "run" / "model.safetensors", "--data", digits, "--samples", "30", "--json")
    )
    assert {"n", "fcd", "fcd_floor", "nearest", "nearest_floor"} <= tree.keys()
    out = printed(call, points, "--samples", "30")
    assert all(f"\n{name} " in out for name in ("w1", "modes", "high_quality", "mode_kl"))
    assert json.loads(printed(call, points, "--json"))["n"] == 2_500


@pytest.fixture
def scene(
    tmp_path: Path, trained: Path, lines: Path, digits: Path, points: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Make the current folder one with runs and texts, good and bad ones."""
    monkeypatch.chdir(tmp_path)
    for source, name in ((trained, "run"), (trained, "bare"), (digits / "run", "images"), (points, "points")):
        shutil.copytree(source, name)
    Path("bare/ids.npy").unlink()
    shutil.copy(lines, "lines.txt")
    Path("digits.txt").write_text("".join(f"{chr(0x4E00 + k)}\n" for k in range(99)), encoding="utf-8")
    Path("d").mkdir()
    return tmp_path


MISTAKES = [
    ("none", ("none: ", "no such model")),
    ("run none.txt", ("none.txt: no such file",)),
    ("run/model.safetensors", ("a model file does not contain a corpus", "evaluate MODEL CORPUS")),
    ("bare", ("bare: ", "ids.npy", "are missing", "evaluate MODEL CORPUS")),
    ("run digits.txt", ("digits.txt: the model knows none of its characters", "knows: ")),
    ("run --samples 0", ("--samples is 0", "at least 1")),
    ("run --samples -5", ("--samples is -5", "at least 1")),
    ("run --samples 9 --legacy", ("--samples cannot be used with --legacy", "leave one of them out")),
    ("run --orders 0", ("--orders is 0", "1 to 8")),
    ("run --orders 9", ("--orders is 9", "1 to 8")),
    ("run --c2st-steps -1", ("--c2st-steps is -1", "0 to leave it out")),
    ("run --refine", ("has no refiner", "seqgan-wgp refine run --minutes 3")),
    ("run --guesses 0", ("--guesses is 0", "at least 1")),
    ("run --guesses 10 --guesses -1", ("--guesses is -1",)),
    ("run --guesses many", ("--guesses", "valid integer")),
    ("run --seed -1", ("--seed is -1", "negative")),
    ("", ("there is nothing to evaluate", "--strings FILE with --reference CORPUS")),
    ("--strings lines.txt", ("--strings is given without --reference",)),
    ("--reference lines.txt", ("--reference is given without --strings",)),
    ("run --strings lines.txt --reference lines.txt", ("MODEL is given too", "generate MODEL -o FILE")),
    ("--strings none.txt --reference lines.txt", ("none.txt: no such file",)),
    ("--strings lines.txt --reference none.txt", ("none.txt: no such file",)),
    ("--strings lines.txt --strings lines.txt --reference lines.txt", ("lines.txt is named twice",)),
    ("--strings lines.txt --reference lines.txt --best", ("--best needs a model",)),
    ("--strings lines.txt --reference lines.txt --samples 400", ("lines.txt has 300 strings", "asks for 400")),
    ("run --data d", ("--data does not apply to a model of text",)),
    ("run --device cpuu", ("did you mean 'cpu'?",)),
    ("run/model.safetensors lines.txt --best", ("best",)),
    ("images lines.txt", ("CORPUS does not apply to a model of images",)),
    ("images --guesses 5", ("--guesses does not apply to a model of images",)),
    ("images --legacy", ("--legacy does not apply to a model of images",)),
    ("images --orders 2", ("--orders does not apply to a model of images",)),
    ("images --c2st-steps 3", ("--c2st-steps does not apply to a model of images",)),
    ("points --refine", ("--refine does not apply to a model of points",)),
    ("images --data none", ("none: no such folder",)),
    ("images/model.safetensors", ("a model file does not contain images", "--data DIR")),
    ("points --data d", ("--data does not apply to a model of points",)),
    ("points lines.txt", ("CORPUS does not apply to a model of points",)),
]


@pytest.mark.parametrize(("args", "says"), MISTAKES, ids=[args for args, _ in MISTAKES])
def test_a_mistake_is_explained_and_nothing_changes(
    args: str,
    says: tuple[str, ...],
    scene: Path,
    call: Call,
    contents: Contents,
) -> None:
    before = contents(scene)
    result = call("evaluate", *args.split())
    assert contents(scene) == before
    assert (result.returncode, result.stdout) == (2, "")
    assert [words for words in says if words not in result.stderr] == [], result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= 8


def test_output_is_utf_8_whatever_the_locale(odd: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cli", "evaluate", str(odd), *QUICK],
        env={**environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode("utf-8")


def test_strings_with_counts_are_measured_by_weight(trained: Path, lines: Path, tmp_path: Path, call: Call) -> None:
    strings = lines.read_text().split("\n")[:60]
    file = tmp_path / "counted.jsonl"
    file.write_text("".join(json.dumps({"name": string, "count": 3}) + "\n" for string in strings if string))
    sizes = []
    for words in (["--weights", "count"], ["--weights", "none"], []):
        tree = json.loads(printed(call, trained, f"{file}:name", *QUICK, "--json", *words))
        sizes.append(tree["corpus"]["test"])
    assert sizes[0] == 3 * sizes[1] == 3 * sizes[2] > 0
    refused = call("evaluate", trained, "--weights", "count")
    assert (refused.returncode, "no CORPUS is given" in refused.stderr) == (2, True)
