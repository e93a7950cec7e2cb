"""Runs that earlier versions wrote: those in tests/golden, and a larger one of the shared data where that is there."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden")
SHARED = "shared"
NAMES = (*sorted(path.name for path in GOLDEN.iterdir() if path.is_dir()), SHARED)

MAX_BYTES = 300_000
"""Of a run in tests/golden."""

TIES = 2
"""Strings of 50 that may differ on another processor or torch, where two characters are all but equally likely."""


@dataclass(frozen=True)
class Golden:
    """A golden run."""

    run: Path
    """Its folder; read it only."""

    strings: list[str]
    """What `generate RUN -n 50 --seed 3` printed."""

    steps: int
    """Rounds that it was trained."""

    def copied(self, folder: Path) -> Path:
        """Return a copy that may be changed."""
        return Path(shutil.copytree(self.run, folder / "run"))


def golden(name: str, shared_data: Callable[[str], Path], scratch: Path) -> Golden:
    """Return one of NAMES. The test is skipped where the shared data is not there."""
    if name != SHARED:
        return Golden(GOLDEN / name / "run", _lines(GOLDEN / name / "strings.txt"), steps=40)
    with tarfile.open(shared_data("golden/run-format1.tgz")) as archive:
        archive.extractall(scratch, filter="data")
    return Golden(next(scratch.iterdir()), _lines(shared_data("golden/strings.txt")), steps=200)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
