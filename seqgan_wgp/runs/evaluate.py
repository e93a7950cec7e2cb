"""Evaluation: a trained model, the data that it is measured against, and the measures of its mode.

Everything is measured against the test half, which chose nothing.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ..errors import CheckpointError, ConfigError, CorpusError
from ..images import dataset as collections
from ..images.dataset import IMAGES, Collection
from ..images.domain import ImageDomain, ImageSpec
from ..images.evaluation import evaluate as evaluate_images
from ..images.mnist import find_images
from ..model import Model
from ..text.corpus.dataset import IDS, Corpus, open_corpus
from ..text.domain import TextSpec
from ..text.evaluation.evaluate import evaluate as evaluate_text
from ..text.evaluation.options import TextEvalOptions
from ..text.evaluation.prepare_corpus import encode_for_model
from ..text.readers.open import Source, open_source
from ..text.readers.reader import OnBytes
from ..toy.domain import ToyDomain, ToySpec
from ..toy.evaluation import evaluate as evaluate_toy

GUESSES = 10_000, 100_000
"""Generated strings after which the held-out strings among them are counted, unless told otherwise."""

BASELINE_SECONDS = 30.0
"""Budget of the autoregressive baseline, unless told otherwise."""

ORDERS = 6
"""N-grams are measured for n = 1 .. so many, unless told otherwise, and at most."""

Text: TypeAlias = Source | str | Path | Sequence[str] | Sequence[str | Path]
OnStep: TypeAlias = Callable[[str, float], None]
"""Called now and then with what is being done, and which share of that is done."""


class Evaluation(Protocol):
    """What an evaluation found; each mode has its own."""

    @property
    def summary(self) -> tuple[str, ...]:
        """What it comes to, in a few sentences."""

    @property
    def method(self) -> str:
        """How it was measured, in one line."""

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """For each measure: its name, its value, what to hold it against, and what it means here."""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; docs/metrics.md says what each key is."""


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What is asked of an evaluation; None where it is left open."""

    corpus: Text | None = None
    data: Path | None = None
    samples: int | None = None
    legacy: bool = False
    guesses: tuple[int, ...] | None = None
    orders: int | None = None
    seed: int = 0
    baseline_seconds: float | None = None

    def check(self) -> None:
        """Raise ConfigError for a number out of bounds."""
        if self.samples is not None and self.samples < 1:
            raise ConfigError(f"--samples is {self.samples}, but it must be at least 1")
        if self.samples is not None and self.legacy:
            raise ConfigError("--samples does not go with --legacy, which always takes 640", "leave one of them out")
        if self.orders is not None and not 1 <= self.orders <= ORDERS:
            raise ConfigError(f"--orders is {self.orders}, but it must be 1 to {ORDERS}")
        for number in self.guesses or ():
            if number < 1:
                raise ConfigError(f"--guesses is {number}, but it must be at least 1")
        if self.baseline_seconds is not None and not 0 <= self.baseline_seconds < math.inf:
            raise ConfigError(
                f"--baseline-seconds is {self.baseline_seconds:g}, but it must be 0, for no baseline, or more"
            )
        if self.seed < 0:
            raise ConfigError(f"--seed is {self.seed}, but it must not be negative")

    def refuse(self, kind: str, *names: str) -> None:
        """Raise ConfigError when one of the named things is given, which a model of this kind has no use for."""
        for name in names:
            if getattr(self, name):
                option = "CORPUS" if name == "corpus" else f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} is not for a model of {kind}", "leave it out")


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A trained model that has been loaded."""

    model: Model
    label: str
    """What messages call it."""

    run: Path | None
    """Its run's folder, where it was named by that."""


