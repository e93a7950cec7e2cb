"""What kind of file a corpus is: inspect and train say the same sentence, from files and from stdin."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Call = Callable[..., CompletedProcess[str]]

DNA = [f"ACGT{number:05b}".replace("0", "A").replace("1", "G") for number in range(32)]

FILES: dict[str, tuple[bytes, str, str]] = {
    "r.txt": ("".join(f"@r\n{dna}\n+\nIIIIIIIII\n" for dna in DNA).encode(), "fastq", "note"),
    "u.txt": ("".join(f"{32 - n:7d} {dna}\n" for n, dna in enumerate(DNA)).encode(), "counts", "note"),
    "c.txt": ("".join(f"{dna},x,{dna}\n" for dna in DNA).encode(), "columns", "warning"),
    "p.txt": ("".join(f"{'0' * 32}:{dna}\n" for dna in DNA).encode(), "pot", "problem"),
    "b.txt": (b"%PDF-1.7\n%\xe2\xe3\n" + b"x\n" * 40, "pdf", "problem"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("stdin", [False, True], ids=["file", "stdin"])
def test_inspect_and_train_say_the_same(name: str, stdin: bool, call: Call, tmp_path: Path) -> None:
    data, kind, level = FILES[name]
    (tmp_path / name).write_bytes(data)
    corpus, how = ("-", {"stdin": data}) if stdin else (str(tmp_path / name), {})
    found = json.loads(call("inspect", corpus, "--json", "--no-timing", **how).stdout)
    told = found["source"]["told"][-1]
    assert (found["source"]["kind"], told["kind"], told["level"]) == (kind, kind, level)
    first = found["findings"][0]
    assert (first["level"], first["what"], first["remedy"]) in [
        (told["level"], told["what"], told["remedy"]),
        ("warning", first["what"], first["remedy"]),  # of few strings a warning comes first
    ]
    trained = call("train", corpus, "--dry-run", **how)
    assert trained.returncode == (2 if level == "problem" else 0)
    said = " ".join(trained.stderr.split())
    assert told["what"] in said
    assert told["remedy"] in said
    assert found["verdict"]["trains"] == (level != "problem")
    if level == "problem":
        assert told["what"] in found["verdict"]["what"]
        assert found["verdict"]["remedy"] == told["remedy"]


def test_evaluate_says_it_too(trained: Path, call: Call, tmp_path: Path, lines: Path) -> None:
    strings = sorted(set(filter(None, lines.read_text().split("\n"))))
    (tmp_path / "u.txt").write_text("".join(f"{2:7d} {string}\n" for string in strings))
    result = call("evaluate", trained, tmp_path / "u.txt", "--samples", "40", "--guesses", "40", "--c2st-steps", "0",
                  "--baseline-seconds", "0", "--json")  # fmt: skip
    assert result.returncode == 0, result.stderr
    tree = json.loads(result.stdout)
    assert any("as often as its count says" in sentence for sentence in tree["summary"])
    assert len(tree["corpus"]["told"]) == 1


def test_members_of_archives_are_named(call: Call, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("a.txt", "\n".join(DNA))
        archive.writestr("b.csv", "name,n\n" + "".join(f"{dna},2\n" for dna in DNA))
    result = call("train", tmp_path / "w.zip", "--dry-run")
    assert result.returncode == 2
    assert f"e.g. {tmp_path / 'w.zip'}:a.txt; members: a.txt, b.csv" in result.stderr
    for corpus, rows in (("w.zip:a.txt", 32), ("w.zip:b.csv:name", 32), ("w.zip:b.csv:name*n", 64)):
        result = call("train", f"{tmp_path}/{corpus}", "--dry-run")
        assert result.returncode == 0, result.stderr
        assert f": {rows} lines," in result.stderr


def test_compressed_stdin_is_read(call: Call) -> None:
    result = call("train", "-", "--dry-run", stdin=gzip.compress("\n".join(DNA).encode()))
    assert result.returncode == 0
    assert "stdin: the data is compressed (gz) and is decompressed" in result.stderr


def test_lines_are_learnt_as_they_are_where_that_is_asked_for(call: Call, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(FILES["p.txt"][0])
    result = call("train", tmp_path / "p.txt", "--dry-run", "--set", "corpus.format=lines")
    assert (result.returncode, "hash" in result.stderr) == (0, False)


def test_weights_are_named_behind_the_file_by_a_flag_or_by_a_setting(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("name,count\n" + "".join(f"{dna},{place % 3}\n" for place, dna in enumerate(DNA)))
    rows = sum(place % 3 for place in range(len(DNA)))
    for corpus in ([f"{file}:name*count"], [f"{file}:name", "--weights", "count"]):
        result = call("train", *corpus, "--dry-run")
        assert result.returncode == 0 and f": {rows} lines," in result.stderr, result.stderr
        assert "the column name is learnt, each string as often as count says" in result.stderr
        found = json.loads(call("inspect", *corpus, "--json", "--no-timing").stdout)
        assert found["lines"]["read"] == rows
    once = call("train", f"{file}:name", "--weights", "none", "--dry-run")
    assert f": {len(DNA)} lines," in once.stderr
    twice = call("train", f"{file}:name", "--weights", "count", "--set", "corpus.weights=count", "--dry-run")
    assert (twice.returncode, "both given" in twice.stderr) == (2, True)
    assert "--weights is for text" in call("train", "toy:8-gaussians", "--weights", "count").stderr
