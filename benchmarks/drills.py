"""How many damaged files, killed runs and races for a folder a run survives.

    python -m benchmarks.drills
    python -m benchmarks.drills --damages 3000 --kills 1000 --races 50 --json drills.json

* damaged: one file of a run is cut, flipped, emptied, replaced by other JSON or has a value of another type. All that
  reads the run is called. Survived: each call ends well or with an error of the package that tells the user what to do.
* killed: a run that saves after every step is ended with SIGKILL at random moments and resumed, until it is at its end.
  Survived: its weights and records are those of the run that was never killed, bit for bit.
* races: three processes make a run in one folder at once, one of them with `overwrite`, after random delays. Survived:
  the folder is one whole run, and who did not make it was refused.

No call may take more than a minute, and the whole no more than 2 GB of memory (drill_limits.py). Processes are forked,
so each costs milliseconds. Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import SeqganError
from seqgan_wgp.model import Model
from seqgan_wgp.runs import session
from seqgan_wgp.runs.folder import CONFIG, RunFolder, claimed_run, open_run, read_config
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.report.inputs import read_report_inputs
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.utils.tensor_file import read_tensor_file

from .drill_limits import MEMORY_BYTES_MOST, not_hanging, peak_memory_bytes, within_limits

STEPS = 30
TINY = {
    "generator.width": 8,
    "generator.blocks": 1,
    "generator.latent": 4,
    "critic.width": 8,
    "critic.blocks": 1,
    "training.batch_size": 16,
    "training.critic_steps": 1,
    "training.device": "cpu",
    "training.steps": STEPS,
    "evaluation.every": 10,
    "log.every": 2,
}
FILES = (
    "config.json", "corpus.json", "tokenizer.json", "ids.npy", "metrics.jsonl", "model.safetensors", "best.safetensors",
    "checkpoint/state.safetensors", "checkpoint/previous.safetensors",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**9,
    10**30,
    1.5,
    float("nan"),
    "auto",
    "x",
    "\ud800",
    [],
    [[]],
    {},
    [None],
)


def small_config(steps: int = STEPS) -> Config:
    """Return the settings of a run whose steps take milliseconds."""
    return recipe("fast", {**TINY, "training.steps": steps})


def made(folder: Path, steps: int = STEPS) -> RunFolder:
    """Prepare a small run and return it."""
    lines = [f"line{k * 7919 % 10007}" for k in range(300)]
    found, config = scan_data(lines, small_config(steps))
    return create(found, config, folder)


# Damaged files


def damage(path: Path, chance: random.Random) -> str:
    """Damage a file at random and return how."""
    data = path.read_bytes()
    kinds = ["cut", "flip", "empty", "zeros", "deep", "other", "missing", "folder"] + ["flip"] * 4
    kinds += ["value"] * 8 if path.suffix in (".json", ".jsonl", ".safetensors") else []
    kind = chance.choice(kinds)
    if kind in ("missing", "folder"):
        path.unlink()
        if kind == "folder":
            path.mkdir()
    elif kind == "value":
        path.write_bytes(_with_value(path, data, chance))
    else:
        flipped = bytearray(data)
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        others = {
            "cut": data[: chance.randrange(len(data))],
            "flip": bytes(flipped),
            "empty": b"",
            "zeros": bytes(len(data)),
            "deep": b"[" * 50_000,
            "other": chance.choice([b"{}", b"[]", b"null", b"1", b'"x"', b"\xff\xfe"]),
        }
        path.write_bytes(others[kind])
    return kind


def _with_value(path: Path, data: bytes, chance: random.Random) -> bytes:
    """Return a file with one value of its JSON exchanged for one of another type or size, or taken out."""
    if path.suffix == ".safetensors":
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        metadata = header["__metadata__"]
        metadata.pop("checksum", None)  # whoever edits a file can write any checksum
        name = chance.choice(sorted(metadata))
        tree = {"value": json.loads(metadata[name])} if name != "format" else {"value": metadata[name]}
        _exchange(tree, chance)
        metadata[name] = json.dumps(tree.get("value"))
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + size :]
    if path.suffix == ".jsonl":
        lines = data.split(b"\n")
        place = chance.randrange(len(lines) - 1)
        tree = json.loads(lines[place])
        _exchange(tree, chance)
        lines[place] = json.dumps(tree).encode()
        return b"\n".join(lines)
    tree = json.loads(data)
    _exchange(tree, chance)
    return json.dumps(tree).encode()


def _exchange(tree: Any, chance: random.Random) -> None:
    key = chance.choice(sorted(tree) if isinstance(tree, dict) else range(len(tree)))
    if isinstance(tree[key], dict | list) and tree[key] and chance.random() < 0.7:
        _exchange(tree[key], chance)
    elif isinstance(tree, dict) and chance.random() < 0.2:
        del tree[key]
    else:
        tree[key] = chance.choice(VALUES)


def calls(run: Path) -> dict[str, Callable[[], object]]:
    """Return all that reads a run."""
    return {
        "generate": lambda: Model.load(run, device="cpu").generate(3),
        "generate --best": lambda: Model.load(run, device="cpu", best=True).generate(3),
        "report": lambda: read_report_inputs(open_run(run)),
        "resume": lambda: run_training(open_run(run), {"training.steps": STEPS + 1}),
        "records": lambda: read_records(run / "metrics.jsonl") if (run / "metrics.jsonl").is_file() else [],
        "overwrite": lambda: _overwritten(run),
    }


def _overwritten(run: Path) -> None:
    with claimed_run(run, overwrite=True):
        pass


def damaged_files(count: int, seed: int = 0) -> list[str]:
    """Damage files `count` times and return what was not survived: each with the file, the damage and the error."""
    chance, faults = random.Random(seed), []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), within_limits():
        warnings.simplefilter("ignore")
        whole = finished(Path(scratch) / "whole")
        for number in range(count):
            run = Path(shutil.copytree(whole.path, Path(scratch) / "run"))
            file = chance.choice(FILES)
            how = damage(run / file, chance)
            name, call = chance.choice(sorted(calls(run).items(), key=lambda item: item[0]))
            try:
                with not_hanging():
                    call()
            except (SeqganError, OSError):
                pass
            except Exception as error:  # noqa: BLE001  (which is what is looked for)
                place = traceback.extract_tb(error.__traceback__)[-1]
                faults.append(
                    f"{number}: {file}, {how}: {name}: {type(error).__name__}: {str(error)[:80]} ({place.name})"
                )
            shutil.rmtree(run)
    return faults


def finished(folder: Path) -> RunFolder:
    """Train a small run to its end, saved after every step."""
    run = made(folder)
    with _saving_always():
        run_training(run)
    return run


class _saving_always:  # noqa: N801  (a context)
    def __enter__(self) -> None:
        self.former = session.FIRST_CHECKPOINT_SECONDS, session.CHECKPOINT_SECONDS
        session.FIRST_CHECKPOINT_SECONDS = session.CHECKPOINT_SECONDS = 0.0

    def __exit__(self, *_error: object) -> None:
        session.FIRST_CHECKPOINT_SECONDS, session.CHECKPOINT_SECONDS = self.former


# Kills


def killed_runs(count: int, seed: int = 0) -> tuple[int, list[str]]:
    """Kill runs `count` times in all; return how many kills hit, and which runs did not end as if never killed."""
    chance, faults, kills, number = random.Random(seed), [], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = finished(Path(scratch) / "whole")
        while kills < count:
            run = made(Path(scratch) / str(number))
            while (killed := _killed(run, chance.random() * 0.6)) != 0:
                kills += killed == -signal.SIGKILL
                if killed not in (0, -signal.SIGKILL):
                    faults.append(f"run {number}: ended with {killed}")
                    break
            else:
                if not _same(whole, run):
                    faults.append(f"run {number}: other weights")
            shutil.rmtree(run.path)
            number += 1
    return kills, faults


def _killed(run: RunFolder, seconds: float) -> int:
    """Train in a process of its own that is killed after some time; return what it exited with."""
    child = os.fork()
    if child == 0:
        code = 1
        with _saving_always():
            try:
                run_training(run)
                code = 0
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
        os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _same(one: RunFolder, two: RunFolder) -> bool:
    for left, right in ((one.checkpoint, two.checkpoint), (one.model, two.model), (one.best, two.best)):
        a, b = read_tensor_file(left)[0], read_tensor_file(right)[0]
        if a.keys() != b.keys() or not all(torch.equal(a[name], b[name]) for name in a):
            return False
    records = [[{**record, "seconds": 0} for record in read_records(run.metrics)] for run in (one, two)]
    return records[0] == records[1]


# Races


def races(count: int, seed: int = 0) -> list[str]:
    """Let three processes make a run in one folder, `count` times; return what went wrong."""
    chance, faults, context = random.Random(seed), [], multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            run, told = Path(scratch) / str(number), context.Queue()
            processes = [
                context.Process(target=_claimant, args=(run, steps, chance.random() / 10, told)) for steps in (5, 6, 7)
            ]
            for process in processes:
                process.start()
            ends = dict(told.get(timeout=60) for _ in processes)
            for process in processes:
                process.join()
            winners = {steps for steps, end in ends.items() if end == "made"}
            refused = [end for end in ends.values() if end != "made"]
            steps = read_config(open_run(run)).training.steps
            if (
                steps not in winners
                or {5, 6} <= winners
                or any("another process" not in end and "not empty" not in end for end in refused)
            ):
                faults.append(f"race {number}: {ends}, and the folder has the run of {steps} steps")
    return faults


def _claimant(run: Path, steps: int, seconds: float, told: Any) -> None:
    time.sleep(seconds)
    try:
        found, config = scan_data([f"line{k * steps % 1009}" for k in range(300)], small_config(steps))
        create(found, config, run, overwrite=steps == 7)
        told.put((steps, "made" if (run / CONFIG).is_file() else "nothing"))
    except SeqganError as error:
        told.put((steps, error.message))


def main() -> None:
    """Run the drills and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--races", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    damaged = damaged_files(given.damages, given.seed)
    kills, killed = killed_runs(given.kills, given.seed)
    raced = races(given.races, given.seed)
    memory = peak_memory_bytes()
    large = [f"{memory:,} bytes of memory were used"] if memory > MEMORY_BYTES_MOST else []
    rows = [("damaged files", given.damages, damaged), ("killed runs", kills, killed), ("races", given.races, raced)]
    rows.append((f"memory below {MEMORY_BYTES_MOST / 1e9:g} GB", 1, large))
    print("| drill | tried | survived |\n| --- | ---: | ---: |")
    for name, tried, faults in rows:
        print(f"| {name} | {tried:,} | {tried - len(faults):,} |")
    for fault in (*damaged, *killed, *raced, *large):
        print(fault, file=sys.stderr)
    if given.json is not None:
        table = {name: {"tried": tried, "faults": faults} for name, tried, faults in rows}
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(damaged or killed or raced or large))


if __name__ == "__main__":
    main()
