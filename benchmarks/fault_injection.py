"""Commands whose k-th open, write, fsync, rename, ... fails, for every k; and crashes at every moment of a checkpoint.

    python -m benchmarks.fault_injection
    python -m benchmarks.fault_injection --every 10 --json faults.json

* injected: `train`, `train --overwrite`, `resume`, `generate --continue`, `generate -o` and `compare` run with a system
  call that fails: the k-th alone with EIO or EINTR, or the k-th that takes room and all after it with ENOSPC. Survived:
  the command ends with a message and no traceback; nothing that was there is lost; the same command, or `resume`, then
  comes to the result of a run without faults, bit for bit.
* crashed: the calls of a training that saves after every step, and of a file that is continued, are recorded. Of every
  moment the folder is made as a crash may leave it (crash_replay.py). Survived: `resume`, or the same command, comes to
  the same result, bit for bit.

Linux only: paths of open files are read from /proc.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["SEQGAN_WGP_CACHE"] = ""

from .crash_replay import Disk, Recorder, crashes
from .drill_limits import MAX_MEMORY_BYTES, not_hanging, peak_memory_bytes, within_limits
from .faulty_commands import Ended, Job, called, eager_saving, jobs, must
from .file_calls import Call, watched

FAULTS = {"EIO": errno.EIO, "EINTR": errno.EINTR, "ENOSPC": errno.ENOSPC}


class FailingCall:
    """An observer that has the k-th call fail.

    Args:
        k: which call, from 1 on; larger than there are: none fails.
        fault: a key of FAULTS. ENOSPC fails calls that take room, and goes on to do so.
    """

    def __init__(self, k: int, fault: str) -> None:
        self.k, self.fault, self.count, self.failed = k, fault, 0, ""

    def before(self, call: Call) -> None:
        """Raise OSError if it is this call's turn."""
        takes_room = call.kind in ("write", "fsync", "mkdir", "link") or (call.kind == "open" and call.creates)
        full = self.fault == "ENOSPC"
        if full and not takes_room:
            return
        self.count += 1
        if self.count == self.k or (full and self.count > self.k):
            self.failed = self.failed or f"{call.kind} {call.path.name}"
            code = FAULTS[self.fault]
            raise OSError(code, os.strerror(code), os.fspath(call.path))

    def after(self, call: Call) -> None:
        """Do nothing."""


def injected(job: Job, scratch: Path, fault: str, every: int = 1, first: int = 1) -> tuple[int, list[str]]:
    """Let every k-th call of a command fail; return how many were tried, and what was not survived.

    Args:
        job: the command.
        scratch: a folder, for folders that the command is given.
        fault: a key of FAULTS.
        every: try one k in so many.
        first: the first k.
    """
    right = _result_without_fault(job, scratch)
    faults: list[str] = []
    tried, k = 0, first
    while True:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder, failing = Path(name), FailingCall(k, fault)
            job.prepare(folder)
            with not_hanging():
                with watched(folder, failing):
                    ended = called(*job.command(folder))
                if not failing.failed:
                    return tried, faults
                tried += 1
                problem = _problem(job, folder, ended, right)
            if problem is not None:
                faults.append(f"{job.name}, {fault} at {k} ({failing.failed}): {problem}")
        k += every


def _result_without_fault(job: Job, scratch: Path) -> Any:
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        job.prepare(Path(name))
        must(called(*job.command(Path(name))))
        return job.result(Path(name))


def _problem(job: Job, folder: Path, ended: Ended, right: Any) -> str | None:
    """Return what was not survived."""
    if ended.error is not None:
        return f"ended with {ended.error}"
    if ended.code and "error:" not in ended.told:
        return f"exit code {ended.code} without a message"
    try:
        if not job.kept(folder):
            return "something was lost"
        if ended.code:
            again = called(*job.again(folder))
            if again.code or again.error:
                return f"then: {again.error or again.told[-200:].strip()}"
        return None if job.result(folder) == right else "another result"
    except Exception as error:  # noqa: BLE001  (which is what is looked for)
        return f"then {type(error).__name__}: {str(error)[:200]}"


def crashed(job: Job, scratch: Path, every: int = 1) -> tuple[int, list[str]]:
    """Replay a command's calls up to each moment, as a crash may leave the disk; return tried, not survived."""
    right = _result_without_fault(job, scratch)
    faults: list[str] = []
    tried = 0
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder, recorder = Path(name).resolve() / "at", Recorder()
        folder.mkdir()
        job.prepare(folder)
        disk = Disk(folder)
        with watched(folder, recorder):
            must(called(*job.command(folder)))
        for number, state in itertools.islice(crashes(disk, recorder.calls), every - 1, None, every):
            shutil.rmtree(folder)
            disk.write(folder, state)
            tried += 1
            with not_hanging():
                problem = _problem(job, folder, Ended(1, "error:"), right)
            if problem is not None:
                call = recorder.calls[number - 1]
                faults.append(f"{job.name}, crash after {number} ({call.kind} {call.path.name}), {state}: {problem}")
    return tried, faults


CRASH = "crash"
CRASHED = ("train", "train --overwrite", "resume", "generate --continue", "compare")


def main() -> None:
    """Run the drills and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="try one k in so many")
    parser.add_argument("--faults", nargs="+", choices=[*FAULTS, CRASH], default=[*FAULTS, CRASH])
    parser.add_argument("--only", help="the name of one command")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print("| drill | tried | survived |\n| --- | ---: | ---: |")
    rows: list[tuple[str, int, list[str]]] = []
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), eager_saving(), within_limits():
        warnings.simplefilter("ignore")
        scratch = Path(name).resolve()
        base = scratch / "base"
        base.mkdir()
        for job, fault in itertools.product(jobs(base), given.faults):
            if given.only in (None, job.name) and (fault != CRASH or job.name in CRASHED):
                found = (
                    crashed(job, scratch, given.every) if fault == CRASH else injected(job, scratch, fault, given.every)
                )
                rows.append((f"{fault}, {job.name}", *found))
                _print(rows[-1])
    if peak_memory_bytes() > MAX_MEMORY_BYTES:
        rows.append(("memory", 1, [f"{peak_memory_bytes():,} bytes were taken"]))
        _print(rows[-1])
    if given.json is not None:
        table = {name: {"tried": tried, "faults": faults} for name, tried, faults in rows}
        given.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(faults for _name, _tried, faults in rows))


def _print(row: tuple[str, int, list[str]]) -> None:
    name, tried, faults = row
    print(f"| {name} | {tried:,} | {tried - len(faults):,} |", flush=True)
    for fault in faults:
        print(fault, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
