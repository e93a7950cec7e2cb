"""DomainAdapter for text: lines or running text, as characters or bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from .. import config as configs
from ..config import Config
from ..errors import CheckpointError, CorpusError
from ..registry import GENERATORS, UNITS, VALIDATORS
from ..training.adapter import MAX_ORDERS, CardData, DomainAdapter, EvalOptions, LoadedModel
from ..training.domain import DataSpec, Items
from ..training.report_data import ReportData
from ..training.trial import TrialData
from ..utils.bundled_models import bundled_model_of
from ..utils.progress import OnBytes, OnStep, Watch, ignore_bytes, unwatched
from .corpus import cache
from .corpus.auto_settings import MAX_SAMPLES, by_rule, sizes
from .corpus.dataset import DATA_FILES, IDS, Corpus, open_corpus, prepare
from .corpus.scan import Scan, check_labels, scan
from .corpus.stats import Facts, hex_finding
from .domain import TextDomain, TextSpec
from .evaluation.evaluate import TextEvaluation, evaluate_text
from .evaluation.options import TextEvalOptions
from .evaluation.prepare_corpus import encode_for_model, settings_for
from .evaluation.two_sample_test import STEPS
from .generation.formats import CSV_SAFE, FORMATS, HEADERS, write_lines
from .metrics.ngrams import NgramReference
from .readers.bundled import bundled_with
from .readers.column_spec import listed
from .readers.open import Source, open_bundled, open_inputs, open_source
from .recognition.recognise import check_kind, recognised, saying
from .report_data import text_report_data
from .vocabulary import Vocabulary

BASELINE_SECONDS = 30.0
"""Default training time of the autoregressive baseline."""

GUESSES = 10_000, 100_000
"""Default numbers of generated strings for the coverage of test lines."""

CorpusSource: TypeAlias = Source | str | Path | Sequence[str] | Sequence[str | Path]


@dataclass(frozen=True, kw_only=True)
class PreparedText:
    """A corpus that has been scanned."""

    source: Source
    facts: Facts
    scan: Scan | None
    """Result of the first pass; None if the corpus is cached by an earlier run."""

    key: str | None
    """Key in the cache."""

    stamp: tuple[tuple[int, ...], ...] = ()
    """Of its files when they were looked at; see `cache.stamp`."""

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.facts.name

    @property
    def label(self) -> str:
        """The corpus as the user named it."""
        return self.source.label

    @property
    def size(self) -> int | None:
        """Size of the corpus in bytes; None if unknown."""
        return self.source.size

    @property
    def sha256(self) -> str:
        """SHA-256 of the text."""
        return self.facts.sha256

    def summary(self) -> str:
        """Describe the corpus in one line, after a line for each note on the kind of file."""
        said = [saying(told) for told in self.source.sayings if told.level == "note"]
        if self.facts.hex_decoded:
            said.append("; ".join(hex_finding(self.facts.hex_decoded, decoded=True)))
        return "\n".join([*said, self.facts.summary()])

    def warnings(self) -> list[str]:
        """Return warnings for the user before training."""
        said = [saying(told) for told in self.source.sayings if told.level == "warning"]
        return [*said, *self.facts.warnings()]

    def decide(self, config: Config) -> Config:
        """Return the config with all automatic settings decided for this corpus."""
        return configs.override(config, by_rule(config, self.facts))

    def trial(self, config: Config) -> TrialData:
        """Return what trials of the machine need to know of the corpus; scores are those of unlike strings."""
        size = sizes(self.facts, config.corpus)
        spec = TextSpec(self.vocabulary, self.facts.length, {"labels": self.facts.labels})
        orders = min(config.evaluation.orders, self.facts.length)

        def score(samples: Items) -> list[float]:
            return NgramReference(samples, self.vocabulary.size, orders).divergences(samples)

        samples = config.evaluation.samples or min(size.held_out, MAX_SAMPLES)
        return TrialData(spec=spec, size=size.train, samples=samples, score=score)

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters."""
        return self.scan.vocabulary if self.scan is not None else open_corpus(self._kept()).vocabulary

    def _kept(self) -> Path:
        """Return where an earlier run has kept the corpus. Raises CorpusError where that is gone."""
        kept = cache.find(self.key)
        if kept is None:
            raise CorpusError(f"{self.source.label}: the cached corpus was deleted in the meantime", "try again")
        return kept

    def write(self, folder: Path, on_bytes: OnBytes) -> None:
        """Write ids, tokenizer and facts to a run folder."""
        if self.scan is not None:
            prepare(self.scan, folder, on_bytes)
            if cache.stamp(self.source) == self.stamp:
                cache.keep(self.key, folder)
            return
        cache.copy(self._kept(), folder, self.facts)


