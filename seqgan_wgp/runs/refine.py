"""Refine a trained text model: train a refiner on its corpus and its own strings, and store it in the model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..model import Model
from ..text.corpus.dataset import Corpus
from ..text.refinement.refiner import AcceptanceConfig
from ..text.refinement.train import OnRound, RefineOptions, train_refiner
from ..utils.progress import OnBytes, OnNote, ignore_bytes, ignore_note
from .rewrite import rewritten


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
    new: float = 0.8,
    seed: int = 0,
    best: bool = False,
    device: str = "auto",
    on_progress: OnRound = lambda _round, _progress: None,
    on_bytes: OnBytes = ignore_bytes,
    on_note: OnNote = ignore_note,
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
        new: wanted share of accepted strings that are not training lines; where fewer are, training lines are accepted
            more rarely. It is not brought above the share without a refiner, nor above the probability that a further
            real line is new (Good-Turing). 0: as it comes.
        seed: random seed.
        best: use the run's best model.
        device: "auto", "cpu", "cuda" or "mps". A loaded model stays on its device.
        on_progress: called after every step with the round and its progress.
        on_bytes: called with the number of bytes of the corpus read so far.
        on_note: told what kind of file a named corpus is.

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
        new=new,
        seed=seed,
    )
    return rewritten(
        model,
        corpus,
        lambda loaded, text: refined(loaded, text, options, on_progress),
        command="refine",
        best=best,
        device=device,
        on_bytes=on_bytes,
        on_note=on_note,
    )


def refined(model: Model, corpus: Corpus, options: RefineOptions, on_progress: OnRound) -> Model:
    """Return a model of a corpus with a refiner trained for it; see `refine`."""
    decode = model.decoding()
    return model.with_refiner(train_refiner(model.samples, corpus, options, model.device, on_progress, decode=decode))
