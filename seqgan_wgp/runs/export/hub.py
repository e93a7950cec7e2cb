"""Models as folders for the Hugging Face Hub: weights, settings, tokenizer and a card; and back, from disk or the Hub.

Only model.safetensors is read back, for it is a whole model; the other files are for people and for other programs.
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
from ..folder import CONFIG, MODEL
from .model_card import model_card

LIBRARY = "seqgan-wgp"
"""What config.json and the card call the library; by this a folder of ours is known."""

TOKENIZER, CARD = "tokenizer.json", "README.md"
FILES = (MODEL, CONFIG, TOKENIZER, CARD)
"""All that is written. tokenizer.json is there for models of text alone."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_SOURCE = 'name a folder that save_pretrained has written, or a repository as "owner/name"'


def save_pretrained(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a model and its card to a folder, all files or none.

    What else is in the folder stays as it is, so it may be a clone of a repository.

    Args:
        model: of any kind of data.
        folder: made, with its parents, where it is missing; its name is the model's name in the card.
        overwrite: replace the files of a model that is there, the card with what was changed in it too.

    Raises:
        ConfigError: a file is at `folder`, or a folder that is neither empty (hidden files do not count) nor a model
            that may be replaced.
        OSError: it cannot be written.
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
        source: a folder, or "owner/name"; what is a folder is not looked for on the Hub.
        revision: branch, tag or commit of a repository; None: its main branch.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        CheckpointError: no such folder, no model in it, or the Hub does not give it.
        ConfigError: huggingface_hub is not installed, a revision of a folder was asked for, or no such device.
    """
    return Model.load(find_pretrained(source, revision=revision), device=device)


def find_pretrained(source: str | Path, *, revision: str | None = None) -> Path:
    """Return the model file of a folder, or of a repository of the Hugging Face Hub, downloaded where it is not yet.

    Args:
        source: a folder, or "owner/name"; what is a folder is not looked for on the Hub.
        revision: branch, tag or commit of a repository; None: its main branch.

    Raises:
        CheckpointError: no such folder, no model in it, or the Hub does not give it.
        ConfigError: huggingface_hub is not installed, or a revision of a folder was asked for.
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
    # Errors of the Hub and of the network are OSErrors, names that it does not allow ValueErrors.
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{repository}: no such folder, and downloading it from the Hugging Face Hub failed ({one_line(error)})",
            "check the name, the revision, the network, and whether you are logged in",
        ) from None


def _check_free(folder: Path, *, overwrite: bool) -> None:
    """Raise ConfigError unless a model may be written to `folder`."""
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
        return bool(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["library_name"] == LIBRARY)
    except (OSError, ValueError, TypeError, KeyError):
        return False


@contextlib.contextmanager
def _files_of(folder: Path) -> Iterator[Path]:
    """Give a hidden folder; when all went well its files are those of `folder`, and no former file of FILES is."""
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
