"""The drills find nothing in a share of what `python -m benchmarks.drills` tries, and find a fault that is there."""

from __future__ import annotations

import random
import shutil
import signal
import sys
from pathlib import Path

import pytest

from benchmarks import concurrent_commands, damages, drills, faulty_commands, kills, surroundings
from benchmarks.faulty_commands import Ended, Job, Words
from seqgan_wgp.runs import metrics_log

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and /proc is read")


def test_damaged_files_end_in_errors_that_a_user_is_told() -> None:
    assert damages.damaged_files(16, seed=2) == (16, [])


def test_killed_runs_end_as_if_they_never_were() -> None:
    hits, faults = kills.killed_runs(1, seed=2)
    assert hits >= 1
    assert faults == []


def test_killed_commands_end_as_if_they_never_were() -> None:
    hits, faults = kills.killed_commands(3, seed=2, only=("train", "generate --continue", "refine"))
    assert set(hits) == {"train", "generate --continue", "refine"}
    assert sum(hits.values()) >= 3
    assert faults == []


def test_of_those_who_make_one_run_all_are_whole_or_refused() -> None:
    assert drills.races(2, seed=2) == []


def test_pairs_of_commands_leave_a_whole_run() -> None:
    assert concurrent_commands.pairs(seed=2, only=("resume", "train --overwrite")) == (3, [])


def test_three_commands_at_once_do_what_some_order_of_them_does() -> None:
    assert concurrent_commands.triples(3, seed=2, only=("resume", "train --overwrite", "generate -o")) == (3, [])


def test_commands_in_odd_surroundings_do_what_they_do_elsewhere_or_say_why_not() -> None:
    only, commands = ("folder read-only", "clock set back"), ("generate --best", "resume", "fuse")
    found = surroundings.surroundings(only, commands)
    assert found == {**dict.fromkeys(only, (3, [])), "corpus replaced between the passes": (1, [])}


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_line: bytes) -> dict[str, object]:
        raise IndexError("list index out of range")

    def one_subject(scratch: Path) -> list[damages.Subject]:
        (scratch / "text").mkdir()
        (scratch / "text" / "metrics.jsonl").write_text('{"step": 1}\n')
        read = {"records": lambda run: metrics_log.read_records(run / "metrics.jsonl")}
        subject = damages.Subject(name="text", folder=scratch / "text", calls=read)
        return [subject, subject]

    monkeypatch.setattr(damages, "subjects", one_subject)
    monkeypatch.setattr(
        damages, "damage", lambda _path, _chance: monkeypatch.setattr(metrics_log, "read_record", broken)
    )
    count, faults = damages.damaged_files(1)
    assert count == 1
    assert [fault.partition(" (")[0] for fault in faults] == [
        "0: text, metrics.jsonl, None: records: IndexError: list index out of range"
    ]


def test_a_command_that_tells_nothing_is_found_among_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*words: str | Path) -> Ended:
        return Ended(1, "") if "report" in words else Ended(0, "")

    monkeypatch.setattr(concurrent_commands, "called", silent)
    tried, faults = concurrent_commands.pairs(only=("report",))
    assert (tried, faults) == (1, ["report and report: 1. ended with 1: "])


def test_a_refused_command_that_touched_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def touching(*words: str | Path) -> Ended:
        if words[0] != "train":
            return faulty_commands.called(*words)
        shutil.rmtree(Path(words[words.index("--out") + 1]) / "samples", ignore_errors=True)
        return Ended(2, "error: the folder is in use")

    monkeypatch.setattr(concurrent_commands, "called", touching)
    tried, faults = concurrent_commands.triples(1, only=("train",))
    assert (tried, faults) == (1, ["train and train and train: no order of [] comes to that"])


def test_a_command_that_says_it_did_what_it_did_not_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent_commands, "called", lambda *_words: Ended(0, ""))
    tried, faults = concurrent_commands.pairs(only=("resume",))
    assert (tried, faults) == (1, ["resume and resume: no order of ['resume', 'resume'] comes to that"])


def test_a_command_that_writes_where_it_must_not_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(run: Path) -> dict[str, Words]:
        return {"generate": ["generate", run, "-n", "2"]}

    monkeypatch.setattr(surroundings, "writing", hidden)
    found = surroundings.surroundings(("folder read-only",), ("generate",))
    assert found["folder read-only"] == (1, ["folder read-only, generate: exit code 0 without a message"])


def test_what_a_kill_loses_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ends = iter([-signal.SIGKILL, -signal.SIGKILL, 0])
    monkeypatch.setattr(kills, "ended", lambda _work, _seconds: next(ends))
    job = Job(
        name="x",
        prepare=lambda _folder: None,
        command=lambda _folder: ["x"],
        kept=lambda folder: (folder / "there").is_file(),
        again=lambda _folder: ["x"],
        result=lambda folder: (folder / "there").read_text(),
    )
    (tmp_path / "there").write_text("1")
    assert kills.killed_until_done(job, tmp_path, random.Random(0), 1.0, "2") == (2, "another result")
    (tmp_path / "there").unlink()
    ends = iter([-signal.SIGKILL])
    assert kills.killed_until_done(job, tmp_path, random.Random(0), 1.0, "1") == (1, "something was lost")


def test_every_kind_of_damage_changes_the_file(tmp_path: Path) -> None:
    chance, kinds = random.Random(0), set[str]()
    for name, data in (("a.json", b'{"a": {"b": [1, 2]}, "c": "x"}'), ("b.npy", bytes(range(200))), ("c", b"")):
        for _ in range(200):
            file = tmp_path / name
            if file.is_dir():
                file.rmdir()
            file.write_bytes(data)
            kinds.add(damages.damage(file, chance))
    assert kinds == {"cut", "flip", "empty", "zeros", "deep", "other", "missing", "folder", "value"}
