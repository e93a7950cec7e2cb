"""Read and write files of tensors: models and checkpoints.

Both are safetensors with text metadata: no pickle, no code. A file is written under a temporary name, fsynced, read
back and only then renamed, so whatever happens the file of that name is a whole one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from .._version import FORMAT_VERSION
from ..errors import CheckpointError

_FORMAT = "seqgan_wgp"
_OURS = "give a run folder, or a model.safetensors that a run has written"


def write_tensor_file(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to `path` at once, or not at all.

    Args:
        path: replaced when it exists.
        tensors: on any device.
        facts: JSON values by name; kept as text in the file's metadata.

    Raises:
        OSError: it cannot be written, e.g. a full disk; the former file stays.
        CheckpointError: what was written does not read back.
    """
    metadata = {"format": _FORMAT, "format_version": str(FORMAT_VERSION)}
    metadata |= {name: json.dumps(value) for name, value in facts.items()}
    temporary = path.with_name(f".{path.name}.new")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with temporary.open("wb") as file:
            file.write(_in_order(serialize(plain, metadata)))
            file.flush()
            os.fsync(file.fileno())
        if set(read_tensor_file(temporary)[0]) != set(tensors):
            raise CheckpointError(f"{temporary}: the file that was just written cannot be read back")
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _in_order(data: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted: the same model is then the same bytes.

    The file is the header's length (8 bytes, little-endian), a JSON header padded with spaces to a multiple of 8, and
    the tensors, whose places are counted from the header's end.
    """
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def read_tensor_file(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the facts of a file.

    Raises:
        CheckpointError: no such file, not safetensors, truncated, not ours, or of a newer format.
    """
    with _reading(path), safe_open(path, framework="pt") as file:
        facts = _facts(path, file.metadata() or {})
        # Copies, since tensors of the file are mapped from it, and a mapped file cannot be replaced on Windows.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  (not a mapping)
    return tensors, facts


def read_facts(path: Path) -> dict[str, Any]:
    """Return the facts of a file alone, without its tensors. Raises CheckpointError as `read_tensor_file` does."""
    with _reading(path), safe_open(path, framework="pt") as file:
        return _facts(path, file.metadata() or {})


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong when a file is read into a CheckpointError."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such model or checkpoint file", _OURS)
    try:
        yield
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: damaged, or not a safetensors file ({error})", "get the file from its source again"
        ) from None


def _facts(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    _check_format(path, metadata)
    return {name: json.loads(text) for name, text in metadata.items() if name != "format"}


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(f"{path}: is a safetensors file, but not written by seqgan_wgp", _OURS)
    version = int(metadata.get("format_version", "0"))
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, and this version of seqgan_wgp reads up to {FORMAT_VERSION}",
            "install a newer seqgan_wgp",
        )


def _sync(folder: Path) -> None:
    """Force a folder's names to disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
