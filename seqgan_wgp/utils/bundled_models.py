"""Find the models that come with the package: `models/index.toml` and the files beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import ConfigError

FOLDER = Path(__file__).parents[1] / "models"


@dataclass(frozen=True, kw_only=True)
class BundledModel:
    """One bundled model, as the index describes it; its card NAME.md stands beside the file."""

    name: str
    path: Path
    sha256: str
    description: str
    corpus: str
    """What it was trained on, as a sentence."""

    corpus_sha256: str

    licence: str
    """Licence of the corpus."""

    command: str
    """The commands that made it."""

    @property
    def card(self) -> Path:
        """Its model card: training data, measures and sample strings."""
        return self.path.with_suffix(".md")


@cache
def bundled_models() -> dict[str, BundledModel]:
    """Return the bundled models by name."""
    index = tomllib.loads((FOLDER / "index.toml").read_text(encoding="utf-8"))
    return {
        name: BundledModel(
            name=name,
            path=FOLDER / entry["file"],
            sha256=entry["sha256"],
            description=entry["description"],
            corpus=entry["corpus"],
            corpus_sha256=entry["corpus-sha256"],
            licence=entry["licence"],
            command=entry["command"],
        )
        for name, entry in sorted(index.items())
    }


def bundled_model_of(sha256: str) -> BundledModel | None:
    """Return a bundled model that was trained on the text with this SHA-256; None where there is none."""
    return next((model for model in bundled_models().values() if model.corpus_sha256 == sha256), None)


def named_model(path: str | Path) -> BundledModel | None:
    """Return the bundled model that `path` names.

    None if it names none, or if a file or folder of that name exists in the current folder: what is yours goes first.
    """
    known = bundled_models().get(str(path))
    return None if known is None or Path(path).exists() else known


def refuse_bundled(path: str | Path, command: str) -> None:
    """Raise ConfigError if `path` names a bundled model, which `command` would have to change."""
    if named_model(path) is not None:
        raise ConfigError(
            f"{path}: is a bundled model, and {command} would change its file",
            f"make a copy and take that: seqgan-wgp export {path} --slim -o my-{path}.safetensors",
        )
