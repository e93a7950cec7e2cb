"""Find the corpora that come with the package: `corpora/index.toml` and the files beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """One bundled corpus, as the index describes it."""

    name: str
    path: Path
    lines: int
    sha256: str
    licence: str
    source: str
    description: str


def bundled_folder() -> Path:
    """Return the folder of the bundled corpora: inside an installation, or at the root of a clone."""
    package = Path(__file__).parents[2]
    installed = package / "corpora"
    return installed if installed.is_dir() else package.parent / "corpora"


def bundled_with(sha256: str) -> Bundled | None:
    """Return the bundled corpus whose text has this SHA-256, as a model records it; None where there is none."""
    return next((corpus for corpus in bundled().values() if corpus.sha256 == sha256), None)


@cache
def bundled() -> dict[str, Bundled]:
    """Return the bundled corpora by name."""
    index = tomllib.loads((bundled_folder() / "index.toml").read_text(encoding="utf-8"))
    return {
        name: Bundled(
            name=name,
            path=bundled_folder() / entry["file"],
            lines=entry["lines"],
            sha256=entry["sha256"],
            licence=entry["licence"],
            source=entry["source"],
            description=entry["description"],
        )
        for name, entry in sorted(index.items())
    }
