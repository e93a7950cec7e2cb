"""The options of `generate`: which strings, filters, constraints, scores, and files that go on."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from seqgan_wgp.model import Model
from seqgan_wgp.text.generation import mask_stream

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]

ROOT = Path(__file__).parents[2]

HEEDING_INTERRUPTS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from cli.app import main
main()
"""


def lines_of(result: CompletedProcess[str], code: int = 0) -> list[str]:
    assert result.returncode == code, result.stderr
    return result.stdout.split("\n")[:-1]


def test_any_start_gives_that_part_of_the_strings(trained: Path, call: Call) -> None:
    whole = lines_of(call("generate", trained, "-n", "1200"))
    for n, start in ((1, 0), (3, 511), (700, 400)):
        assert lines_of(call("generate", trained, "-n", n, "--start", start)) == whole[start : start + n]


def test_shards_are_the_whole(trained: Path, call: Call) -> None:
    whole = lines_of(call("generate", trained, "-n", "2000"))
    parts = [lines_of(call("generate", trained, "-n", "2000", "--shard", f"{mine}/3")) for mine in (1, 2, 3)]
    blocks = [whole[first : first + 512] for first in range(0, 2000, 512)]
    assert [list(itertools.chain.from_iterable(blocks[mine::3])) for mine in range(3)] == parts


def test_a_stream_without_end_is_quiet_when_its_reader_goes(trained: Path, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "cli", "generate", str(trained), "-n", "0"]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        found = [process.stdout.readline().removesuffix("\n") for _ in range(2_000)]
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0
    assert found == Model.load(trained, device="cpu").generate(2_000)


def test_a_stream_that_nobody_reads_can_be_interrupted(trained: Path, environment: dict[str, str]) -> None:
    # A shell has what it starts in the background ignore SIGINT, and with it all that this starts, these tests too.
    words = [sys.executable, "-c", HEEDING_INTERRUPTS, "generate", str(trained), "-n", "0"]
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        time.sleep(0.5)  # the pipe is full by then, and the writing thread hangs in it
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b"interrupted\n"


@pytest.mark.parametrize("format_", ["txt", "jsonl", "csv"])
def test_scores_are_written_beside_the_strings(format_: str, trained: Path, call: Call) -> None:
    result = call("generate", trained, "-n", "600", "--scores", "--format", format_)
    model = Model.load(trained, device="cpu")
    scored = list(model.score(model.generate(600)))
    lines_of(result)
    if format_ == "txt":
        rows = [tuple(line.split("\t")) for line in result.stdout.split("\n")[:-1]]
    elif format_ == "jsonl":
        records = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
        rows = [(each["score"], each["log_probability"], each["text"]) for each in records]
    else:
        table = csv.DictReader(io.StringIO(result.stdout, newline=""))
        rows = [(row["score"], row["log_probability"], row["text"]) for row in table]
    assert [row[2] for row in rows] == [each.text for each in scored]
    assert [float(row[0]) for row in rows] == pytest.approx([each.score for each in scored], abs=1e-5)
    assert all(float(row[1]) <= 0 for row in rows)


def test_the_top_are_those_of_the_highest_scores_in_order(trained: Path, call: Call) -> None:
    rows = [line.split("\t", 2) for line in lines_of(call("generate", trained, "-n", "700", "--scores"))]
    by_score = sorted(rows, key=lambda row: -float(row[0]))
    assert lines_of(call("generate", trained, "-n", "700", "--top", "9")) == [row[2] for row in by_score[:9]]
    scored = lines_of(call("generate", trained, "-n", "700", "--top", "9", "--scores"))
    assert scored == ["\t".join(row) for row in by_score[:9]]
    assert len(lines_of(call("generate", trained, "-n", "5", "--top", "9"))) == 5


def test_drawn_strings_are_those_of_the_library(trained: Path, call: Call) -> None:
    drawn = lines_of(call("generate", trained, "-n", "300", "--seed", "3", "--decode", "sample", "--temperature", "2"))
    assert drawn == Model.load(trained, device="cpu").generate(300, seed=3, decode="sample", temperature=2.0)
    assert drawn != lines_of(call("generate", trained, "-n", "300", "--seed", "3"))


