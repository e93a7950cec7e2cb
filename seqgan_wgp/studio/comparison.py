"""Compare models and baselines in the studio: their strings, and their distances from real ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ..errors import ConfigError
from ..runs.evaluate import evaluate
from ..text.adapter import BASELINE_SECONDS, corpus_for
from ..text.corpus.dataset import Corpus
from ..text.evaluation.autoregressive import baseline
from ..text.metrics.markov import MarkovChain
from ..training.adapter import LoadedModel
from ..utils.progress import OnStep, ignore_bytes, ignore_step
from .catalogue import Catalogue

MAX_MODELS, STRINGS, SAMPLES, ORDER = 4, 20, 2_000, 3
_FITTED_ROWS = 200_000
_MEASURES = ("js", "unique", "novel")
_COLUMNS = ("model", "JS-4 over its floor", "unique", "novel")


@final
@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """The comparison of some models."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    """A row for each model, and for real lines and the baselines of each corpus, with the cells of `columns`."""

    strings: dict[str, list[str]]
    """Name -> the first strings, unselected."""


def side_by_side(
    catalogue: Catalogue, names: list[str], *, autoregressive: bool = False, on_step: OnStep = ignore_step
) -> SideBySide:
    """Measure models on the test lines of their corpora, next to real lines, Markov chains and an autoregressive model.

    Args:
        catalogue: where the models are.
        names: of models that `Catalogue.comparable` lists, 1 to MAX_MODELS.
        autoregressive: also show the autoregressive baseline, which is trained once for a corpus and cached.
        on_step: called with a description of the current step and the share of it that is done.

    Raises:
        ConfigError: too few or too many, or a model whose corpus is not there.
    """
    if not 1 <= len(names) <= MAX_MODELS:
        raise ConfigError(f"{len(names)} models are chosen", f"choose 1 to {MAX_MODELS}")
    known = catalogue.comparable()
    rows: list[list[str]] = []
    strings: dict[str, list[str]] = {}
    baselines: dict[str, list[list[str]]] = {}
    seconds = BASELINE_SECONDS if autoregressive else 0.0
    for name in names:
        place = catalogue.place(name)
        if name not in known:
            raise ConfigError(
                f"{name} is a bare model file, without test lines",
                "choose a model with its run folder, or a bundled one",
            )
        on_step(f"evaluating {name}", 0.0)
        found = evaluate(
            place,
            samples=SAMPLES,
            guesses=(SAMPLES,),
            orders=4,
            c2st_steps=0,
            baseline_seconds=seconds,
            best=_has_best(place),
            on_step=on_step,
        ).to_json()
        rows.append(_row(name, found, found["js_floor"][-1]))
        corpus = found["corpus"]["name"]
        if corpus not in baselines:
            baselines[corpus] = list(_baseline_rows(corpus, found))
            strings |= _baseline_strings(catalogue, name, corpus, seconds)
        strings[name] = catalogue.model(name).generate(STRINGS)
    return SideBySide(
        columns=_COLUMNS,
        rows=rows + [row for several in baselines.values() for row in several],
        strings=dict(sorted(strings.items(), key=lambda item: item[0] not in names)),
    )


def _baseline_rows(corpus: str, found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield a row for real lines, each Markov chain, and the autoregressive baseline, if any."""
    floor = found["js_floor"][-1]
    yield [f"real lines of {corpus}", "0.0000", f"{found['unique_floor']:.1%}", ""]
    for order in found["js_markov"]:
        yield _row(f"Markov chain of order {order}", {of: found[f"{of}_markov"][order] for of in _MEASURES}, floor)
    if "js_autoregressive" in found:
        yield _row("autoregressive baseline", {of: found[f"{of}_autoregressive"] for of in _MEASURES}, floor)


def _row(name: str, found: dict[str, Any], floor: float) -> list[str]:
    return [name, f"{found['js'][-1] - floor:.4f}", f"{found['unique']:.1%}", f"{found['novel']:.1%}"]


def _has_best(place: Path) -> bool:
    return (place / "best.safetensors").is_file()


def _baseline_strings(catalogue: Catalogue, name: str, corpus: str, seconds: float) -> dict[str, list[str]]:
    """Return the first strings of a Markov chain, and of the autoregressive baseline if it has a budget."""
    model = catalogue.model(name)
    opened = LoadedModel(model=model, label=name, run=catalogue.run(name))
    with corpus_for(opened, model.text_spec("the studio"), None, ignore_bytes) as text:
        found = {f"Markov chain of order {ORDER} ({corpus})": _markov_strings(text)}
        if seconds:
            found[f"autoregressive baseline ({corpus})"] = _autoregressive_strings(text, seconds)
    return found


def _markov_strings(corpus: Corpus) -> list[str]:
    chain = MarkovChain.fit([corpus.train.apart()[:_FITTED_ROWS]], corpus.vocabulary.size, ORDER)
    return corpus.vocabulary.decode(chain.sample(STRINGS, corpus.facts.length, seed=0))


def _autoregressive_strings(corpus: Corpus, seconds: float) -> list[str]:
    (block_NL,) = baseline(corpus, seconds).samples(STRINGS, seed=0)
    return corpus.vocabulary.decode(block_NL)
