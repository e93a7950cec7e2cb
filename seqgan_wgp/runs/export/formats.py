"""The formats that a model is exported to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from ...model import Model
from ...text.fusion.fusion import PART as FUSION
from ...text.refinement.refiner import PART as REFINER
from .html_page import write_html
from .onnx import check_onnx, write_onnx


@final
@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """One format; its name in EXPORTS is also the ending of its files."""

    write: Callable[[Model, str | Path], None]
    """Write a model to a file, replacing an existing one."""

    parts: frozenset[str]
    """Parts of a model besides its networks that the file has too: FUSION, REFINER."""

    check: Callable[[], None] = lambda: None
    """Raise ConfigError when a package that it needs is not installed."""


def _write_slim(model: Model, path: str | Path) -> None:
    model.save(path, slim=True)


SLIM = "safetensors"
"""The format of a slim model file."""

EXPORTS: dict[str, ExportFormat] = {
    "onnx": ExportFormat(write=write_onnx, parts=frozenset(), check=check_onnx),
    "html": ExportFormat(write=write_html, parts=frozenset((FUSION,))),
    SLIM: ExportFormat(write=_write_slim, parts=frozenset((FUSION, REFINER))),
}
"""Name of a format -> the format."""

_CALLED = {FUSION: "n-gram model", REFINER: "refiner"}
"""Parts of a model -> what they are called."""


def left_out(model: Model, name: str) -> list[str]:
    """Return what of a model a file of the format `name` does not have."""
    return [called for part, called in _CALLED.items() if part in model.facts and part not in EXPORTS[name].parts]