def distinct(strings: list[str], known: set[str]) -> list[str]:
    """Return each string once, in order, none of those known."""
    return [string for string in dict.fromkeys(strings) if string not in known]


def test_filters_hold_back_what_they_say(trained: Path, tmp_path: Path, call: Call) -> None:
    way = ("--decode", "sample", "--temperature", "3")
    whole = lines_of(call("generate", trained, "-n", "3000", *way))
    (tmp_path / "some.txt").write_text("".join(f"{string}\n" for string in whole[:100:2]), encoding="utf-8")
    table = "name,age\n" + "".join(f'"{string.replace(chr(34), chr(34) * 2)}",7\n' for string in whole[1:100:2])
    (tmp_path / "more.csv").write_text(table, encoding="utf-8")
    files = ("--not-in", tmp_path / "some.txt", "--not-in", f"{tmp_path / 'more.csv'}:name")
    fresh = distinct(whole, set(whole[:100]))
    assert lines_of(call("generate", trained, "-n", "900", *way, "--unique", *files)) == fresh[:900]
    assert lines_of(call("generate", trained, "-n", "900", *way, "--unique")) == distinct(whole, set())[:900]
    held_back = [string for string in whole if string not in whole[:100]]
    assert lines_of(call("generate", trained, "-n", "900", *way, *files)) == held_back[:900]


def test_little_memory_holds_back_the_same(trained: Path, call: Call) -> None:
    args = ("generate", trained, "-n", "2000", "--unique", "--decode", "sample", "--temperature", "3")
    assert call(*args, "--memory", "1").stdout == call(*args).stdout


def test_all_of_a_small_space_is_found_and_no_more(trained: Path, tmp_path: Path, call: Call) -> None:
    out, asked = tmp_path / "out.txt", ("--unique", "--mask", "a?d?d")
    result = call("generate", trained, "-n", "150", *asked, "-o", out)
    found = out.read_text().split("\n")[:-1]
    assert (result.returncode, result.stdout) == (1, "")
    assert sorted(found) == [f"a{k:02}" for k in range(100)]
    assert "found 100 strings of 150: no other satisfies the constraints" in result.stderr
    assert "by argmax" in result.stderr
    endless = call("generate", trained, "-n", "0", *asked)
    assert lines_of(endless) == found
    assert "these are all 100 strings that satisfy the constraints" in endless.stderr
    part = tmp_path / "part.txt"
    for n in (20, 60, 99, 100):
        assert call("generate", trained, "-n", n, *asked, "--continue", part).returncode == 0
    assert part.read_text() == out.read_text()


def test_the_most_probable_come_first(trained: Path, call: Call) -> None:
    result = call("generate", trained, "-n", "0", "--mask", "b?d?d", "--order", "probability", "--scores")
    rows = [line.split("\t") for line in lines_of(result)]
    assert sorted(row[2] for row in rows) == [f"b{k:02}" for k in range(100)]
    log = [float(row[1]) for row in rows]
    assert log == sorted(log, reverse=True) and "lost to the constraints" not in result.stderr
    few = call("generate", trained, "-n", "3", "--start", "4", "--mask", "b?d?d", "--order", "probability")
    assert lines_of(few) == [row[2] for row in rows[4:7]]


