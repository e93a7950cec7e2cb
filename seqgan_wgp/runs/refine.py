"""Refine a trained text model: train a refiner on its corpus and its own strings, and store it in the model file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..domains import adapter_for
from ..errors import ConfigError
from ..model import Model
from ..text.adapter import corpus_for
from ..text.refinement.refiner import AcceptanceConfig
from ..text.refinement.train import OnRound, RefineOptions, train_refiner
from ..training.adapter import LoadedModel
from ..utils.model_file import find_model_file
from ..utils.progress import OnBytes, ignore_bytes
from .folder import RunFolder


def refine(
    model: Model | str | Path,
    corpus: Any = None,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    rounds: int = 1,
    acceptance: str = "ratio",
    quantile: float = 0.95,
    rate: float = 0.5,
    proposals: int = 32,
    seed: int = 0,
    best: bool = False,
    device: str = "auto",
    on_progress: OnRound = lambda _round, _progress: None,
    on_bytes: OnBytes = ignore_bytes,
) -> Model:
    """Train a refiner for a model of text, and return the model with it.

    A classifier learns to tell training lines from the model's strings and is selected and calibrated on the validation
    split. Strings are then accepted by its density ratio (Azadi et al. 2019). If `model` is a folder or a file, the
    model file is replaced atomically by one with the refiner.

    Args:
        model: a run folder, a model file, or a loaded model, which is not changed.
        corpus: the real strings, as for `train`; None: the corpus of the run.
        minutes: total training time over all rounds; 3 when neither minutes nor steps are given.
        steps: training steps per round, instead of minutes. The result is then reproducible bit for bit on one kind of
            device.
        rounds: number of classifiers, each trained on strings that the previous ones accepted.
        acceptance: "ratio", "drs" or "mh".
        quantile: for "ratio" and "drs": quantile of the density ratios of generated strings that is used as the bound.
        rate: for "drs": share of strings that are accepted with a probability above one half.
        proposals: for "mh": number of candidates per accepted string.
        seed: random seed.
        best: use the run's best model.
        device: "auto", "cpu", "cuda" or "mps". A loaded model stays on its device.
        on_progress: called after every step with the round and its progress.
        on_bytes: called with the number of bytes of the corpus read so far.

    Raises:
        ConfigError: a number out of bounds, a model of another kind of data, or a run that is in use.
        CheckpointError: no such model, or its corpus is missing and none is given.
        CorpusError: `corpus` cannot be read, or the model knows none of its characters.
        OSError: the file cannot be written.
    """
    options = RefineOptions(
        minutes=3.0 if minutes is None and steps is None else minutes,
        steps=steps,
        rounds=rounds,
        acceptance=AcceptanceConfig(rule=acceptance, quantile=quantile, rate=rate, proposals=proposals),
        seed=seed,
    )
    if isinstance(model, Model):
        if best:
            raise ConfigError("best needs a run folder, but this model is already loaded", "load it with best=True")
        return _refined(
            LoadedModel(model=model, label="the model", run=None), model, corpus, options, on_progress, on_bytes
        )
    path = Path(model)
    file = find_model_file(path, best=best)
    with _locked(path):
        loaded = Model.load(file, device=device)
        named = LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)
        found = _refined(named, loaded, corpus, options, on_progress, on_bytes)
        found.save(file)
    return found


def _refined(
    named: LoadedModel, model: Model, corpus: Any, options: RefineOptions, on_progress: OnRound, on_bytes: OnBytes
) -> Model:
    adapter = adapter_for(model.config)
    if not adapter.has_strings:
        raise ConfigError(
            f"refine works only with text models, and this model generates {adapter.items}", "choose a text model"
        )
    with corpus_for(named, model.text_spec("refine"), corpus, on_bytes, command="refine") as text:
        return model.with_refiner(train_refiner(model.samples, text, options, model.device, on_progress))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock a run if `path` is its folder; a single file is not locked."""
    if not path.is_dir():
        yield
        return
    with RunFolder(path).locked():
        yield
