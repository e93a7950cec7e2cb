"""Request for generated strings, and progress in fulfilling it."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Any, final

from ...errors import ConfigError, did_you_mean
from ..constrained.constraints import Constraints

DECODERS = ("argmax", "sample", "fusion")
"""How ids are chosen from probabilities: the most likely at each position; sampled; sampled with an n-gram model."""

AUTO = "auto"
"""Instead of these: "fusion" for a model that has one, otherwise "argmax"."""

NUMBERS_MOST = 1 << 60
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
        if self.start + (self.n or 0) >= NUMBERS_MOST:
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
            f"temperature is {temperature:g}, but it has no effect on argmax decoding", "use decode sample"
        )


def parse_shard(text: str) -> tuple[int, int]:
    """Parse "I/N". Raises ConfigError when it is malformed; `Request` checks the values."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise ConfigError(f"--shard is {text[:40]!r}, but it must be I/N", "for example 2/8, the second of eight parts")
    return int(found[1]), int(found[2])


def described(request: Request) -> dict[str, Any]:
    """Return the options that determine the strings of a request, without n, as JSON values by option name."""
    constraints = request.constraints or Constraints()
    # Index files of older versions lack the keys of later options.
    refined = {"--refine": True} if request.refine else {}
    return {
        **refined,
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