def test_masks_share_the_strings_and_none_comes_twice(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_stream, "DRAWN", 1_024)
    (tmp_path / "m.hcmask").write_text("# letters and digits\na?d?d?d\nab,?1?d?d\nab,?1?d?d?d\nA?d\n")
    part, whole = tmp_path / "part.txt", tmp_path / "whole.txt"
    args = ("generate", trained, "-n", "700", "--mask-file", tmp_path / "m.hcmask")
    result = call(*args, "-o", whole)
    found = whole.read_text().split("\n")[:-1]
    assert result.returncode == 0, result.stderr
    assert len(found) == len(set(found)) == 700
    assert "1 masks were left out" in result.stderr
    shares = [
        int(line.split(" strings of ")[0].split()[-1]) for line in result.stderr.split("\n") if " strings of " in line
    ]
    assert sum(shares) == 700 and shares[0] == sum(string[0] == "a" for string in found[: shares[0]])
    assert call(*args, "--continue", part).returncode == 0
    assert part.read_bytes() == whole.read_bytes()
    again = call("generate", trained, "-n", "701", *args[4:], "--continue", part)
    assert (again.returncode, "was started with -n 700, not with -n 701" in again.stderr) == (2, True)
    bare = call("generate", trained / "model.safetensors", "-n", "9", *args[4:], "--per-mask")
    assert len(lines_of(bare)) == 27 and "strings of the model" not in bare.stderr
    assert "1,024 strings of the model" in call("generate", trained / "model.safetensors", "-n", "9", *args[4:]).stderr


def test_a_program_is_asked_and_its_failure_leaves_what_was_written(trained: Path, tmp_path: Path, call: Call) -> None:
    keep = tmp_path / "keep.py"
    keep.write_text("import sys\nfor line in sys.stdin: print(int(len(line) % 2))\n")
    command = f"{sys.executable} {keep}"
    out = tmp_path / "out.txt"
    args = ("generate", trained, "--unique", "--decode", "sample", "--temperature", "3", "--keep-if", command)
    result = call(*args, "-n", "60", "--continue", out)
    found = out.read_text().split("\n")[:-1]
    assert (result.returncode, len(found)) == (0, 60) and all(len(string) % 2 == 0 for string in found)
    assert "the program of --keep-if accepted" in result.stderr
    keep.write_text("raise SystemExit(3)\n")
    result = call(*args, "-n", "90", "--continue", out)
    assert result.returncode == 2 and "failed with exit code 3" in result.stderr
    assert out.read_text().split("\n")[:-1] == found
    keep.write_text("import sys\nfor line in sys.stdin: print(int(len(line) % 2))\n")
    assert call(*args, "-n", "90", "--continue", out).returncode == 0
    assert out.read_text() == call(*args, "-n", "90").stdout
    few = call(*args[:-2], "--valid", "luhn", "-n", "500", "--tries", "600")
    assert few.returncode == 1 and "among 600 candidates, the most that --tries allows" in few.stderr
    assert "the validator luhn accepted" in few.stderr


def test_constraints_are_met_and_their_price_is_told(trained: Path, call: Call) -> None:
    result = call("generate", trained, "-n", "40", "--prefix", "a1", "--length", "3-5")
    found = lines_of(result)
    assert len(found) == 40 and all(string.startswith("a1") and 3 <= len(string) <= 5 for string in found)
    assert result.stderr.startswith("log probability lost to the constraints: ")
    assert " nats per string on average\n" in result.stderr
    masked = lines_of(call("generate", trained, "-n", "40", "--mask", "b?1?d", "-1", "e1", "--seed", "4"))
    assert all(string[0] == "b" and string[1] in "e1" and string[2].isdigit() for string in masked)
    assert (
        lines_of(call("generate", trained, "-n", "9", "--regex", "x y[1-3]{2}", "--suffix", "2", "--contains", "y3"))
        == ["x y32"] * 9
    )


def test_the_cost_of_each_string_is_a_column_and_a_large_one_is_warned_of(trained: Path, call: Call) -> None:
    options = ("-n", "30", "--at-least", "?d:4", "--without", "1", "--regex", "(?!.*77)[a-z0-9]*")
    result = call("generate", trained, *options, "--scores", "--format", "csv")
    lines = lines_of(result)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert lines[0] == "text,score,log_probability,constraint_cost"
    assert [row["text"] for row in rows] == lines_of(call("generate", trained, *options))
    assert all(float(row["constraint_cost"]) >= 0 for row in rows)
    said = float(result.stderr.split("constraints: ")[1].split(" nats")[0])
    assert said == pytest.approx(np.mean([float(row["constraint_cost"]) for row in rows]), rel=1e-3)
    large = np.mean([float(row["constraint_cost"]) > 2 * len(row["text"]) for row in rows])
    assert (f"warning: {large:.0%} of the strings lost more than 2 nats per character" in result.stderr) == (
        large >= 0.5
    )
    free = call("generate", trained, "-n", "9", "--length", "1-")
    assert "warning" not in free.stderr


