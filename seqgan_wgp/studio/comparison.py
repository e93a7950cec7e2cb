"""Models and Markov chains side by side: their strings, and how far they are from real ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from ..errors import ConfigError
from ..runs.evaluate import evaluate
from ..text.corpus.dataset import open_corpus
from ..text.metrics.markov import MarkovChain
from .catalogue import Catalogue

MODELS_MOST, STRINGS, SAMPLES, ORDER = 4, 20, 2_000, 3
_FITTED_ROWS = 200_000
_COLUMNS = ("model", "JS-4 over its floor", "unique", "novel")


@final
@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """The comparison of some models."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    """A row for each model, for real lines and for Markov chains of each corpus, with the cells of `columns`."""

    strings: dict[str, list[str]]
    """Name -> the first strings, unselected."""


def side_by_side(catalogue: Catalogue, names: list[str]) -> SideBySide:
    """Measure models on the test lines of their runs, next to real lines and Markov chains.

    Args:
        catalogue: where the models are.
        names: of runs in it, 1 to MODELS_MOST.

    Raises:
        ConfigError: too few or too many, or a model without its run, whose lines are needed.
    """
    if not 1 <= len(names) <= MODELS_MOST:
        raise ConfigError(f"{len(names)} models are chosen", f"choose 1 to {MODELS_MOST}")
    rows: list[list[str]] = []
    strings: dict[str, list[str]] = {}
    baselines: dict[str, list[list[str]]] = {}
    for name in names:
        run = catalogue.run(name)
        if run is None:
            raise ConfigError(f"{name} is a bare model file, without test lines", "choose models with their run folder")
        model = catalogue.model(name)
        found = evaluate(
            run, samples=SAMPLES, guesses=(SAMPLES,), orders=4, c2st_steps=0, baseline_seconds=0, best=_has_best(run)
        ).to_json()
        floor = found["js_floor"][-1]
        rows.append(_row(name, found["js"][-1] - floor, found["unique"], found["novel"]))
        corpus = found["corpus"]["name"]
        if corpus not in baselines:
            baselines[corpus] = [_row(f"real lines of {corpus}", 0.0, found["unique_floor"], None)]
            for order, js in found["js_markov"].items():
                unique, novel = found["unique_markov"][order], found["novel_markov"][order]
                baselines[corpus].append(_row(f"Markov chain of order {order}", js[-1] - floor, unique, novel))
            strings[f"Markov chain of order {ORDER} ({corpus})"] = _markov_strings(run)
        strings[name] = model.generate(STRINGS)
    return SideBySide(
        columns=_COLUMNS,
        rows=rows + [row for several in baselines.values() for row in several],
        strings=dict(sorted(strings.items(), key=lambda item: item[0] not in names)),
    )


def _row(name: str, js: float, unique: float, novel: float | None) -> list[str]:
    return [name, f"{js:.4f}", f"{unique:.1%}", "" if novel is None else f"{novel:.1%}"]


def _has_best(run: Path) -> bool:
    return (run / "best.safetensors").is_file()


def _markov_strings(run: Path) -> list[str]:
    corpus = open_corpus(run)
    size = corpus.vocabulary.size
    chain = MarkovChain.fit([corpus.train.apart()[:_FITTED_ROWS]], size, ORDER)
    return corpus.vocabulary.decode(chain.sample(STRINGS, corpus.facts.length, seed=0))
