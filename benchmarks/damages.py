"""Files of runs that are damaged at random, and all that reads them.

A file is cut, flipped, emptied, replaced by other JSON, missing, or a folder, or a value in it is exchanged for one of
another type. What reads it must end well, or with an error of the package that tells the user what to do.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seqgan_wgp.errors import SeqganError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.folder import claimed_run, open_run
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.report.inputs import read_report_inputs
from seqgan_wgp.runs.train import run_training

from .drill_limits import not_hanging, within_limits
from .faulty_commands import Job, called, comparing, continuing, must, training_images, training_points
from .small_runs import STEPS, finished

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


def damage(path: Path, chance: random.Random) -> str:
    """Damage a file at random and return how."""
    data = path.read_bytes() or b"\0"
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


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A folder whose files are damaged."""

    name: str
    folder: Path
    calls: Mapping[str, Callable[[Path], object]]
    """All that reads it, given a copy of the folder."""

    @property
    def files(self) -> list[str]:
        """Return its files, but for what only people look at."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and path.suffix not in _SHOWN]
        return sorted(str(path.relative_to(self.folder)) for path in found)


_SHOWN = {".html", ".png", ".gif", ".toml"}


def subjects(scratch: Path) -> list[Subject]:
    """Make a run of each kind of data, a comparison and a file that is continued."""
    finished(scratch / "text")
    found = [Subject(name="text", folder=scratch / "text", calls=_of_runs(STEPS + 1))]
    for kind, words in (("points", training_points()), ("images", training_images(scratch))):
        must(called(*words, "--out", scratch / kind))
        found.append(Subject(name=kind, folder=scratch / kind, calls=_of_runs(5)))
    for kind, job in (("comparison", comparing(scratch)), ("output", continuing(scratch / "text"))):
        (scratch / kind).mkdir()
        must(called(*job.command(scratch / kind)))
        found.append(Subject(name=kind, folder=scratch / kind, calls={job.name: partial(_again, job)}))
    return found


def _of_runs(steps: int) -> dict[str, Callable[[Path], object]]:
    return {
        "generate": lambda run: Model.load(run, device="cpu").generate(3),
        "generate --best": lambda run: Model.load(run, device="cpu", best=True).generate(3),
        "report": lambda run: read_report_inputs(open_run(run)),
        "resume": lambda run: run_training(open_run(run), {"training.steps": steps}),
        "records": lambda run: read_records(run / "metrics.jsonl") if (run / "metrics.jsonl").is_file() else [],
        "overwrite": _overwritten,
    }


def _overwritten(run: Path) -> None:
    with claimed_run(run, overwrite=True):
        pass


def _again(job: Job, folder: Path) -> None:
    """Call a command again. Raises AssertionError where it ends otherwise than well or with a message."""
    ended = called(*job.again(folder))
    if ended.error is not None or (ended.code and "error:" not in ended.told):
        raise AssertionError(ended.error or f"exit code {ended.code}: {ended.told[-80:]}")


OTHERS = 4
"""Of so many damages one is of something else than a run of text."""


def damaged_files(count: int, seed: int = 0) -> tuple[int, list[str]]:
    """Damage files `count` times; return how many were damaged, and what was not survived: where, how and the error."""
    chance, faults = random.Random(seed), []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), within_limits():
        warnings.simplefilter("ignore")
        text, *others = subjects(Path(scratch))
        files = {subject.name: subject.files for subject in (text, *others)}
        for number in range(count):
            subject = text if number % OTHERS else others[number // OTHERS % len(others)]
            copy = Path(shutil.copytree(subject.folder, Path(scratch) / "copy"))
            file = chance.choice(files[subject.name])
            how = damage(copy / file, chance)
            name, call = chance.choice(sorted(subject.calls.items(), key=lambda item: item[0]))
            try:
                with not_hanging():
                    call(copy)
            except (SeqganError, OSError):
                pass
            except Exception as error:  # noqa: BLE001  (which is what is looked for)
                place = traceback.extract_tb(error.__traceback__)[-1]
                told = f"{type(error).__name__}: {str(error)[:80]} ({place.name})"
                faults.append(f"{number}: {subject.name}, {file}, {how}: {name}: {told}")
            shutil.rmtree(copy)
    return count, faults