def test_no_listed_word_stands_in_a_string(trained: Path, tmp_path: Path, call: Call) -> None:
    whole = lines_of(call("generate", trained, "-n", "300", "--length", "1-"))
    words = [*sorted({string[:1] for string in whole if string[:1].isalpha()})[:2], "12", "7"]
    (tmp_path / "words.csv").write_text("word,n\n" + "".join(f"{word.upper()},1\n" for word in words) + ",2\n")
    options = ("--length", "1-", "--without-file", f"{tmp_path / 'words.csv'}:word", "--ignore-case")
    found = lines_of(call("generate", trained, "-n", "300", *options))
    assert not any(word in string.lower() for word in words for string in found)
    kept = {k for k, string in enumerate(whole) if not any(word in string.lower() for word in words)}
    assert kept and all(found[k] == whole[k] for k in kept)


def test_the_best_model_of_a_run_is_that_file(trained: Path, call: Call) -> None:
    best = call("generate", trained, "-n", "99", "--best", "--decode", "sample")
    assert best.stdout == call("generate", trained / "best.safetensors", "-n", "99", "--decode", "sample").stdout


# Files that go on

UNIQUE = ("--unique", "--decode", "sample", "--temperature", "3")


@pytest.mark.parametrize("format_", ["txt", "jsonl", "csv"])
@pytest.mark.parametrize("more", [(), UNIQUE, (*UNIQUE, "--scores"), ("--shard", "2/3")], ids=" ".join)
def test_a_file_that_goes_on_is_the_file_of_one_run(
    more: tuple[str, ...], format_: str, trained: Path, tmp_path: Path, call: Call
) -> None:
    args = ("generate", trained, "--format", format_, *more)
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert call(*args, "-n", "3000", "-o", whole).returncode == 0
    for n in (600, 1100, 3000):
        result = call(*args, "-n", n, "--continue", part)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert part.read_bytes() == whole.read_bytes()
    assert "is already complete" in call(*args, "-n", "1000", "--continue", part).stderr
    assert part.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part", "part.index", "whole"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_file_whose_command_was_killed_goes_on(
    number: signal.Signals, trained: Path, tmp_path: Path, environment: dict[str, str], call: Call
) -> None:
    part, args = tmp_path / "part.txt", ("generate", trained, "--unique", "--decode", "sample", "--temperature", "3")
    program = (
        "from seqgan_wgp.text.generation import resumable_file; resumable_file.EVERY_SECONDS = 0.0\n"
        "from cli.app import main; main()"
    )
    words = [sys.executable, "-c", program, *map(str, args), "-n", "0", "--continue", str(part)]
    with subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and (not part.exists() or part.stat().st_size < 9_000):
            time.sleep(0.002)
        process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait() == (-number if number == signal.SIGKILL else 130), said
        assert ("run the same command again to continue" in said) == (number != signal.SIGKILL)
    assert json.loads((tmp_path / "part.txt.index").read_text())["bytes"] > 0
    n = part.read_bytes().count(b"\n") + 500
    whole = call(*args, "-n", n, "-o", tmp_path / "whole.txt")
    assert whole.returncode == call(*args, "-n", n, "--continue", part).returncode == 0
    assert part.read_bytes() == (tmp_path / "whole.txt").read_bytes()


