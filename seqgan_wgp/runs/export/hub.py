"""Save a model as a folder for the Hugging Face Hub, and load it from disk or from the Hub.

The folder has weights, settings, tokenizer and a model card. Only model.safetensors is read back, since it is a
complete model; the other files are for people and other programs.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ... import config as configs
from ...errors import CheckpointError, ConfigError, one_line
from ...model import Model
from ...utils.atomic_files import new_folder
from ...utils.file_schema import read_json
from ..folder import CONFIG, MODEL
from .model_card import model_card

LIBRARY = "seqgan-wgp"
"""Name of the library in config.json and in the card, by which such a folder is recognised."""

TOKENIZER, CARD = "tokenizer.json", "README.md"
FILES = (MODEL, CONFIG, TOKENIZER, CARD)
"""All files of a saved model. Only text models have tokenizer.json."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_SOURCE = 'name a folder that save_pretrained has written, or a repository as "owner/name"'


def save_pretrained(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a model and its card to a folder, all files or none.

    Other files in the folder stay as they are, so it may be a clone of a repository.

    Args:
        model: a model of any kind of data.
        folder: created, with its parents, if missing. Its name is the model's name in the card.
        overwrite: replace the files of an existing model, including an edited card.

    Raises:
        ConfigError: a file is at `folder`, or a folder that is neither empty (hidden files do not count) nor a model
            that may be replaced.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    _check_free(folder, overwrite=overwrite)
    facts = {"library_name": LIBRARY, "format_version": configs.FORMAT_VERSION}
    facts |= {"config": configs.to_dict(model.config), **model.facts}
    tokenizer = facts.pop("tokenizer", None)
    with _files_of(folder) as hidden:
        model.save(hidden / MODEL)
        _write(hidden / CONFIG, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        if tokenizer is not None:
            _write(hidden / TOKENIZER, str(tokenizer))
        _write(hidden / CARD, model_card(model, folder.resolve().name))


def from_pretrained(source: str | Path, *, revision: str | None = None, device: str = "auto") -> Model:
    """Load what `save_pretrained` wrote, from a folder or a repository of the Hub.

    Args:
        source: a folder, or "owner/name". The Hub is asked only if there is no such folder.
        revision: branch, tag or commit of a repository; None: its main branch.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        CheckpointError: no such folder, no model in it, or the download failed.
        ConfigError: huggingface_hub is not installed, a revision of a folder was requested, or an unavailable device.
    """
    return Model.load(find_pretrained(source, revision=revision), device=device)


def find_pretrained(source: str | Path, *, revision: str | None = None) -> Path:
    """Return the model file of a folder or of a repository of the Hugging Face Hub, downloaded if necessary.

    Args:
        source: a folder, or "owner/name". The Hub is asked only if there is no such folder.
        revision: branch, tag or commit of a repository; None: its main branch.

    Raises:
        CheckpointError: no such folder, no model in it, or the download failed.
        ConfigError: huggingface_hub is not installed, or a revision of a folder was requested.
    """
    folder = Path(source)
    if folder.is_dir():
        if revision is not None:
            raise ConfigError(
                f"{folder}: is a local folder, which has no revision {revision!r}", "leave out the revision"
            )
        if not (folder / MODEL).is_file():
            raise CheckpointError(f"{folder}: there is no {MODEL} in this folder", _SOURCE)
        return folder / MODEL
    if folder.is_file():
        raise CheckpointError(f"{folder}: is a file, not a folder", "Model.load reads a model file")
    if not isinstance(source, str) or not _REPOSITORY.fullmatch(source) or source.startswith("."):
        raise CheckpointError(f"{source}: no such folder", _SOURCE)
    return _downloaded(source, revision)


def _downloaded(repository: str, revision: str | None) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ConfigError(
            f"{repository}: no such folder, and huggingface_hub, which would download it, is not installed",
            'pip install "seqgan-wgp[hub]"',
        )
    hub: Any = importlib.import_module("huggingface_hub")
    try:
        return Path(hub.hf_hub_download(repository, MODEL, revision=revision))
    # Errors of the Hub and of the network are OSErrors; invalid names are ValueErrors.
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{repository}: no such folder, and downloading it from the Hugging Face Hub failed ({one_line(error)})",
            "check the name, the revision, the network, and whether you are logged in",
        ) from None


def _check_free(folder: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a model can be written to `folder`."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file, but a model is saved as a folder", "choose another folder")
    if not folder.is_dir() or not [entry for entry in folder.iterdir() if not entry.name.startswith(".")]:
        return
    if not _is_ours(folder):
        raise ConfigError(
            f"{folder}: is neither empty nor a model written by save_pretrained, so it is not overwritten",
            "choose another folder",
        )
    if not overwrite:
        raise ConfigError(
            f"{folder}: already contains a model", "choose another folder, or overwrite=True to replace it"
        )


def _is_ours(folder: Path) -> bool:
    try:
        return bool(read_json(folder / CONFIG, "")["library_name"] == LIBRARY)
    except (CheckpointError, TypeError, KeyError):
        return False


@contextlib.contextmanager
def _files_of(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder. On success its files replace those of FILES in `folder`."""
    if not folder.is_dir():
        with new_folder(folder, "folder") as hidden:
            yield hidden
        return
    with tempfile.TemporaryDirectory(prefix=".new.", dir=folder) as name:
        yield Path(name)
        for file in FILES:
            if (Path(name) / file).exists():
                (Path(name) / file).replace(folder / file)
            else:
                (folder / file).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
