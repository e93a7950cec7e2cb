"""Data for a text run's report: real lines, lengths, characters and memorisation, next to generated ones.

Shape suffixes: N strings, L length, V vocabulary, K bins.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..config import Config
from ..training.domain import Items
from ..training.report_data import Histogram, ReportData, Shares, Table
from ..utils.counter_rng import Stream, shuffled
from .corpus.dataset import Corpus, open_corpus
from .domain import criterion
from .generation.formats import printable
from .hashing.row_hashes import Ids
from .metrics.distances import lengths_N
from .vocabulary import UNKNOWN, Vocabulary

LINES_SHOWN = 20
"""Number of real lines shown next to generated ones."""

CHARACTERS_SHOWN = 30
"""Number of characters whose shares are shown: the most frequent ones of the held-out lines."""

MAX_BINS = 40
"""Largest number of bins of the length chart; for longer rows a bin covers several lengths."""

COMPARED, TRAIN_COMPARED = 300, 20_000
"""Number of strings whose nearest training line is searched, and of training lines searched: a few seconds on one
core."""

_NAMES = {" ": "space", "\N{NO-BREAK SPACE}": "no-break space", "\N{IDEOGRAPHIC SPACE}": "wide space"}
_DOTTED_CIRCLE = "\N{DOTTED CIRCLE}"


def text_report_data(folder: Path, config: Config, samples: Items | None) -> ReportData:
    """Return the report data of a text run. Raises CheckpointError when the prepared corpus cannot be opened.

    Args:
        folder: the run folder with the prepared corpus.
        config: of the run.
        samples: generated (N, L) ids; None when there is no model yet, so that only the corpus is shown.
    """
    corpus = open_corpus(folder)
    held_out_NL = np.asarray(corpus.validation_NL)
    count, seed = min(LINES_SHOWN, len(held_out_NL)), config.training.seed
    real_NL = held_out_NL[shuffled(seed, Stream.FLOOR, np.arange(count), len(held_out_NL))]
    shown = ReportData(
        name=corpus.facts.name,
        facts=corpus.facts.summary(),
        origin=f"CORPUS is the text with SHA-256 {corpus.facts.sha256} (decompressed, without byte order mark)",
        criterion=criterion(config, corpus.facts.length),
        command="train CORPUS",
        real=tuple(map(printable, corpus.vocabulary.decode(real_NL))),
    )
    if samples is None:
        return shown
    return dataclasses.replace(
        shown,
        shares=(character_shares(samples, held_out_NL, corpus.vocabulary),),
        histograms=(length_histogram(samples, held_out_NL),),
        memorization=memorization_tables(samples, corpus, seed),
    )


def character_shares(generated_NL: Ids, held_out_NL: Ids, vocabulary: Vocabulary) -> Shares:
    """Return the shares of the most frequent characters, without padding."""
    generated_V, held_out_V = (_shares(ids_NL, vocabulary.size) for ids_NL in (generated_NL, held_out_NL))
    shown = [int(id_) for id_ in np.argsort(-held_out_V, kind="stable")[:CHARACTERS_SHOWN] if held_out_V[id_]]
    return Shares(
        title=vocabulary.plural.capitalize(),
        names=tuple(_name(id_, vocabulary) for id_ in shown),
        generated=tuple(generated_V[shown].tolist()),
        held_out=tuple(held_out_V[shown].tolist()),
        note=f"Shares of all {vocabulary.plural} in {len(generated_NL):,} generated and {len(held_out_NL):,} "
        f"held-out lines; the {len(shown)} most frequent of the latter.",
    )


def length_histogram(generated_NL: Ids, held_out_NL: Ids) -> Histogram:
    """Return the histogram of lengths, in characters up to the first pad."""
    generated_N, held_out_N = lengths_N(generated_NL), lengths_N(held_out_NL)
    longest = max(int(generated_N.max()), int(held_out_N.max()))
    width = -(-(longest + 1) // MAX_BINS)
    edges_K = np.arange(0, longest + 1 + width, width)
    return Histogram(
        title="Lengths",
        axis="length (characters)" if width == 1 else f"length (characters, in bins of {width})",
        # A bin of one length is centred on it.
        edges=tuple((edges_K - 0.5).tolist()),
        generated=tuple((np.histogram(generated_N, edges_K - 0.5)[0] / len(generated_N)).tolist()),
        held_out=tuple((np.histogram(held_out_N, edges_K - 0.5)[0] / len(held_out_N)).tolist()),
        note=f"Distribution over {len(generated_N):,} generated and {len(held_out_N):,} held-out lines.",
    )


def memorization_tables(generated_NL: Ids, corpus: Corpus, seed: int) -> tuple[Table, ...]:
    """Return tables of distances from generated strings to training lines, with expected values, and of nearest pairs.

    Takes a few seconds: COMPARED generated and as many held-out strings are compared with TRAIN_COMPARED training
    lines. For running text, where a copy can begin anywhere, exact copies are not counted here; the measure `novel`
    does.
    """
    # Imported here because only this needs the library for edit distances.
    from .metrics.memorization import copies, nearest

    held_out_NL = np.asarray(corpus.validation_NL)
    found = nearest(generated_NL, corpus.train, held_out_NL, sample=COMPARED, most=TRAIN_COMPARED, seed=seed)
    rows = [
        (
            "median edit distance to the nearest training line, per character",
            f"{found.generated.median:.3f}",
            f"{found.held_out.median:.3f}",
        )
    ]
    if corpus.train.windows == 1:
        seen = copies(generated_NL, corpus.fingerprints or corpus.train.blocks(), held_out_NL)
        expected = f"{seen.expected:.1%} \N{PLUS-MINUS SIGN} {seen.expected_error:.1%}"
        rows.insert(0, ("share of exact copies of training lines", f"{seen.share:.1%}", expected))
    decode = corpus.vocabulary.decode
    pairs = tuple(
        (printable(decode(pair.string_L[None])[0]), printable(decode(pair.line_L[None])[0]), f"{pair.edits:,}")
        for pair in found.pairs
    )
    sizes = f"{len(found.generated.edits_N):,} generated and {len(found.held_out.edits_N):,} held-out lines"
    return (
        Table(
            title="Is the training data memorised?",
            head=("", "generated", "expected without memorisation"),
            rows=tuple(rows),
            note="The model memorises if the share of exact copies is well above the expected value, or the edit "
            "distance well below. "
            f"Copies are counted among {len(generated_NL):,} strings; their expected share follows from matches with "
            f"held-out lines. Edit distances are those of {sizes} to {found.train:,} training lines, without copies.",
        ),
        Table(
            title="Closest pairs (without exact copies)",
            head=("generated", "training line", "edits"),
            rows=pairs,
            note="From the same sample, nearest first.",
            numbers=False,
        ),
    )


def _shares(ids_NL: Ids, size: int) -> npt.NDArray[np.float64]:
    inside_NL = np.arange(ids_NL.shape[1]) < lengths_N(ids_NL)[:, None]
    count_V = np.bincount(ids_NL[inside_NL], minlength=size)
    shares_V: npt.NDArray[np.float64] = count_V / max(1, count_V.sum())
    return shares_V


def _name(id_: int, vocabulary: Vocabulary) -> str:
    """Return a readable name of a character: invisible ones by name or code point."""
    if id_ == UNKNOWN:
        return "unknown"
    character = vocabulary.texts[id_ - 2]
    if len(character) > 1:
        return character
    if vocabulary.is_byte and not " " < character < "\x7f":
        return f"0x{ord(character):02X}"
    if character in _NAMES:
        return _NAMES[character]
    if unicodedata.category(character).startswith("M"):
        return _DOTTED_CIRCLE + character  # otherwise it would combine with the character before it
    return character if character.isprintable() else f"U+{ord(character):04X}"
