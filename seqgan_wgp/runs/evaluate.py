"""Evaluate a trained model on the test split of its data, which was not used for any choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from .. import config as configs
from ..domains import DOMAINS
from ..errors import ConfigError
from ..model import Model
from ..registry import load_plugins
from ..text.adapter import evaluation_options
from ..text.evaluation.evaluate_strings import evaluate_strings
from ..text.metrics.coverage import powers_of_ten
from ..text.readers.open import Source, open_source
from ..training.adapter import EvalOptions, Evaluation, LoadedModel
from ..utils.devices import pick_device
from ..utils.progress import OnBytes, OnStep, ignore_bytes, ignore_step

StringsFiles: TypeAlias = str | Path | Sequence[str | Path] | Mapping[str, str | Path | Sequence[str]]
"""Files of strings, by their paths or by names for them."""

_EITHER = "give a MODEL, or --strings FILE with --reference CORPUS"


def evaluate(
    model: Model | str | Path | None = None,
    corpus: Any = None,
    *,
    strings: StringsFiles | None = None,
    reference: Any = None,
    data: str | Path | None = None,
    weights: str | None = None,
    samples: int | None = None,
    legacy: bool = False,
    guesses: Sequence[int] | None = None,
    hits: int | None = None,
    orders: int | None = None,
    c2st_steps: int | None = None,
    refine: bool = False,
    seed: int = 0,
    baseline_seconds: float | None = None,
    temperatures: Sequence[float] | None = None,
    valid: str | None = None,
    log_probability: bool = False,
    best: bool = False,
    device: str = "auto",
    plugins: Sequence[str | Path] = (),
    on_step: OnStep = ignore_step,
    on_bytes: OnBytes = ignore_bytes,
) -> Evaluation:
    """Evaluate a trained model, or files of strings, on the test split of data, which was not used for any choice.

    Args:
        model: a run folder, a model file, or a loaded model. None: `strings` are evaluated.
        corpus: for text: the corpus to compare with, as for `train`; None: the corpus of the run, or the bundled
            corpus that the model was trained on.
        strings: instead of a model: one or several files with a string per line, as a path, paths, or name -> path or
            list of strings; they stand side by side.
        reference: with `strings`: the corpus to compare with, as for `train`, which splits it in the same way.
        weights: for text: the column of counts in `corpus` or `reference`; "none": each string once; None: as the model
            was trained.
        data: for images: a folder to compare with; None: the images of the run.
        samples: N, number of samples; None: the size of the test split, up to a limit given in docs/metrics.md.
        legacy: use the published protocol: n-grams of 640 strings against the training lines.
        guesses: numbers of generated strings for the coverage of test lines; None: 10,000 and 100,000.
        hits: the same as a curve: at each power of ten from 10,000 to this number.
        orders: n-grams are measured for n = 1 .. orders; None: 8.
        c2st_steps: steps of the classifier two-sample test; 0 leaves it out; None: 500.
        refine: for text: measure only strings that the model's refiner accepts; see `refine`.
        seed: random seed of the latents and of all other random numbers.
        baseline_seconds: for text: training time of the autoregressive baseline, in seconds of one nominal core; 0
            leaves it out; None: 30. It is trained once per corpus and cached.
        temperatures: for text: also draw strings at these temperatures, to compare likelihood with variety.
        valid: for text: name of a validator, to measure the share of valid strings.
        log_probability: for text: measure the log probability of at most 1,000 test lines under the model, and of as
            many training lines; see `Model.log_probability`.
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
        weights=None if strings is not None else weights,
        samples=samples,
        legacy=legacy,
        guesses=(*(guesses or ()), *(() if hits is None else powers_of_ten(hits))) or None,
        orders=orders,
        c2st_steps=c2st_steps,
        refine=refine,
        seed=seed,
        baseline_seconds=baseline_seconds,
        temperatures=None if temperatures is None else tuple(temperatures),
        valid=valid,
        log_probability=log_probability,
    )
    question.check()
    load_plugins(plugins)
    if strings is not None or reference is not None:
        _check_strings_alone(model, question, strings, reference, best=best)
        asked, place = evaluation_options(question), pick_device(device)
        sources, compared = _opened(strings), _source(reference)
        settings = configs.recipe("fast", configs.given("corpus", weights=weights)).corpus
        return evaluate_strings(sources, compared, settings, asked, device=place, on_step=on_step, on_bytes=on_bytes)
    if model is None:
        raise ConfigError("there is nothing to evaluate", _EITHER)
    opened = open_model(model, best=best, device=device)
    adapter = DOMAINS[opened.model.config.domain]
    if log_probability and isinstance(opened.model, Model):
        opened.model.refuse_labels("--log-probability")
    if refine and adapter.has_strings:
        opened = replace(opened, model=opened.model.refined())
    return adapter.evaluate(opened, question, on_step, on_bytes)


def _check_strings_alone(model: Any, question: EvalOptions, strings: Any, reference: Any, *, best: bool) -> None:
    """Raise ConfigError where files of strings are evaluated together with what only a model has."""
    if strings is None or reference is None:
        given, lacks = ("--strings", "--reference") if reference is None else ("--reference", "--strings")
        raise ConfigError(f"{given} is given without {lacks}", _EITHER)
    if model is not None or question.corpus is not None:
        raise ConfigError(
            "--strings evaluates files without a model, but MODEL is given too",
            "leave MODEL out; to compare with a model, generate its strings into a file first: generate MODEL -o FILE",
        )
    for option, value in {
        "--best": best, "--refine": question.refine, "--temperatures": question.temperatures, "--data": question.data,
        "--log-probability": question.log_probability,
    }.items():  # fmt: skip
        if value:
            raise ConfigError(f"{option} needs a model, but --strings is given", "leave one of the two out")


def _opened(strings: Any) -> dict[str, Source]:
    """Return what each file is called, its path where two names are equal, and its source."""
    if isinstance(strings, Mapping):
        return {str(label): _source(one) for label, one in strings.items()}
    sources = [_source(one) for one in ([strings] if isinstance(strings, str | Path) else strings)]
    if not sources:
        raise ConfigError("strings is empty", "name at least one file")
    names = [Path(source.label).name for source in sources]
    labels = [name if names.count(name) == 1 else source.label for name, source in zip(names, sources, strict=True)]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"{label} is named twice", "name each file once")
    return dict(zip(labels, sources, strict=True))


def _source(named: Any) -> Source:
    return named if isinstance(named, Source) else open_source(named)


def open_model(model: Model | str | Path, *, best: bool, device: str) -> LoadedModel:
    """Load a model from a run folder or a file, or use a loaded one. Raises ConfigError and CheckpointError."""
    loaded = load_model(model, best=best, device=device)
    if isinstance(model, Model):
        return LoadedModel(model=loaded, label="the model", run=None)
    path = Path(model)
    return LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)


def load_model(model: Model | str | Path, *, best: bool, device: str) -> Model:
    """Load a model, or return a loaded one as it is. Raises ConfigError and CheckpointError."""
    if not isinstance(model, Model):
        return Model.load(model, device=device, best=best)
    if best:
        raise ConfigError("best needs a run folder, but this model is already loaded", "load it with best=True")
    return model