def evaluate(
    model: Model | str | Path,
    corpus: Text | None = None,
    *,
    data: str | Path | None = None,
    samples: int | None = None,
    legacy: bool = False,
    guesses: Sequence[int] | None = None,
    orders: int | None = None,
    seed: int = 0,
    baseline_seconds: float | None = None,
    best: bool = False,
    device: str = "auto",
    on_step: OnStep = lambda _what, _share: None,
    on_bytes: OnBytes = lambda _bytes: None,
) -> Evaluation:
    """Measure a trained model against the test half of its data, which chose nothing.

    Args:
        model: a run's folder, a model file, or a loaded model.
        corpus: of a model of text: what it is measured against, as `train` takes it; None: what its run prepared.
        data: of a model of images: a folder with others than its run's.
        samples: N, items generated; None: one for each item of the test half, at most a number that docs/metrics.md
            says.
        legacy: measure n-grams as published: 640 strings against the training lines.
        guesses: numbers of strings after which held-out ones among them are counted; None: GUESSES.
        orders: n-grams are measured for n = 1 .. orders; None: ORDERS.
        seed: of the latents, and of all that is drawn for comparison.
        baseline_seconds: of text, budget of the autoregressive baseline, in seconds of one nominal core; 0: leave it
            out; None: BASELINE_SECONDS. It is trained once for a corpus and kept in the cache.
        best: take the model of the best evaluation in place of the latest; for a run's folder.
        device: "auto", "cpu", "cuda" or "mps"; of a loaded model, where it is.
        on_step: told what is being done and which share of that is done.
        on_bytes: told how much of a corpus has been read.

    Raises:
        ConfigError: a number out of bounds, something that the model's kind has no use for, or no such device.
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
        seed=seed,
        baseline_seconds=baseline_seconds,
    )
    question.check()
    opened = _opened(model, best=best, device=device)
    return _MODES[opened.model.config.domain](opened, question, on_step, on_bytes)


def _opened(model: Model | str | Path, *, best: bool, device: str) -> LoadedModel:
    if isinstance(model, Model):
        if best:
            raise ConfigError("best is for a run's folder, and this model is loaded already", "load the other one")
        return LoadedModel(model=model, label="the model", run=None)
    path = Path(model)
    loaded = Model.load(path, device=device, best=best)
    return LoadedModel(model=loaded, label=str(path), run=path if path.is_dir() else None)


def _text(opened: LoadedModel, question: EvalOptions, on_step: OnStep, on_bytes: OnBytes) -> Evaluation:
    question.refuse("text", "data")
    model, spec = opened.model, opened.model.spec
    assert isinstance(spec, TextSpec)
    asked = TextEvalOptions(
        samples=question.samples,
        legacy=question.legacy,
        guesses=tuple(sorted(set(question.guesses or GUESSES))),
        orders=question.orders or ORDERS,
        seed=question.seed,
        baseline_seconds=BASELINE_SECONDS if question.baseline_seconds is None else question.baseline_seconds,
    )
    with _corpus(opened, spec, question.corpus, on_bytes) as corpus:
        same = corpus.facts.sha256 == spec.facts["sha256"]
        return evaluate_text(model, corpus, asked, same_corpus=same, on_step=on_step)


@contextlib.contextmanager
def _corpus(opened: LoadedModel, spec: TextSpec, named: Text | None, on_bytes: OnBytes) -> Iterator[Corpus]:
    """Give the text to measure against: the one that is named, else what the run prepared."""
    if named is not None:
        source = named if isinstance(named, Source) else open_source(named)
        with encode_for_model(spec, opened.model.config.corpus, source, on_bytes) as corpus:
            yield corpus
        return
    if opened.run is None or not (opened.run / IDS).is_file():
        gone = f"its lines ({IDS}) are gone" if opened.run else "a model without its run has no lines"
        raise CheckpointError(f"{opened.label}: {gone}", "name the text to measure it against: evaluate MODEL CORPUS")
    yield open_corpus(opened.run)


def _images(opened: LoadedModel, question: EvalOptions, on_step: OnStep, _on_bytes: OnBytes) -> Evaluation:
    question.refuse("images", "corpus", "legacy", "guesses", "orders", "baseline_seconds")
    model, spec = opened.model, opened.model.spec
    assert isinstance(spec, ImageSpec)
    collection = _collection(opened, question.data)
    if collection.facts.shape != spec.facts.shape:
        shapes = " and ".join(" x ".join(map(str, facts.shape)) for facts in (spec.facts, collection.facts))
        raise CorpusError(
            f"{question.data}: images of the model and of the folder differ in channels, height or width: {shapes}",
            "name a folder with images like those that it was trained on",
        )
    return evaluate_images(
        ImageDomain(collection, model.config, model.device),
        lambda count: model.samples(count, seed=question.seed),
        samples=question.samples,
        same_data=collection.facts.sha256 == spec.facts.sha256,
        on_step=on_step,
    )


def _collection(opened: LoadedModel, data: Path | None) -> Collection:
    """Return the images to measure against: those of a folder that is named, else the run's own."""
    if data is not None:
        return collections.read(find_images(data), opened.model.config.images, data.resolve().name)
    if opened.run is None or not (opened.run / IMAGES).is_file():
        gone = f"its images ({IMAGES}) are gone" if opened.run else "a model without its run has no images"
        raise CheckpointError(f"{opened.label}: {gone}", "name the folder to measure it against: --data DIR")
    return collections.open_collection(opened.run)


def _points(opened: LoadedModel, question: EvalOptions, on_step: OnStep, _on_bytes: OnBytes) -> Evaluation:
    question.refuse("points", "corpus", "data", "legacy", "guesses", "orders", "baseline_seconds")
    model, spec = opened.model, opened.model.spec
    assert isinstance(spec, ToySpec)
    return evaluate_toy(
        ToyDomain(spec.facts, model.config, model.device),
        lambda count: model.samples(count, seed=question.seed),
        samples=question.samples,
        on_step=on_step,
    )


_MODES: dict[str, Callable[[LoadedModel, EvalOptions, OnStep, OnBytes], Evaluation]] = {
    "text": _text,
    "image": _images,
    "toy": _points,
}
"""Kind of data -> how a model of it is evaluated."""
