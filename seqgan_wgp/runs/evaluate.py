"""Evaluate a trained model on the test split of its data, which was not used for any choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..domains import adapter_for
from ..errors import ConfigError
from ..model import Model
from ..registry import load_plugins
from ..training.adapter import EvalOptions, Evaluation, LoadedModel
from ..utils.progress import OnBytes, OnStep, ignore_bytes, ignore_step


def evaluate(
    model: Model | str | Path,
    corpus: Any = None,
    *,
    data: str | Path | None = None,
    samples: int | None = None,
    legacy: bool = False,
    guesses: Sequence[int] | None = None,
    orders: int | None = None,
    c2st_steps: int | None = None,
    refine: bool = False,
    seed: int = 0,
    baseline_seconds: float | None = None,
    best: bool = False,
    device: str = "auto",
    plugins: Sequence[str | Path] = (),
    on_step: OnStep = ignore_step,
    on_bytes: OnBytes = ignore_bytes,
) -> Evaluation:
    """Evaluate a trained model on the test split of its data, which was not used for any choice.

    Args:
        model: a run's folder, a model file, or a loaded model.
        corpus: of a model of text: what it is measured against, as `train` takes it; None: what its run prepared.
        data: of a model of images: a folder with others than its run's.
        samples: N, items generated; None: one for each item of the test half, at most a number that docs/metrics.md
            says.
        legacy: measure n-grams as published: 640 strings against the training lines.
        guesses: numbers of strings after which held-out ones among them are counted; None: 10,000 and 100,000.
        orders: n-grams are measured for n = 1 .. orders; None: 8.
        c2st_steps: steps of the classifier two-sample test; 0 leaves it out; None: 500.
        refine: of a model of text, measure only strings that its refiner accepts; see `refine`.
        seed: of the latents, and of all that is drawn for comparison.
        baseline_seconds: of text, budget of the autoregressive baseline, in seconds of one nominal core; 0: leave it
            out; None: 30. It is trained once for a corpus and kept in the cache.
        best: take the model of the best evaluation in place of the latest; for a run's folder.
        device: "auto", "cpu", "cuda" or "mps"; of a loaded model, where it is.
        plugins: files of code that the model needs, as `Model.load` takes them.
        on_step: told what is being done and which share of that is done.
        on_bytes: told how much of a corpus has been read.

    Raises:
        ConfigError: a number out of bounds, something that the model's kind has no use for, no such device, or a plugin
            that cannot be loaded.
        PluginError: the model needs a plugin that is not among them.
        CheckpointError: no such model, or its run's data is gone and nothing else is named.
        CorpusError: `corpus` or `data` cannot be read, or the model knows none of its characters.
    """
    question = EvalOptions(
        corpus=corpus,
        data=None if data is None else Path(data),
        samples=samples,
        legacy=legacy,
        guesses=None if guesses is None else tuple(guesses),
        orders=orders,
        c2st_steps=c2st_steps,
        refine=refine,
        seed=seed,
        baseline_seconds=baseline_seconds,
    )
    question.check()
    load_plugins(plugins)
    opened = open_model(model, best=best, device=device)
    adapter = adapter_for(opened.model.config)
    if refine and adapter.has_strings:
        opened = replace(opened, model=opened.model.refined())
    return adapter.evaluate(opened, question, on_step, on_bytes)


def open_model(model: Model | str | Path, *, best: bool, device: str) -> LoadedModel:
    """Load a model from a run's folder or a file, or take one that is loaded. Raises ConfigError, CheckpointError."""
    if isinstance(model, Model):
        if best:
            raise ConfigError("best needs a run folder, but this model is already loaded", "load it with best=True")
        return LoadedModel(model=model, label="the model", run=None)
    path = Path(model)
    loaded = Model.load(path, device=device, best=best)
    return LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)
