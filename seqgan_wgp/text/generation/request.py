"""Requests for strings, the blocks of strings that answer them, and the progress.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError, did_you_mean
from ..constrained.constraints import Constraints
from ..domain import LabelPairs
from ..vocabulary import PAD, mask_after_pad
from .formats import COST, LABEL, SCORES

DECODERS = ("argmax", "sample", "fusion")
"""How ids are chosen from probabilities: the most likely at each position; sampled; sampled with an n-gram model."""

AUTO = "auto"
"""Instead of these: "fusion" for a model that has one, otherwise "argmax"."""

MAX_NUMBERS = 1 << 60
"""Candidate indices are below this."""


@final
@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for strings.

    Raises:
        ConfigError: an invalid value or combination.
    """

    n: int | None
    """Number of strings; None: endless. Without a filter these are the candidates start .. start + n - 1, of which a
    shard has those in its blocks. With a filter, each shard looks for n strings."""

    seed: int = 0
    start: int = 0
    """Index of the first candidate."""

    shard: tuple[int, int] = (1, 1)
    """(I, N): the I-th of N shards, which has the blocks with index I - 1 modulo N."""

    decode: str = "argmax"
    temperature: float = 1.0
    constraints: Constraints | None = None
    scores: bool = False
    refine: bool = False
    """Whether to keep only strings that the model's refiner accepts. Then `n` is the number of accepted strings."""

    label: LabelPairs = ()
    """Labels of a conditional model with their shares; empty: those of the training lines."""

    def __post_init__(self) -> None:
        check_decoding(self.decode, self.temperature)
        if self.refine and (self.decode == "sample" or self.temperature != 1):
            changed = "decode sample" if self.decode == "sample" else f"temperature {self.temperature:g}"
            raise ConfigError(
                f"refine cannot be combined with {changed}: the classifier was trained on strings decoded otherwise",
                "leave one of the two out",
            )
        mine, shards = self.shard
        if not 1 <= mine <= shards:
            raise ConfigError(f"--shard is {mine}/{shards}, but shards of {shards} are numbered from 1 to {shards}")
        if self.start < 0 or self.seed < 0:
            name, value = ("--start", self.start) if self.start < 0 else ("--seed", self.seed)
            raise ConfigError(f"{name} is {value}, but it must not be negative")
        if self.n is not None and self.n < 0:
            raise ConfigError(f"n is {self.n}, but it must not be negative")
        if self.start + (self.n or 0) >= MAX_NUMBERS:
            raise ConfigError(f"--start plus -n is {self.start + (self.n or 0):,}", "keep the sum below 2^60")


def check_decoding(decode: str, temperature: float) -> None:
    """Raise ConfigError for an unknown way to decode or an invalid temperature."""
    if decode not in DECODERS:
        raise ConfigError(
            f"decode is {decode!r}{did_you_mean(decode, DECODERS)}", f"choose one of: {', '.join((AUTO, *DECODERS))}"
        )
    if not 0 < temperature < math.inf:
        raise ConfigError(f"temperature is {temperature:g}, but it must be above 0 and finite")
    if decode == "argmax" and temperature != 1:
        raise ConfigError(
            f"temperature is {temperature:g}, but it has no effect on argmax decoding", "use --decode sample"
        )


