"""The command `inspect`: a table for people, JSON for programs, and an exit code that says whether it could be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from unicodedata import category

import pytest

from seqgan_wgp.config import recipe, recipe_names

Call = Callable[..., CompletedProcess[str]]


def table(call: Call, *args: str | Path, **how: bytes) -> str:
    result = call("inspect", *args, "--no-timing", **how)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def tree(call: Call, *args: str | Path, **how: bytes) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(table(call, *args, "--json", **how))
    return found


def test_the_table_says_what_a_corpus_is(lines: Path, call: Call) -> None:
    printed = table(call, lines)
    for title in ("source", "lines", "lengths", "characters", "prepared for training", "findings"):
        assert title in printed.split("\n")
    assert "300, including 0 empty" in printed
    assert "█" in printed
    assert "automatic" in printed and "generator.width = 64" in printed
    assert printed.endswith("\ncan be trained on, but see the warnings\n")
    assert "only 300 distinct lines:" in printed


def test_json_is_one_object_of_ascii(lines: Path, call: Call) -> None:
    printed = table(call, lines, "--json")
    assert printed.isascii()
    found = json.loads(printed)
    assert list(found) == [
        *("source", "encoding", "line_ends", "lines", "lengths", "characters", "normal_form", "shape", "outlook"),
        *("findings", "verdict"),
    ]
    assert (found["lines"]["read"], found["outlook"]["timing"], found["verdict"]["trains"]) == (300, None, True)


def test_stdin_is_inspected_like_a_file(lines: Path, call: Call) -> None:
    from_file, from_stdin = tree(call, lines), tree(call, "-", stdin=lines.read_bytes())
    assert (from_stdin["source"].pop("label"), from_stdin["source"].pop("name")) == ("stdin", "stdin")
    assert from_stdin["source"].pop("files") == [{"label": "stdin", "lines": 300}]
    del from_file["source"]["label"], from_file["source"]["name"], from_file["source"]["files"]
    assert from_stdin == from_file


def test_the_time_of_training_is_told_unless_it_is_not_wanted(lines: Path, call: Call, tiny: list[str]) -> None:
    settings = [word for pair in zip(tiny[:-4:2], tiny[1:-4:2], strict=True) for word in pair]
    result = call("inspect", lines, *settings, "--set", "training.steps=6", "--set", "training.device=cpu")
    assert result.returncode == 0
    assert " ms per round on cpu; 6 rounds take about " in result.stdout
    assert " ms per round" not in table(call, lines)


def test_nothing_of_training_is_loaded_without_timing(lines: Path, environment: dict[str, str]) -> None:
    program = f"""
import sys
from cli.app import app
try:
    app(["inspect", {str(lines)!r}, "--no-timing"])
except SystemExit as end:
    parts = ("training.trainer", "text.domain", "text.inspection.timing")
    sys.exit(f"{{end.code}} {{[name for name in parts if 'seqgan_wgp.' + name in sys.modules]}}")
"""
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == "0 []\n"


def test_settings_are_heeded(lines: Path, tmp_path: Path, call: Call) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[corpus]\nlength = 5\noverflow = 'drop'\n", encoding="utf-8")
    found = tree(call, lines, "--config", config, "--set", "corpus.length=6", "--set", "generator.width=24")["outlook"]
    assert (found["length"], found["way"], found["rule"]) == (6, "drop", "corpus.length is set")
    assert "generator.width" not in str(found["settings"])
    for name in recipe_names():
        if recipe(name).domain == "text":
            assert table(call, lines, "--recipe", name)
        else:
            result = call("inspect", lines, "--recipe", name)
            assert (result.returncode, result.stdout) == (2, "") and "inspect reads text" in result.stderr


@pytest.mark.parametrize("terminal", [False, True])
def test_no_control_character_reaches_the_terminal(
    terminal: bool, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = ["\x1b[2J", "\t", "\x07\x08", "\x85", "\u2028", "\x0b\x0c", "\r\r", "\x7f", "\u202e", "\u200b", "[bold]"]
    path = tmp_path / "odd [red]\x1b[1m.txt"
    often = [one * 2 for one in ("\x1b[2J", "\u202e", "[bold]") for _ in range(9)]
    path.write_bytes("\n".join([*often, *(f"{one}{k}" for k, one in enumerate(odd * 9))]).encode())
    if terminal:
        monkeypatch.setattr("rich.console.Console.is_terminal", property(lambda _console: True))
        monkeypatch.setattr("rich.console.Console._detect_color_system", lambda _console: None)
    printed = table(call, path)
    assert [one for one in printed if category(one) in ("Cc", "Cf", "Zl", "Zp") and one != "\n"] == []
    assert r"odd [red]\x1b[1m.txt" in printed
    assert r"9  \x1b[2J\x1b[2J" in printed
    assert r"9  \u202e\u202e" in printed
    assert "9  [bold][bold]" in printed
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in printed


def test_what_train_refuses_is_told(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("\n".join(f"Ñandú {k}" for k in range(300)).encode("latin-1"))
    refused = call("train", path, "--dry-run")
    assert refused.returncode == 2
    printed = table(call, path)
    assert f"train would reject this corpus: {path}: line 1: byte 0xd1 is not valid UTF-8\n" in printed
    assert refused.stderr.split("error: ")[1].startswith(f"{path}: line 1: byte 0xd1 is not valid UTF-8")
    assert printed.endswith("--set corpus.encoding=cp1252\n")
    assert table(call, path, "--set", "corpus.encoding=cp1252", "--set", "corpus.length=12").endswith("warnings\n")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\0\1\2" * 99, b"a\n", "é".encode("utf-16"), b"\xff" * 300])
def test_whatever_can_be_read_is_told(data: bytes, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes(data)
    assert "\ntrain would reject this corpus: " in table(call, path)
    assert tree(call, path)["verdict"]["trains"] is False


def test_what_cannot_be_read_is_an_error(tmp_path: Path, call: Call) -> None:
    damaged = tmp_path / "words.txt.gz"
    damaged.write_bytes(b"\x1f\x8b\x08\0nothing")
    wrong = {
        (str(tmp_path / "missing.txt"),): "no such file or bundled corpus",
        (str(tmp_path),): "is a folder",
        (str(damaged),): "damaged",
        ("words", "--recipe", "fats"): "there is no recipe",
        ("words", "--set", "corpus.lenth=3"): "there is no setting",
        ("words", "--set", "corpus.encoding=klingon"): "no such encoding",
    }
    for args, message in wrong.items():
        result = call("inspect", *args, "--no-timing")
        assert (result.returncode, result.stdout) == (2, "")
        assert message in result.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be read here")
def test_a_file_without_permission_is_an_error(lines: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(lines.read_bytes())
    path.chmod(0)
    result = call("inspect", path, "--no-timing")
    assert (result.returncode, "cannot be read" in result.stderr) == (2, True)


def test_output_is_utf_8_whatever_the_locale(lines: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cli", "inspect", str(lines), "--no-timing"],
        env={**environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert "█" in result.stdout.decode()
