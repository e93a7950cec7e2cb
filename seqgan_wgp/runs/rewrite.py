"""Extend a trained text model by a part that its corpus determines (fusion, refiner), and rewrite its file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..domains import DOMAINS
from ..errors import ConfigError
from ..model import Model
from ..text.adapter import corpus_for
from ..text.corpus.dataset import Corpus
from ..training.adapter import LoadedModel
from ..utils.bundled_models import refuse_bundled
from ..utils.progress import OnBytes, OnNote, ignore_bytes, ignore_note
from ..utils.tensor_file import find_model_file
from .evaluate import open_model
from .folder import RunFolder

Change = Callable[[Model, Corpus], Model]


def rewritten(
    model: Model | str | Path,
    corpus: Any,
    change: Change,
    *,
    command: str,
    best: bool = False,
    device: str = "auto",
    on_bytes: OnBytes = ignore_bytes,
    on_note: OnNote = ignore_note,
) -> Model:
    """Return a model that a change has been made to; where it is named, its file is written anew, whole or not at all.

    Args:
        model: a run's folder, a model file, or a loaded model, which is left as it is.
        corpus: the text, as `train` takes it; None: what the run prepared.
        change: what is done, given the model and its corpus.
        command: who asks, for messages.
        best: take the run's best model.
        device: where a named model is loaded.
        on_bytes: told how much of a corpus has been read.
        on_note: told what kind of file a named corpus is.

    Raises:
        ConfigError: a model of something else than text, a bundled one, or a run that is in use.
        CheckpointError: no such model, or its corpus is gone and none is named.
        CorpusError: `corpus` cannot be read, or the model knows none of its characters.
        OSError: the file cannot be written.
    """
    if isinstance(model, Model):
        named = open_model(model, best=best, device=device)
        return _changed(named, model, corpus, change, command, on_bytes, on_note)
    path = Path(model)
    refuse_bundled(path, command)
    file = find_model_file(path, best=best)
    with _locked(path):
        loaded = Model.load(file, device=device)
        named = LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)
        found = _changed(named, loaded, corpus, change, command, on_bytes, on_note)
        found.save(file)
    return found


def _changed(
    named: LoadedModel,
    model: Model,
    corpus: Any,
    change: Change,
    command: str,
    on_bytes: OnBytes,
    on_note: OnNote,
) -> Model:
    adapter = DOMAINS[model.config.domain]
    if not adapter.has_strings:
        raise ConfigError(
            f"{command} works only with text models, and this model generates {adapter.items}", "choose a text model"
        )
    with corpus_for(named, model.text_spec(command), corpus, on_bytes, command=command) as text:
        for note in text.told:
            on_note(note)
        return change(model, text)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a run that is named by its folder; of a single file there is nothing to hold."""
    if not path.is_dir():
        yield
        return
    with RunFolder(path).locked():
        yield