def scan_data(corpus: CorpusSource, config: Config, on_bytes: OnBytes = ignore_bytes) -> tuple[PreparedText, Config]:
    """Read a corpus once; return the result, and the config with all automatic settings decided."""
    source = recognised(corpus if isinstance(corpus, Source) else open_source(corpus), config.corpus)
    check_kind(source)
    stamp, key = cache.stamp(source), cache.key(source, config.corpus)
    kept = cache.find(key)
    if kept is None:
        scanned = scan(source, config.corpus, on_bytes)
        check_labels(scanned)
        found = PreparedText(source=source, facts=scanned.facts, scan=scanned, key=key, stamp=stamp)
    else:
        found = PreparedText(source=source, facts=cache.facts(kept, source), scan=None, key=key)
    return found, found.decide(config)


class TextAdapter(DomainAdapter):
    """Text: one-hot rows of characters or bytes."""

    name = "text"
    spec_type = TextSpec
    items = "strings"
    description = "A generator of character strings, and a critic that scores strings"
    recipe = "fast"
    recipe_hint = "for images use: seqgan-wgp mnist; for toy points: seqgan-wgp train toy:NAME"
    hub_task = "text-generation"
    hub_tags = ("character-level",)
    output_name = "probabilities"
    formats = tuple(name for name in FORMATS if name != CSV_SAFE)
    files = DATA_FILES
    has_strings = True

    def open_inputs(self, inputs: Sequence[str], data: Path | None = None) -> Source:
        """Return the source of the named files; see `readers.open.open_inputs`."""
        if data is not None:
            super().open_inputs(inputs, data)
        return open_inputs(inputs)

    def improvements(self, config: Config, run: Path) -> Sequence[str]:
        """Return what `refinement` does where it is not set: an n-gram model, and then a refiner."""
        has_likelihood = GENERATORS["text"][config.generator.network].has_likelihood
        if config.refinement.fuse or has_likelihood:
            return ()
        return (f"fuse {run}", f"refine {run} --minutes 2")

    def scan(self, source: CorpusSource, config: Config, watch: Watch = unwatched) -> PreparedText:
        """Read a corpus once: a path, a pattern of paths, a bundled name, strings, or a Source."""
        opened = source if isinstance(source, Source) else open_source(source)
        with watch(f"reading {opened.label}", opened.size) as on_bytes:
            return scan_data(opened, config, on_bytes)[0]

    def open(self, folder: Path, config: Config, device: torch.device) -> TextDomain:
        """Open the corpus stored in a run folder."""
        return TextDomain(open_corpus(folder), config, device)

    def evaluate(self, loaded: LoadedModel, options: EvalOptions, on_step: OnStep, on_bytes: OnBytes) -> TextEvaluation:
        """Measure a model on the test split of the given corpus, otherwise of its run's corpus."""
        options.refuse("text", "data")
        asked = evaluation_options(options, critic_trained=_critic_trained(loaded))
        spec = loaded.model.spec
        assert isinstance(spec, TextSpec)
        with corpus_for(loaded, spec, options.corpus, on_bytes, weights=options.weights) as corpus:
            same = corpus.facts.sha256 == spec.facts["sha256"]
            return evaluate_text(loaded.model, corpus, asked, same_corpus=same, on_step=on_step)

    def report_data(self, folder: Path, config: Config, samples: Items | None) -> ReportData:
        """Return real lines, lengths, characters, and distances to training lines for the report."""
        return text_report_data(folder, config, samples)

    def card_data(self, facts: Mapping[str, Any]) -> CardData:
        """Return facts about the corpus and the limitations for the model card."""
        corpus = Facts(**facts["corpus"])
        return CardData(name=corpus.name, rows=_card_rows(corpus), limits=_limits(measured=bool(facts.get("metrics"))))

    def write_samples(self, config: Config, spec: DataSpec, samples: Items, stem: Path) -> None:
        """Write the first samples as lines of a .txt file."""
        write_lines(config, spec, samples, stem)

    def lines(self, spec: DataSpec, parts: Iterable[Items], format_: str) -> Iterator[str]:
        """Yield strings as printable lines, JSON or CSV."""
        yield HEADERS.get(format_, "")
        for part in parts:
            yield from (FORMATS[format_](string) + "\n" for string in spec.to_text(part))


