"""Evaluate the strings of any files against a corpus: the measures of a model, without a model.

Shape suffixes: N measured strings, L length.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch

from ...config.schema import CorpusSettings
from ...errors import ConfigError
from ...training.adapter import EvalTable, MeasureRow
from ...utils.progress import OnBytes, OnStep, ignore_bytes, ignore_step
from ..corpus.dataset import Corpus, prepare
from ..corpus.scan import scan
from ..readers.open import Source
from ..vocabulary import mask_after_pad
from .baselines import Bench
from .evaluate import MeasuredStrings, TextEvaluation, measure_strings
from .options import TextEvalOptions
from .strings_file import MIN_CLASSIFIED, StringsFile, read_strings
from .tables import profiles_table
from .two_sample_test import MAX_TESTED, TwoSampleTest


@final
@dataclass(frozen=True, kw_only=True)
class StringsEvaluation:
    """The evaluations of one or several files of strings, all by the same number of strings; at least one."""

    found: Mapping[str, TextEvaluation]
    """What the file is called -> its evaluation."""

    @property
    def _first(self) -> TextEvaluation:
        return next(iter(self.found.values()))

    @property
    def summary(self) -> tuple[str, ...]:
        """The main results in a few sentences; of several files, each with the file's name."""
        if len(self.found) == 1:
            return self._first.summary
        return tuple(
            sentence if sentence in one.remarks else f"{label}: {sentence}"
            for label, one in self.found.items()
            for sentence in one.summary
        )

    @property
    def method(self) -> str:
        """How it was measured, in one line."""
        return self._first.method

    @property
    def rows(self) -> list[MeasureRow]:
        """The measures of a single file; those of several stand side by side in `tables`."""
        return self._first.rows if len(self.found) == 1 else []

    @property
    def tables(self) -> tuple[EvalTable, ...]:
        """The measures of several files side by side, and their n-grams; of a single one the tables of a model."""
        if len(self.found) == 1:
            return self._first.tables
        return self._side_by_side(), self._profiles_table()

    def _side_by_side(self) -> EvalTable:
        values: dict[str, dict[str, str]] = {}
        beside: dict[str, str] = {}
        for label, one in self.found.items():
            for name, value, compared, _meaning in one.rows:
                values.setdefault(name, {})[label] = value
                beside.setdefault(name, compared)
        rows = tuple((name, *(of.get(label, "") for label in self.found), beside[name]) for name, of in values.items())
        return EvalTable(head=("measure", *self.found, "compare with"), rows=rows)

    def _profiles_table(self) -> EvalTable:
        first, *others = self.found
        profiles = {label: self.found[label].profiles.model for label in others}
        return profiles_table(self._first.profiles, first, profiles)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: for each file those of a model; docs/metrics.md explains the keys."""
        return {"domain": "text", "strings": {label: one.to_json() for label, one in self.found.items()}}


def evaluate_strings(
    sources: Mapping[str, Source],
    reference: Source,
    settings: CorpusSettings,
    asked: TextEvalOptions,
    *,
    device: torch.device,
    on_step: OnStep = ignore_step,
    on_bytes: OnBytes = ignore_bytes,
) -> StringsEvaluation:
    """Evaluate the strings of files on the test split of a reference corpus.

    The reference is split as `train` splits it, so a model of the same corpus has the same test split and floors.
    JS-n and most other measures depend on the number of strings, so all files are measured by the same number: that of
    the test split, or less where a file has fewer. A file with more strings is sampled at random. Hits are of the first
    strings in the order of the file; numbers of guesses that a file does not reach are left out.

    Args:
        sources: what a file is called -> its strings, one per line.
        reference: the corpus that they are held against.
        settings: how the reference is read and split.
        asked: what to measure.
        device: where classifiers are trained.
        on_step: called with a description of the current step and the share of it that is done.
        on_bytes: called with the number of bytes of the reference read so far.

    Raises:
        ConfigError: a file has fewer strings than are asked for, or the reference is running text.
        CorpusError: a file or the reference cannot be read.
    """
    found = scan(reference, settings, on_bytes)
    if found.facts.windows > 1:
        raise ConfigError(
            f"{reference.label} is running text, whose windows are not lines of a file",
            "pass a reference with one string per line",
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        corpus = prepare(found, Path(folder), on_bytes)
        files = []
        for label, source in sources.items():
            on_step(f"reading {label}", 0.0)
            files.append(read_strings(source, found.settings, corpus, label))
        guesses = tuple(sorted({number for file in files for number in _reached(file, asked)}))
        count = _count(files, corpus, asked)
        asked = replace(asked, samples=None if asked.legacy else count, guesses=guesses)
        bench = Bench(corpus=corpus, asked=asked, on_step=on_step)
        tested = min(bench.n, len(bench.test_RL), MAX_TESTED, *(len(file.ids_ML) // 3 for file in files))
        return StringsEvaluation(found={file.label: _evaluated(file, bench, tested, device) for file in files})


def _count(files: list[StringsFile], corpus: Corpus, asked: TextEvalOptions) -> int:
    """Return N. Raises ConfigError when a file has fewer strings than were asked for."""
    wanted = asked.count(len(corpus.test_NL))
    fewest = min(files, key=lambda file: len(file.ids_ML))
    if asked.samples is None and not asked.legacy:
        return min(wanted, len(fewest.ids_ML))
    if len(fewest.ids_ML) < wanted:
        asking = "--legacy measures 640" if asked.legacy else f"--samples asks for {wanted:,}"
        raise ConfigError(f"{fewest.label} has {len(fewest.ids_ML):,} strings, but {asking}", "leave the option out")
    return wanted


def _evaluated(file: StringsFile, bench: Bench, tested: int, device: torch.device) -> TextEvaluation:
    def classified() -> TwoSampleTest | None:
        if len(file.ids_ML) < MIN_CLASSIFIED:
            return None
        strings_NL, others = file.split(tested, bench.asked.seed, device)
        return bench.two_sample_test(others, mask_after_pad(strings_NL))

    measured = MeasuredStrings(
        ids_NL=file.sample(bench.n, bench.asked.seed),
        guesses=[file.ids_ML],
        at=_reached(file, bench.asked),
        c2st=classified,
        subject=file.label,
        remarks=file.remarks,
    )
    return measure_strings(bench, measured)


def _reached(file: StringsFile, asked: TextEvalOptions) -> tuple[int, ...]:
    """Return the numbers of guesses that a file reaches, or the number of its strings if it reaches none."""
    return tuple(number for number in asked.guesses if number <= len(file.ids_ML)) or (len(file.ids_ML),)