def parse_shard(text: str) -> tuple[int, int]:
    """Parse "I/N". Raises ConfigError when it is malformed; `Request` checks the values."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise ConfigError(f"--shard is {text[:40]!r}, but it must be I/N", "for example 2/8, the second of eight parts")
    return int(found[1]), int(found[2])


def request_options(request: Request) -> dict[str, Any]:
    """Return the options that determine the strings of a request, without n, as JSON values by option name."""
    constraints = request.constraints or Constraints()
    # Index files of older versions lack the keys of later options.
    refined = {"--refine": True} if request.refine else {}
    labels = {"--label": dict(request.label)} if request.label else {}
    return {
        **refined,
        **labels,
        "--seed": request.seed,
        "--start": request.start,
        "--shard": "{}/{}".format(*request.shard),
        "--decode": request.decode,
        "--temperature": request.temperature,
        "--scores": request.scores,
        **_described(constraints),
        **({"--scores with the column constraint_cost": True} if request.scores and constraints else {}),
    }


_FIRST = ("prefix", "suffix", "contains", "mask", "length", "charset", "regex")
_LATER = ("at_least", "at_most", "without", "ignore_case")
"""Fields of Constraints that index files have had from the first version on, and those that came later."""


def _described(constraints: Constraints) -> dict[str, Any]:
    """Return the options of constraints as JSON values by option name, the later ones only where they are given."""
    value = {name: getattr(constraints, name) for name in (*_FIRST, *_LATER)}
    if len(constraints.regexes) == 1:
        value["regex"] = constraints.regexes[0]
    listed = {name: list(each) if isinstance(each, tuple) else each for name, each in value.items()}
    files = {"--without-file": [file.sha256 for file in constraints.without_files]} if constraints.without_files else {}
    return {
        **dict(itertools.zip_longest(("-1", "-2", "-3", "-4"), constraints.sets)),
        **{f"--{name}": listed[name] for name in _FIRST},
        **{f"--{name.replace('_', '-')}": listed[name] for name in _LATER if listed[name]},
        **files,
    }


@final
@dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of a stream."""

    strings: int = 0
    """Number of strings kept so far."""

    next: int
    """Index of the next candidate."""

    idle: int = 0
    """Number of candidates since the last one that was kept."""

    tries: int = 0
    """Number of candidates so far, if some are dropped."""

    stage: int = 0
    """Index of the stage, if the request has several; see `stages`. `next` and `idle` are those of the stage."""

    part: int = 0
    """Index of the part, if the request has several; see `mask_stream`."""

    part_strings: int = 0
    """Number of strings of that part."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StringBlock:
    """Strings with their indices, in order, and further columns, from one or a few blocks of candidates."""

    index_N: npt.NDArray[np.int64]
    ids_NL: npt.NDArray[np.integer[Any]]
    score_N: npt.NDArray[np.float32] | None = None
    """Critic scores, if requested; see `scoring`."""

    log_probability_N: npt.NDArray[np.float64] | None = None
    """Natural log probabilities under the generator at temperature 1, if scores or constraints are requested."""

    given_up_N: npt.NDArray[np.float64] | None = None
    """Log probability lost to the constraints, if any; see `constrained`. Not a number for enumerated strings."""

    accepted_N: npt.NDArray[np.bool_] | None = None
    """Whether the refiner accepts the candidate, if the request has `refine`."""

    label_N: npt.NDArray[np.int64] | None = None
    """Numbers of the labels that the strings were generated by, if the model has labels; -1: of no single one."""

    def __len__(self) -> int:
        return len(self.index_N)

    def select(self, keep: npt.NDArray[Any] | slice) -> StringBlock:
        """Return the strings selected by a mask, indices or a slice."""
        return concatenate_blocks([self], keep)


def concatenate_blocks(blocks: Sequence[StringBlock], keep: npt.NDArray[Any] | slice = slice(None)) -> StringBlock:
    """Join one or more blocks, and select strings by a mask, indices or a slice."""
    columns: dict[str, Any] = {}
    for field in fields(StringBlock):
        arrays = [getattr(block, field.name) for block in blocks]
        columns[field.name] = None if arrays[0] is None else np.concatenate(arrays)[keep]
    return StringBlock(**columns)


def enlarge_blocks(blocks: Iterator[StringBlock], most: int) -> Iterator[StringBlock]:
    """Yield the same strings in larger blocks: first one block, then twice as many as before, up to `most`."""
    count = 1
    while taken := list(itertools.islice(blocks, count)):
        yield concatenate_blocks(taken) if len(taken) > 1 else taken[0]
        count = min(2 * count, most)


COSTLY = 2.0
"""Log probability per character, in nats, above which what the constraints cost a string is large."""


def is_costly(block: StringBlock) -> npt.NDArray[np.bool_]:
    """Return which strings (N,) of a block with constraints lost much to them."""
    assert block.given_up_N is not None
    sizes_N = (mask_after_pad(block.ids_NL) != PAD).sum(axis=1)
    costly_N: npt.NDArray[np.bool_] = block.given_up_N > COSTLY * sizes_N
    return costly_N


def best(blocks: Iterable[StringBlock], count: int) -> StringBlock | None:
    """Return the `count` strings with the highest scores, highest first, earlier ones first. None without blocks."""
    kept: list[StringBlock] = []
    for block in blocks:
        kept.append(block)
        if sum(map(len, kept)) >= 2 * count + _GATHERED:
            kept = [_best(kept, count)]
    return _best(kept, count) if kept else None


_GATHERED = 1 << 15
"""Number of further strings that are collected before sorting."""


def _best(blocks: list[StringBlock], count: int) -> StringBlock:
    block = concatenate_blocks(blocks)
    assert block.score_N is not None
    return block.select(np.lexsort((block.index_N, -block.score_N))[:count])


def column_values(
    block: StringBlock, columns: Sequence[str], label_names: Sequence[str]
) -> dict[str, list[float] | list[str]]:
    """Return the values (N) of some of the columns of a block that has them: LABEL, those of SCORES, and COST.

    The label of a string that was generated by no single one is empty.
    """
    arrays = {**dict(zip(SCORES, (block.score_N, block.log_probability_N), strict=True)), COST: block.given_up_N}
    found: dict[str, list[float] | list[str]] = {}
    for name in columns:
        if name != LABEL:
            array_N = arrays[name]
            assert array_N is not None
            found[name] = array_N.tolist()
        elif block.label_N is not None:
            found[name] = ["" if number < 0 else label_names[number] for number in block.label_N.tolist()]
    return found
