"""Nothing of a corpus, a file's name or a model makes a terminal do something. A pseudoterminal stands for one."""

from __future__ import annotations

import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.app import app
from cli.ui.terminal_text import escaping, for_terminal

pty = pytest.importorskip("pty", reason="this system has no pseudoterminals")

ODD = (
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\t",
    "\x07\x08",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\x0b\x0c",
    "\r\r",
    "\x7f",
    "\u202e",
)


def unsafe(text: str) -> set[str]:
    """Return the characters that a terminal would obey, but ends of lines and tabs."""
    plain = text.replace("\r\n", "\n").replace("\t", "")
    return {each for each in plain if each != "\n" and unicodedata.category(each) in ("Cc", "Zl", "Zp")} | (
        set("\u202a\u202b\u202c\u202d\u202e") & set(plain)
    )


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Call the command with stdout and stderr on a terminal without colours; return its exit code and what is shown."""

    def call(*words: str | Path) -> tuple[int, str]:
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setenv("COLUMNS", "150")
        ours, theirs = pty.openpty()
        parts: list[bytes] = []
        reader = threading.Thread(target=_read_all, args=(ours, parts))
        reader.start()
        with (
            os.fdopen(theirs, "w", encoding="utf-8") as terminal,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "stderr", terminal)
            try:
                app([str(word) for word in words], standalone_mode=True)
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        reader.join()
        os.close(ours)
        return code, b"".join(parts).decode()

    return call


def _read_all(descriptor: int, parts: list[bytes]) -> None:
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # the other side is closed
            return
        if not part:
            return
        parts.append(part)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus full of control characters, whose name has some too."""
    path = tmp_path_factory.mktemp("hostile") / "odd\x1b[31m.txt"
    path.write_bytes("".join(f"{ODD[k % len(ODD)]}{k}\n" for k in range(300)).encode())
    return path


@pytest.fixture(scope="module")
def run(hostile: Path, call: Callable[..., object], tiny: list[str]) -> Path:
    """Return a run on the hostile corpus."""
    call("train", hostile, *tiny, "--out", hostile.parent / "run\x07")
    return hostile.parent / "run\x07"


COMMANDS: dict[str, Callable[[Path, Path], list[str | Path]]] = {
    "inspect": lambda corpus, _run: ["inspect", corpus],
    "inspect --json": lambda corpus, _run: ["inspect", corpus, "--json"],
    "resume": lambda _corpus, run: ["resume", run, "--steps", "8"],
    "generate": lambda _corpus, run: ["generate", run, "-n", "200"],
    "generate jsonl": lambda _corpus, run: ["generate", run, "-n", "200", "--format", "jsonl"],
    "generate csv": lambda _corpus, run: ["generate", run, "-n", "200", "--format", "csv", "--scores"],
    "score": lambda corpus, run: ["score", run, corpus, "--format", "csv"],
    "interpolate": lambda _corpus, run: ["interpolate", run, "1", "2"],
    "evaluate": lambda _corpus, run: ["evaluate", run, "--samples", "100", "--c2st-steps", "0", "--guesses", "100"],
    "report": lambda _corpus, run: ["report", run],
    "no such file": lambda corpus, _run: ["train", corpus.with_name("none\x1b[2J")],
    "no column": lambda corpus, run: ["score", run, f"{corpus}:\x1b[2J"],
    "unknown mask": lambda _corpus, run: ["generate", run, "--prefix", "\x1b\x1b\x1b\u4e00"],
    "similar": lambda _corpus, run: ["similar", run, "\u4e00\x1b[2J"],
    "dry run": lambda corpus, _run: ["train", corpus, "--dry-run", "--set", "training.threads=1"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminal_gets_no_control_characters(
    name: str, hostile: Path, run: Path, shown: Callable[..., tuple[int, str]]
) -> None:
    code, text = shown(*COMMANDS[name](hostile, run))
    assert code in (0, 2), text
    assert text.strip()
    assert unsafe(text) == set()


def test_what_is_no_terminal_gets_the_exact_strings(run: Path, call: Callable[..., object], tmp_path: Path) -> None:
    call("generate", run, "-n", "300", "--format", "csv", "-o", tmp_path / "out.csv")
    assert unsafe((tmp_path / "out.csv").read_text(encoding="utf-8")) & {"\x1b", "\x7f", "\x85"}


@given(st.text())
def test_escaping_leaves_nothing_unsafe_and_all_else_as_it_is(text: str) -> None:
    assert unsafe(for_terminal(text).encode(errors="strict").decode()) == set()
    if not unsafe(text):
        assert for_terminal(text) == text


def test_the_codes_of_the_console_itself_stay() -> None:
    console = escaping(Console(force_terminal=True, color_system="standard", width=40, highlight=False))
    with console.capture() as printed:
        console.print("[red]a\x1b[2Jb[/]")
    assert printed.get() == "\x1b[31ma\\x1b[2Jb\x1b[0m\n"