def evaluation_options(options: EvalOptions, *, critic_trained: bool = True) -> TextEvalOptions:
    """Return what to measure, with the defaults for text. Raises ConfigError for an unknown validator."""
    if options.valid is not None:
        VALIDATORS[options.valid].check(options.valid)  # before anything takes time
    return TextEvalOptions(
        samples=options.samples,
        legacy=options.legacy,
        guesses=tuple(sorted(set(options.guesses or GUESSES))),
        orders=options.orders or MAX_ORDERS,
        c2st_steps=STEPS if options.c2st_steps is None else options.c2st_steps,
        seed=options.seed,
        temperatures=tuple(options.temperatures or ()),
        valid=options.valid,
        log_probability=options.log_probability,
        critic_trained=critic_trained,
        baseline_seconds=BASELINE_SECONDS if options.baseline_seconds is None else options.baseline_seconds,
    )


def _critic_trained(loaded: LoadedModel) -> bool:
    """Return whether a model's critic was trained."""
    first = loaded.model.config.training.likelihood_steps
    return not first or int(loaded.model.facts.get("step", 0)) > first


@contextlib.contextmanager
def corpus_for(
    loaded: LoadedModel,
    spec: TextSpec,
    named: CorpusSource | None,
    on_bytes: OnBytes,
    *,
    command: str = "evaluate",
    weights: str | None = None,
) -> Iterator[Corpus]:
    """Yield the corpus of a model: the given one, otherwise that of its run, otherwise the bundled one it learned from.

    Args:
        loaded: the model.
        spec: its data.
        named: the given corpus, or None.
        on_bytes: called with the number of bytes read so far.
        command: named in messages.
        weights: the column of the counts of a given corpus; None: that of the model's.

    Raises:
        CheckpointError: no corpus is given, and that of the run is missing.
        CorpusError: the corpus cannot be read, or the model knows none of its characters.
    """
    if named is None and loaded.run is not None and (loaded.run / IDS).is_file():
        yield open_corpus(loaded.run)
        return
    if named is None:
        source = _learned_from(loaded, command)
    else:
        source = named if isinstance(named, Source) else open_source(named)
    settings = settings_for(source, loaded.model.config.corpus, weights)
    with encode_for_model(spec, settings, source, on_bytes) as corpus:
        yield corpus


def _learned_from(loaded: LoadedModel, command: str) -> Source:
    """Return the bundled corpus that a model was trained on. Raises CheckpointError where it was another."""
    known = bundled_with(loaded.model.facts["corpus"]["sha256"])
    if known is not None:
        return open_bundled(known)
    gone = f"its lines ({IDS}) are missing" if loaded.run else "a model file does not contain a corpus"
    raise CheckpointError(f"{loaded.label}: {gone}", f"pass the corpus: {command} MODEL CORPUS")


def _card_rows(facts: Facts) -> list[tuple[str, str]]:
    counts = {
        "lines read": facts.read,
        "empty lines, skipped": facts.empty if facts.windows == 1 else 0,
        "lines that could not be decoded, skipped": facts.bad,
        f"lines longer than {facts.length}, dropped": facts.dropped,
        f"lines longer than {facts.length}, cropped": facts.cropped,
        f"lines longer than {facts.length}, split into chunks": facts.chunked,
        "rows trained on": facts.train,
        "rows held out to choose the best model (validation)": facts.validation,
        "rows held out and only reported (test)": facts.test,
        f"different {UNITS[facts.unit].plural}": facts.alphabet,
    }
    unit = UNITS[facts.unit].plural
    what = f"one of the lines, at most {facts.length} {unit}"
    if facts.windows > 1:
        what = f"a window of {facts.length} {unit} of running text; each row has {facts.windows:,} windows"
    shown = [(label, f"{count:,}") for label, count in counts.items() if count]
    if facts.labels:
        named = [f"{name}: {facts.labels[name]:,}" for name in facts.label_names]
        shown.append(("labels, and rows trained on with each", listed(named)))
    known = bundled_with(facts.sha256) or bundled_model_of(facts.sha256)
    licence = [] if known is None else [("licence of the text", known.licence)]
    return [("SHA-256 of the text", facts.sha256), *licence, ("an item is", what), *shown]


def _limits(*, measured: bool) -> list[str]:
    copies = "Some strings are training lines word for word" + (" (1 - novel, above)" if measured else "")
    return [
        "For short strings like the training data: names, words, passwords, identifiers, codes. Suitable for "
        "research, test data and audits.",
        "The strings have the errors and the bias of the training data. The output is not filtered.",
        f"{copies}. If the training data is private, treat this model as private too.",
        "It generates only characters of the training data, and U+FFFD for an unknown one, up to the length of an "
        "item.",
        "The critic's score ranks strings of this kind. It is not a probability, and scores of different models "
        "cannot be compared.",
    ]
