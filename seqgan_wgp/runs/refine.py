"""Refinement of a trained model: a refiner is trained on its corpus and its own strings, and kept in its file."""

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

    A classifier learns to tell the training lines from the model's strings, is chosen and calibrated on the validation
    half, and then accepts strings by its density ratio (Azadi et al. 2019). Where a folder or a file is named, the
    model there is written anew with the refiner in it, whole or not at all.

    Args:
        model: a run's folder, a model file, or a loaded model, which is left as it is.
        corpus: the text, as `train` takes it; None: what the run prepared.
        minutes: of training, all rounds together; 3 where neither these nor steps are given.
        steps: of training in each round, in place of minutes; with these it repeats bit for bit on one kind of device.
        rounds: classifiers, each trained on what the ones before it let through.
        acceptance: "ratio", "drs" or "mh".
        quantile: of the ratios of generated strings, above which all are alike; of "ratio" and "drs".
        rate: of "drs", the share of strings with a chance above one half.
        proposals: of "mh", candidates for each string.
        seed: of everything that is drawn.
        best: take the run's best model.
        device: "auto", "cpu", "cuda" or "mps"; of a loaded model, where it is.
        on_progress: told after every step which round it is and how far that has come.
        on_bytes: told how much of a corpus has been read.

    Raises:
        ConfigError: a number out of bounds, a model of something else than text, or a run that is in use.
        CheckpointError: no such model, or its corpus is gone and none is named.
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
            raise ConfigError("best is for a run's folder, and this model is loaded already", "load the other one")
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
        raise ConfigError(f"refine is for models of text, and this one is of {adapter.items}", "name a model of text")
    with corpus_for(named, model.text_spec("refine"), corpus, on_bytes, command="refine") as text:
        return model.with_refiner(train_refiner(model.samples, text, options, model.device, on_progress))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a run that is named by its folder; of a single file there is nothing to hold."""
    if not path.is_dir():
        yield
        return
    with RunFolder(path).locked():
        yield
