"""Plans: which trials of an ablation are run, and in which order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial

from benchmarks.factors import CONTEXT, FACTORS, FAST, FIRST, WINNERS, Entry, both

CORPORA: dict[str, tuple[str, Entry]] = {
    "names": ("names/names.txt", {"corpus.length": 16}),
    "cities": ("cities/world_cities.txt", {"corpus.length": 24}),
    "lm1b": ("lm1b/1b_benchmark.dev.tokens", {"corpus.length": 32, "corpus.layout": "lines"}),
}
"""Name -> file below the data folder, and settings: all recipes on a corpus see rows of one length."""

OTHERS: dict[str, tuple[str, Entry]] = {
    "captions": ("captions/train_image_coco.txt", {"corpus.length": 32, "corpus.layout": "lines"}),
    "passwords": ("passwords/zxcvbn_passwords.txt", {"corpus.length": 16}),
}
"""The same for corpora that only some plans have."""

MOLECULES: dict[str, tuple[str, Entry]] = {"qm9": ("smiles/qm9.txt", {"corpus.length": 24})}
"""The same for corpora of molecules, whose strings a program can tell to be valid."""

FILES = CORPORA | MOLECULES | OTHERS
"""All of them."""

BASE_PLACES = (0, 1, 12, 30)
"""Places of the base's runs in the plan of factors, a seed each. Their spread is what a difference is judged by, and
that they are not all at the start shows whether the machine became slower."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training to measure."""

    corpus: str
    name: str
    recipe: str = "fast"
    settings: Entry = field(default_factory=dict)
    variation: str = ""
    seed: int = 0
    minutes: float
    """Of processor time in training, evaluations not counted."""

    rounds_most: int = 0
    """0 stands for any number."""

    @property
    def key(self) -> str:
        """What makes it this trial, its name aside; as text."""
        facts = asdict(self)
        del facts["name"]
        return json.dumps(facts, sort_keys=True)


def trial(corpus: str, name: str, entry: Entry, *, seed: int, minutes: float, rounds_most: int = 0) -> Trial:
    """Return an entry of a plan as a trial on a corpus."""
    settings = {key: value for key, value in entry.items() if key not in ("recipe", "variation")}
    return Trial(
        corpus=corpus,
        name=name,
        recipe=entry.get("recipe", "fast"),
        settings=FILES[corpus][1] | settings,
        variation=entry.get("variation", ""),
        seed=seed,
        minutes=minutes,
        rounds_most=rounds_most,
    )


def around(base: Entry, now: Entry, minutes: float) -> list[Trial]:
    """Return one factor at a time with one seed, and the base with several between them, all on names.

    Args:
        base: settings on top of `fast`.
        now: what the base has in the settings that the ablation changed; an entry that changes nothing is left out.
        minutes: of each trial.
    """
    trials = [
        trial("names", f"{factor}: {value}", base | entry, seed=0, minutes=minutes)
        for factor, values in FACTORS.items()
        for value, entry in values.items()
        if now | entry != now
    ]
    for seed, place in enumerate(BASE_PLACES):
        trials.insert(place, trial("names", "base", base, seed=seed, minutes=minutes))
    return trials


def winners(minutes: float) -> list[Trial]:
    """Return what did best, with three seeds on all corpora."""
    return [
        trial(corpus, name, FIRST | entry, seed=seed, minutes=minutes)
        for seed in range(3)
        for corpus in CORPORA
        for name, entry in {"base": {}, **WINNERS}.items()
    ]


def context(minutes: float) -> list[Trial]:
    """Return what lets the networks see whole strings, with three seeds on five corpora."""
    return [
        trial(corpus, name, entry, seed=seed, minutes=minutes)
        for seed in range(3)
        for corpus in ("names", "qm9", "cities", "captions", "passwords")
        for name, entry in CONTEXT.items()
    ]


PAPER_MINUTES = 10.0
"""Of two cores, after which `paper` is what `fast` is compared with."""

NARROW = {
    "names": {64: 1_450, 128: 475},
    "cities": {64: 870, 128: 370},
    "lm1b": {64: 650, 128: 275},
}
"""Corpus -> width -> rounds that `paper` does in PAPER_MINUTES, a little more (`benchmarks.time_to_quality pace`)."""


def published(minutes: float) -> list[Trial]:
    """Return the published recipe on all corpora, for no more rounds than needed: width 64 thrice, width 128 once."""

    def narrow(corpus: str, width: int, seed: int) -> Trial:
        entry = {"recipe": "paper", **both("width", width)}
        rounds = NARROW[corpus][width]
        return trial(corpus, f"paper, width {width}", entry, seed=seed, minutes=minutes, rounds_most=rounds)

    thrice = [narrow(corpus, 64, seed) for seed in range(3) for corpus in CORPORA]
    return [*thrice, *(narrow(corpus, 128, 0) for corpus in CORPORA)]


def default(minutes: float) -> list[Trial]:
    """Return the default with three seeds on all corpora: for so long on names, a fifth of it on the others."""
    return [
        trial(corpus, "fast", {}, seed=seed, minutes=minutes if corpus == "names" else minutes / 5)
        for seed in range(3)
        for corpus in CORPORA
    ]


PLANS: dict[str, tuple[Callable[[float], list[Trial]], float]] = {
    "factors": (partial(around, {}, FAST), 1.0),
    "first": (partial(around, FIRST, FIRST), 1.5),
    "winners": (winners, 1.0),
    "context": (context, 5.0),
    "published": (published, 30.0),
    "default": (default, 5.0),
}
"""Name -> minutes -> trials, in the order in which they are run; and the minutes if none are given."""
