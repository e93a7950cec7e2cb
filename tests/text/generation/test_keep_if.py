"""A program decides which strings to keep: the same as a function would, and its failures are explained."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.text.generation import keep_if
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.keep_if import Program, each
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import Limits, TextModel, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.vocabulary import Vocabulary

from .making import LENGTH, text_model

WORDS = ["abba", "a b", "", "b", "é", "a\nb", "aaa"]


def program(tmp_path: Path, body: str, **more: float) -> Program:
    """Return a program that runs Python over `lines`, without line feeds."""
    path = tmp_path / "keep.py"
    path.write_text(
        f"import sys\nsys.stdin.reconfigure(encoding='utf-8')\nlines = sys.stdin.read().split('\\n')[:-1]\n{body}\n"
    )
    return Program(command=shlex.join([sys.executable, str(path)]), **more)  # type: ignore[arg-type]


EVEN = "for line in lines: print(int(line.count('a') % 2 == 0))"


def test_a_program_decides_like_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_if, "BATCH", 3)
    decide = program(tmp_path, EVEN, jobs=2)
    found = decide(WORDS)
    assert found.tolist() == each(lambda string: string.count("a") % 2 == 0)(WORDS).tolist()
    assert found.dtype == np.bool_ and decide([]).tolist() == []
    lines = program(tmp_path, "for line in lines: print(int(line == 'a\\\\nb'))")
    assert lines(WORDS).tolist() == [word == "a\nb" for word in WORDS], "one string is one line"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("sys.exit('no such\\nthing')", "failed with exit code 1: no such\\nthing"),
        ("print(1)", "wrote 1 answers to 7 lines"),
        ("for line in lines: print('yes')", "wrote 'yes' about 'abba'"),
        ("import time; time.sleep(60)", "took more than 0.5 seconds for 7 lines"),
    ],
)
def test_a_failure_is_explained(body: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        program(tmp_path, body, jobs=1, seconds=0.5 if "sleep" in body else 60.0)(WORDS)
    assert says in caught.value.message and "keep.py" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"command": "no-such-program-anywhere -x"}, "there is no such program"),
        ({"command": ""}, "there is no such program"),
        ({"command": "'"}, "No closing quotation"),
        ({"command": sys.executable, "seconds": 0.0}, "--keep-if-seconds is 0"),
        ({"command": sys.executable, "jobs": 0}, "--keep-if-jobs is 0"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(given: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Program(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocks", [1, 8])
def test_a_stream_keeps_what_is_accepted_whatever_is_asked_together(
    blocks: int, tiny_config: Callable[..., Config]
) -> None:
    model: TextModel = text_model(tiny_config(), Vocabulary("abcde"))
    plain = [text for block, _at in stream(model, Request(n=3_000)) for text in model.spec.to_text(block.ids_NL)]
    keep = lambda string: string.startswith(("a", "c"))  # noqa: E731

    def sieve() -> StringFilter:
        hashes = StringHashes(model.spec.vocabulary, LENGTH)
        return StringFilter(hashes, unique=True, keep_if=each(keep), blocks=blocks)

    chosen = list(filter(keep, dict.fromkeys(plain)))
    n, one = len(chosen) // 2, sieve()
    found = [text for block, _at in stream(model, Request(n=n), one) for text in model.spec.to_text(block.ids_NL)]
    assert found == chosen[:n] and n > 20
    assert 0 < one.kept_of.accepted < one.kept_of.asked
    shard = list(stream(model, Request(n=50, shard=(2, 3)), sieve(), limits=Limits(tries=5_000)))
    assert shard[-1][1].tries < (shard[-1][1].next / 3) + 512, "what other shards try does not count"
    ends = list(stream(model, Request(n=len(chosen)), sieve(), limits=Limits(tries=700)))
    assert ends[-1][1].tries == 700
    few = [text for block, _at in ends for text in model.spec.to_text(block.ids_NL)]
    assert few == list(filter(keep, dict.fromkeys(plain[:700])))