def test_a_file_of_another_model_or_request_does_not_go_on(
    trained: Path, tmp_path: Path, call: Call, contents: Contents
) -> None:
    part = tmp_path / "part.txt"
    assert call("generate", trained, "-n", "20", "--continue", part).returncode == 0
    before = contents(tmp_path)
    for change, said in (
        (("--seed", "1"), "was started with --seed 0, not with --seed 1"),
        (("--unique",), "was started with no --unique, not with --unique"),
        (("--prefix", "a"), "was started with no --prefix, not with --prefix a"),
        (("--format", "csv"), "was started with --format txt, not with --format csv"),
        (("--best",), "was started with MODEL "),
    ):
        result = call("generate", trained, "-n", "40", "--continue", part, *change)
        if change == ("--best",) and result.returncode == 0:
            continue  # of so short a run the best model may be the last
        assert result.returncode == 2
        assert said in result.stderr
        assert contents(tmp_path) == before
    assert call("generate", trained, "-n", "9", "--seed", "1", "--continue", part, "--overwrite").returncode == 0
    assert part.read_text() == call("generate", trained, "-n", "9", "--seed", "1").stdout


def test_the_lines_of_a_file_to_exclude_are_part_of_the_request(trained: Path, tmp_path: Path, call: Call) -> None:
    known, part = tmp_path / "known.txt", tmp_path / "part.txt"
    known.write_text("a1\n")
    args = ("generate", trained, "-n", "20", "--not-in", known, "--continue", part)
    assert call(*args).returncode == 0
    moved = shutil.move(known, tmp_path / "moved.txt")
    assert call(*args[:-3], moved, "--continue", part, "-n", "30").returncode == 0
    Path(moved).write_text("a2\n")
    result = call(*args[:-3], moved, "--continue", part, "-n", "40")
    assert result.returncode == 2
    assert "was started with --not-in " in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_does_not_go_on(trained: Path, tmp_path: Path, call: Call) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = call("generate", trained, "--continue", tmp_path / "pipe")
    assert result.returncode == 2
    assert "is a folder or a device" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_file_that_met_a_full_disk_goes_on(
    trained: Path, tmp_path: Path, environment: dict[str, str], call: Call
) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits on the size of files")
    part, args = tmp_path / "part.txt", ("generate", trained, "-n", "9000", "--shard", "1/2")
    result = subprocess.run(
        [sys.executable, "-m", "cli", *map(str, args), "--continue", str(part)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (7_000, 7_000)),
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    assert call(*args, "--continue", part).returncode == 0
    assert part.read_text(encoding="utf-8") == call(*args).stdout


# Models of other kinds


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory, call: Call) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "points"
    settings = [f"--set={each}" for each in ("generator.width=4", "critic.width=4", "evaluation.every=1")]
    result = call(
        "train",
        "toy:8-gaussians",
        *settings,
        "--set",
        "evaluation.samples=40",
        "--steps",
        "2",
        "--device",
        "cpu",
        "--out",
        folder,
    )
    assert result.returncode == 0, result.stderr
    return folder


def test_points_have_numbers_too(points: Path, call: Call) -> None:
    whole = lines_of(call("generate", points, "-n", "30"))
    assert lines_of(call("generate", points, "-n", "9", "--start", "11")) == whole[11:20]
    assert lines_of(call("generate", points, "-n", "9", "--best"))


@pytest.mark.parametrize(
    "words",
    [
        *(["--continue", "a.txt"], ["--shard", "1/2"], ["--decode", "sample"], ["--temperature", "2"], ["--scores"]),
        *(["--top", "3"], ["--unique"], ["--not-in", "a.txt"], ["--prefix", "a"], ["--suffix", "a"], ["-1", "a"]),
        *(["--order", "probability"], ["--mask-file", "a"], ["--per-mask"], ["--keep-if", "a"], ["--tries", "3"]),
        *(["--at-least", "a:1"], ["--at-most", "a:1"], ["--without", "a"], ["--without-file", "a"], ["--ignore-case"]),
        *(["--contains", "a"], ["--mask", "?l"], ["--length", "3"], ["--charset", "a"], ["--regex", "a"]),
    ],
    ids=" ".join,
)
def test_what_is_for_text_is_refused_by_name(words: list[str], points: Path, call: Call) -> None:
    result = call("generate", points, *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"error: {words[0]} works only with text models, and this model generates points" in result.stderr


def test_points_have_an_end(points: Path, call: Call) -> None:
    result = call("generate", points, "-n", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert "-n is 0, but it must be at least 1" in result.stderr
