"""What the commands do when all goes well: what goes to stdout, what is written, and what equals what."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from unicodedata import category

import pytest

from seqgan_wgp.config import recipe, recipe_names, recipe_text
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.text.generation.formats import printable
from seqgan_wgp.text.readers.bundled import bundled
from seqgan_wgp.utils.tensor_file import read_tensor_file

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a finished run that may be changed."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def strings(result: CompletedProcess[str]) -> list[str]:
    """Return the lines of stdout of a command that went well."""
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("\n")
    return result.stdout.split("\n")[:-1]


def is_plain(text: str) -> bool:
    """Say whether a text has only line feeds to move the cursor: no colours, no control or separator characters."""
    return all(character == "\n" or category(character) not in ("Cc", "Zl", "Zp") for character in text)


def records(run: Path) -> list[dict[str, object]]:
    """Return what metrics.jsonl says, times aside."""
    return [
        {name: value for name, value in record.items() if name != "seconds"}
        for record in read_records(run / "metrics.jsonl")
    ]


def test_train_prints_the_folder_and_writes_the_run(lines: Path, tmp_path: Path, call: Call, tiny: list[str]) -> None:
    out = tmp_path / "deep" / "run"
    result = call("train", lines, *tiny, "--out", out)
    assert (result.returncode, result.stdout) == (0, f"{out}\n")
    assert [path.name for path in out.parent.iterdir()] == ["run"]
    assert {path.name for path in out.iterdir()} >= {
        *("config.json", "metrics.jsonl", "model.safetensors", "best.safetensors"),
        *("ids.npy", "tokenizer.json", "samples", "checkpoint"),
    }
    assert [record["step"] for record in records(out)] == [1, 2, 3, 4, 6]
    assert sorted(path.name for path in (out / "samples").iterdir()) == ["00000003.txt", "00000006.txt"]


def test_messages_are_plain_lines_where_stderr_is_no_terminal(
    lines: Path, tmp_path: Path, process: Call, tiny: list[str]
) -> None:
    result = process("train", lines, *tiny, "--out", "run", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "run\n")
    assert is_plain(result.stderr)
    said = result.stderr.split("\n")
    steps = [line for line in said if line.startswith("step ")]
    assert [line.split()[1] for line in steps] == ["1", "2", "3", "4", "6"]
    assert [("JS-4" in line) for line in steps] == [False, False, True, False, True]
    assert all("Wasserstein" in line for line in steps)
    assert said[0].startswith("lines: 300 lines, ")
    assert sum("JS-4" in line and "step" not in line for line in said) == 1
    assert any(line.startswith("generate ") and line.endswith(" generate run -n 1000") for line in said)
    assert any(line.startswith("resume ") and " resume run " in line for line in said)


def test_control_characters_in_lines_never_reach_a_terminal(tmp_path: Path, call: Call, tiny: list[str]) -> None:
    odd = "\x1b[2J", "\t", "\x07\x08", "\x85", "\u2028", "\x0b\x0c", "\r\r", "\x7f"
    path = tmp_path / "odd.txt"
    path.write_bytes("".join(f"{odd[k % len(odd)]}{k}\n" for k in range(100)).encode())
    result = call("train", path, *tiny, "--out", tmp_path / "run")
    assert result.returncode == 0
    assert is_plain(result.stderr)
    steps = [line for line in result.stderr.splitlines() if line.startswith("step ")]
    assert len(steps) == len(records(tmp_path / "run"))
    printed = call("generate", tmp_path / "run", "-n", "300").stdout
    assert is_plain(printed)
    assert len(printed.splitlines()) == 300
    exact = call("generate", tmp_path / "run", "-n", "300", "--format", "jsonl").stdout
    assert len(exact.splitlines()) == 300
    texts = [json.loads(line)["text"] for line in exact.splitlines()]
    assert not all(text.isprintable() for text in texts)
    assert printed.splitlines() == [printable(text) for text in texts]
    table = call("generate", tmp_path / "run", "-n", "300", "--format", "csv").stdout
    assert list(csv.reader(io.StringIO(table, newline=""), strict=True)) == [["text"], *([text] for text in texts)]


def test_runs_without_a_name_are_numbered(lines: Path, tmp_path: Path, process: Call, tiny: list[str]) -> None:
    folders = [process("train", lines, *tiny, "--steps", "1", cwd=tmp_path).stdout for _ in range(2)]
    assert folders == [f"{Path('runs') / name}\n" for name in ("lines-fast-001", "lines-fast-002")]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["lines-fast-001", "lines-fast-002"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--recipe", "paper", "--minutes", "3", "--seed", "7"],
        ["--set", "evaluation.patience=none"],
        ["--set", "training.steps=none", "--minutes", "2"],
    ],
    ids=" ".join,
)
def test_dry_run_prints_settings_that_config_takes_and_writes_nothing(
    options: list[str], lines: Path, tmp_path: Path, call: Call, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = call("train", lines, *options, "--set", "generator.width=24", "--out", "run", "--dry-run")
    assert first.returncode == 0
    assert contents(tmp_path) == {}
    assert tomllib.loads(first.stdout)["generator"]["width"] == 24
    (tmp_path / "same.toml").write_text(first.stdout, encoding="utf-8")
    again = call("train", lines, "--config", "same.toml", "--dry-run")
    assert again.returncode == 0, again.stderr
    # The recipe that it all began with is a remark, the rest are settings.
    different = set(again.stdout.splitlines()) ^ set(first.stdout.splitlines())
    assert [line for line in different if not line.startswith("recipe = ")] == []


def test_later_settings_win(lines: Path, tmp_path: Path, call: Call) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[generator]\nwidth = 24\nkernel = 7\n[training]\nseed = 1\n", encoding="utf-8")
    args = ("--config", config, "--set", "generator.width=40", "--set", "training.seed=2", "--seed", "3")
    settings = tomllib.loads(call("train", lines, *args, "--dry-run").stdout)
    recipe = tomllib.loads(recipe_text("fast"))
    assert (settings["generator"]["width"], settings["generator"]["kernel"]) == (40, 7)
    assert (settings["training"]["seed"], settings["critic"]["kernel"]) == (3, recipe["critic"]["kernel"])


def test_overwrite_replaces_a_run(run: Path, lines: Path, call: Call, tiny: list[str], contents: Contents) -> None:
    (run / "samples" / "00000099.txt").write_text("of the former run\n", encoding="utf-8")
    result = call("train", lines, *tiny, "--seed", "5", "--out", run, "--overwrite")
    assert (result.returncode, result.stdout) == (0, f"{run}\n")
    assert json.loads((run / "config.json").read_text(encoding="utf-8"))["training"]["seed"] == 5
    assert "samples/00000099.txt" not in contents(run)
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_resume_to_a_later_end_is_the_run_that_never_stopped(
    run: Path, lines: Path, tmp_path: Path, call: Call, tiny: list[str]
) -> None:
    whole = tmp_path / "whole"
    assert call("train", lines, *tiny, "--steps", "9", "--out", whole).returncode == 0
    result = call("resume", run, "--steps", "9")
    assert (result.returncode, result.stdout) == (0, f"{run}\n")
    assert "step 9" in result.stderr
    assert "step 6 " not in result.stderr
    assert records(run) == records(whole)
    assert strings(call("generate", run)) == strings(call("generate", whole))


def test_resume_of_a_finished_run_says_so_and_changes_nothing(run: Path, call: Call, contents: Contents) -> None:
    before, (tensors, facts) = contents(run), read_tensor_file(run / "model.safetensors")
    result = call("resume", run)
    assert (result.returncode, result.stdout) == (0, f"{run}\n")
    assert "done at step 6" in result.stderr
    assert "all steps done" in result.stderr
    after, (later_tensors, later_facts) = contents(run), read_tensor_file(run / "model.safetensors")
    # The order of a safetensors file's metadata is not fixed.
    del before["model.safetensors"], after["model.safetensors"]
    assert after == before
    assert later_facts == facts
    assert later_tensors.keys() == tensors.keys()
    assert all(later_tensors[name].equal(tensors[name]) for name in tensors)


def test_a_run_by_likelihood_is_extended_by_steps(lines: Path, tmp_path: Path, call: Call) -> None:
    sizes = ("--set", "generator.width=8", "--set", "generator.blocks=1", "--set", "training.batch_size=8")
    run = tmp_path / "run"
    trained = call("train", lines, "--recipe", "causal", "--steps", "2", *sizes, "--device", "cpu", "--out", run)
    assert f" resume {run} --steps N" in trained.stderr
    refused = call("resume", run, "--minutes", "9")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "has done all its 2 steps" in refused.stderr
    assert "--steps N" in refused.stderr
    assert "done at step 3" in call("resume", run, "--steps", "3").stderr


@pytest.mark.parametrize("n", [1, 2, 511, 512, 513, 1100])
def test_generate_prints_exactly_n_lines_and_fewer_are_the_first_of_more(n: int, trained: Path, call: Call) -> None:
    found = strings(call("generate", trained, "-n", n))
    assert len(found) == n
    assert found[: n // 3 + 1] == strings(call("generate", trained, "-n", n // 3 + 1))


def test_ten_strings_are_generated_unless_told_otherwise(trained: Path, call: Call) -> None:
    assert len(strings(call("generate", trained))) == 10


def test_a_seed_decides_the_strings(trained: Path, call: Call) -> None:
    seeds = {seed: call("generate", trained, "-n", "50", "--seed", seed).stdout for seed in ("0", "1", "2")}
    assert len(set(seeds.values())) == 3
    assert call("generate", trained, "-n", "50", "--seed", "1").stdout == seeds["1"]
    assert call("generate", trained, "-n", "50").stdout == seeds["0"]


def test_a_run_and_its_model_file_generate_the_same(trained: Path, tmp_path: Path, call: Call) -> None:
    alone = shutil.copy(trained / "model.safetensors", tmp_path / "any name")
    assert strings(call("generate", alone)) == strings(call("generate", trained))


def test_generate_leaves_the_run_as_it_is(trained: Path, call: Call, contents: Contents) -> None:
    before = contents(trained)
    assert strings(call("generate", trained))
    assert contents(trained) == before


def test_formats_agree(trained: Path, call: Call) -> None:
    printed = {
        name: call("generate", trained, "-n", "600", "--format", name).stdout for name in ("txt", "jsonl", "csv")
    }
    plain = printed["txt"].split("\n")[:-1]
    assert any("," in text for text in plain) and any('"' in text for text in plain), "nothing that needs quotes"
    assert [json.loads(line) for line in printed["jsonl"].split("\n")[:-1]] == [{"text": text} for text in plain]
    table = list(csv.reader(io.StringIO(printed["csv"], newline=""), strict=True))
    assert table == [["text"], *([text] for text in plain)]


@pytest.mark.parametrize("format_", ["txt", "jsonl", "csv"])
def test_a_file_gets_the_same_bytes_as_stdout(format_: str, trained: Path, tmp_path: Path, process: Call) -> None:
    args = ("generate", trained, "-n", "20", "--format", format_)
    printed = process(*args)
    written = process(*args, "-o", "out.txt", cwd=tmp_path)
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert (tmp_path / "out.txt").read_bytes() == printed.stdout.encode()


def test_a_file_is_replaced_when_asked(trained: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "out.txt"
    path.write_text("mine", encoding="utf-8")
    assert call("generate", trained, "-o", path, "--overwrite").returncode == 0
    assert path.read_text(encoding="utf-8") == call("generate", trained).stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_replaced(trained: Path, tmp_path: Path, call: Call) -> None:
    # As with /dev/null, which a test had better not risk.
    os.mkfifo(tmp_path / "pipe")
    result = call("generate", trained, "-o", tmp_path / "pipe", "--overwrite")
    assert (result.returncode, result.stdout) == (2, "")
    assert "not a file" in result.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_output_is_utf_8_whatever_the_locale(trained: Path, environment: dict[str, str], call: Call) -> None:
    expected = call("generate", trained, "-n", "200").stdout
    assert not expected.isascii()
    result = subprocess.run(
        [sys.executable, "-m", "cli", "generate", str(trained), "-n", "200"],
        env={**environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, expected.encode(), b"")


def test_generate_is_quiet_when_its_reader_goes(trained: Path, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "cli", "generate", str(trained), "-n", "200000"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().endswith(b"\n")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_recipes(call: Call) -> None:
    listed = strings(call("recipes"))
    assert [line.split()[0] for line in listed[1:] if not line.startswith(" ")] == recipe_names()
    for name in recipe_names():
        result = call("recipes", name)
        assert (result.returncode, result.stdout, result.stderr) == (0, recipe_text(name), "")
        if recipe(name).domain == "text":
            assert call("train", "words", "--recipe", name, "--dry-run").returncode == 0


def test_corpora(call: Call) -> None:
    listed = strings(call("corpora"))
    for name, entry in bundled().items():
        assert any(line.split()[:2] == [name, f"{entry.lines:,}"] for line in listed)
        assert f"{name}: {entry.lines:,} lines" in call("train", name, "--dry-run").stderr


def test_info(call: Call) -> None:
    rows = dict(line.split(maxsplit=1) for line in strings(call("info")))
    assert {"seqgan-wgp", "python", "torch", "numpy", "device", "threads"} <= set(rows)


@pytest.mark.parametrize("command", ["recipes", "corpora", "info", "--version", "--help"])
def test_what_is_printed_is_plain_where_stdout_is_no_terminal(command: str, process: Call) -> None:
    result = process(command)
    assert (result.returncode, result.stderr) == (0, "")
    assert is_plain(result.stdout)
