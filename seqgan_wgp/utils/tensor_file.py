"""Find, read and write files of tensors: models and checkpoints.

Both are safetensors with text metadata: no pickle, no code. A file is written under a temporary name, fsynced, read
back and only then renamed, so whatever happens the file of that name is a whole one.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from .._version import FORMAT_VERSION
from ..errors import CheckpointError, ConfigError, did_you_mean_path
from .atomic_files import sync_folder
from .bundled_models import bundled_models, named_model
from .file_schema import MAX_JSON_BYTES, Count, Seconds, from_json, parse_json

MODEL, BEST = "model.safetensors", "best.safetensors"
"""File names in a run folder: the latest model, and the model of the best evaluation."""

_FORMAT, _CHECKSUM = "seqgan_wgp", "checksum"
_BLOCK_BYTES = 1 << 20
_TEXT_BYTES = 512
_WANTED = "a run folder or a model file"
_NOT_EVALUATED = "training writes it at its first evaluation: leave --best out, or train longer with seqgan-wgp resume"
_OURS = "give a run folder, or a model.safetensors that a run has written"


def write_tensor_file(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to `path` at once, or not at all.

    The file has a hash of its tensors and facts, so that a damaged one is never taken for a whole one.

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
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _in_order(data: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted, a checksum among it: the same model is then the same bytes.

    The file is the header's length (8 bytes, little-endian), a JSON header padded with spaces to a multiple of 8, and
    the tensors, whose places are counted from the header's end.
    """
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    header["__metadata__"][_CHECKSUM] = json.dumps(_checksum(header, [body]))
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def read_tensor_file(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the facts of a file.

    Raises:
        CheckpointError: no such file, not safetensors, truncated, not ours, or of a newer format.
    """
    with _reading(path), safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        facts = _facts(path, metadata)
        if _CHECKSUM in metadata:
            _verify(path, metadata[_CHECKSUM])
        # Copies, since tensors of the file are mapped from it, and a mapped file cannot be replaced on Windows.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  (not a mapping)
    return tensors, facts


def _checksum(header: Mapping[str, Any], body: Iterable[bytes]) -> str:
    """Return the SHA-256 of a file's header, without the checksum itself, and of the bytes of its tensors."""
    metadata = {name: text for name, text in header["__metadata__"].items() if name != _CHECKSUM}
    digest = hashlib.sha256(json.dumps({**header, "__metadata__": metadata}, sort_keys=True).encode())
    for block in body:
        digest.update(block)
    return digest.hexdigest()


def _verify(path: Path, checksum: str) -> None:
    """Raise ValueError unless a file has this checksum."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        if json.dumps(_checksum(header, iter(lambda: file.read(_BLOCK_BYTES), b""))) != checksum:
            raise ValueError("its checksum differs")


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
        _check_header(path)
        yield
    except (SafetensorError, OSError, ValueError) as error:
        if _is_text(path):
            remedy = f"give {_WANTED}; to train on its lines: seqgan-wgp train {shlex.quote(str(path))}"
            raise CheckpointError(f"{path}: is a text file, not a model file", remedy) from None
        raise CheckpointError(
            f"{path}: damaged, or not a safetensors file ({error})", "get the file from its source again"
        ) from None


def _is_text(path: Path) -> bool:
    """Return whether a file begins as text does. A safetensors file begins with a number of 8 bytes, most of them 0.

    Fewer bytes do not tell: under a model's name they may be what is left of one.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_TEXT_BYTES)
        if len(head) < 8 and path.suffix == ".safetensors":
            return False
        return b"\0" not in head and codecs.getincrementaldecoder("utf-8")().decode(head) != ""
    except (OSError, UnicodeDecodeError):
        return False


def _check_header(path: Path) -> None:
    """Raise ValueError if the header, which is parsed several times, is larger than any JSON that is read."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > MAX_JSON_BYTES:
        raise ValueError(f"its header has {size:,} bytes")


def _facts(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    _check_format(path, metadata)
    return {name: parse_json(text) for name, text in metadata.items() if name not in ("format", _CHECKSUM)}


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(f"{path}: is a safetensors file, but not written by seqgan_wgp", _OURS)
    version = int(metadata.get("format_version", "0")[:9])
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, and this version of seqgan_wgp reads up to {FORMAT_VERSION}",
            "install a newer seqgan_wgp",
        )


def find_model_file(path: Path, *, best: bool = False) -> Path:
    """Return the model file, given a run folder, the file itself, or the name of a bundled model.

    A file or folder that exists goes before a bundled model of its name. With `best`, return the best model of
    a folder.

    Raises:
        CheckpointError: there is neither a file nor a bundled model of that name, or the folder has no such file.
        ConfigError: `best` is given with a file or a bundled model.
    """
    if path.is_dir():
        name = BEST if best else MODEL
        if not (path / name).is_file():
            raise CheckpointError(
                f"{path}: there is no {name} in this folder",
                _NOT_EVALUATED if best and (path / MODEL).is_file() else _remedy(path),
            )
        return path / name
    bundled = None if path.exists() else named_model(path)
    if best and (path.is_file() or bundled is not None):
        kind = "a bundled model" if bundled else "a model file"
        raise ConfigError(f"{path}: is {kind}, not a run folder", f"give the run folder, or its {BEST}")
    if bundled is not None:
        return bundled.path
    if not path.exists():
        raise CheckpointError(
            f"{path}: no such model: neither a run folder nor a file{did_you_mean_path(path, bundled_models())}",
            f"bundled models: {', '.join(bundled_models())}",
        )
    return path


def _remedy(folder: Path) -> str:
    hidden = bundled_models().get(str(folder))
    if hidden is None:
        runs = sorted(file.parent for file in folder.glob(f"*/{MODEL}"))
        return f"give {_WANTED}{f', such as {runs[0]}' if runs else ''}"
    return f"this folder hides the bundled model {folder}: rename it, or run the command in another folder"


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What every model file has beside its config, its tensors and what its kind of data adds."""

    step: Count
    seconds: Seconds = 0.0
    metrics: dict[str, dict[str, float | None]] | None = None
    """Half of the held-out data -> measures."""


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raise SchemaError unless a model file says as it should how it was trained."""
    from_json(ModelFacts, facts)
