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
    weights: str | None = None,
    samples: int | None = None,
    legacy: bool = False,
    guesses: Sequence[int] | None = None,
    orders: int | None = None,
    c2st_steps: int | None = None,
    refine: bool = False,
    seed: int = 0,
    baseline_seconds: float | None = None,
    temperatures: Sequence[float] | None = None,
    valid: str | None = None,
    best: bool = False,
    device: str = "auto",
    plugins: Sequence[str | Path] = (),
    on_step: OnStep = ignore_step,
    on_bytes: OnBytes = ignore_bytes,
) -> Evaluation:
    """Evaluate a trained model on the test split of its data, which was not used for any choice.

    Args:
        model: a run folder, a model file, or a loaded model.
        corpus: for text: the corpus to compare with, as for `train`; None: the corpus of the run.
        weights: for text: the column of counts in `corpus`; "none": each string once; None: as the model was trained.
        data: for images: a folder to compare with; None: the images of the run.
        samples: N, number of samples; None: the size of the test split, up to a limit given in docs/metrics.md.
        legacy: use the published protocol: n-grams of 640 strings against the training lines.
        guesses: numbers of generated strings for the coverage of test lines; None: 10,000 and 100,000.
        orders: n-grams are measured for n = 1 .. orders; None: 8.
        c2st_steps: steps of the classifier two-sample test; 0 leaves it out; None: 500.
        refine: for text: measure only strings that the model's refiner accepts; see `refine`.
        seed: random seed of the latents and of all other random numbers.
        baseline_seconds: for text: training time of the autoregressive baseline, in seconds of one nominal core; 0
            leaves it out; None: 30. It is trained once per corpus and cached.
        temperatures: for text: also draw strings at these temperatures, to compare likelihood with variety.
        valid: for text: name of a validator, to measure the share of valid strings.
        best: use the model of the best evaluation instead of the latest; needs a run folder.
        device: "auto", "cpu", "cuda" or "mps". A loaded model stays on its device.
        plugins: plugin files that the model needs, as for `Model.load`.
        on_step: called with a description of the current step and the share of it that is done.
        on_bytes: called with the number of bytes of the corpus read so far.

    Raises:
        ConfigError: a number out of bounds, an option for another kind of data, an unavailable device, or a plugin that
            cannot be loaded.
        PluginError: the model needs a plugin that is not among them.
        CheckpointError: no such model, or the data of its run is missing and no other data is given.
        CorpusError: `corpus` or `data` cannot be read, or the model knows none of its characters.
    """
    question = EvalOptions(
        corpus=corpus,
        data=None if data is None else Path(data),
        weights=weights,
        samples=samples,
        legacy=legacy,
        guesses=None if guesses is None else tuple(guesses),
        orders=orders,
        c2st_steps=c2st_steps,
        refine=refine,
        seed=seed,
        baseline_seconds=baseline_seconds,
        temperatures=None if temperatures is None else tuple(temperatures),
        valid=valid,
    )
    question.check()
    load_plugins(plugins)
    opened = open_model(model, best=best, device=device)
    adapter = adapter_for(opened.model.config)
    if refine and adapter.has_strings:
        opened = replace(opened, model=opened.model.refined())
    return adapter.evaluate(opened, question, on_step, on_bytes)


def open_model(model: Model | str | Path, *, best: bool, device: str) -> LoadedModel:
    """Load a model from a run folder or a file, or use a loaded one. Raises ConfigError and CheckpointError."""
    if isinstance(model, Model):
        if best:
            raise ConfigError("best needs a run folder, but this model is already loaded", "load it with best=True")
        return LoadedModel(model=model, label="the model", run=None)
    path = Path(model)
    loaded = Model.load(path, device=device, best=best)
    return LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)
