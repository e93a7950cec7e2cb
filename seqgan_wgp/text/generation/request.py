"""Request for generated strings, and progress in fulfilling it."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass
from typing import Any, final

from ...errors import ConfigError
from ..constrained.constraints import Constraints
from .sampling import check_decoding

NUMBERS_MOST = 1 << 60
"""Candidates have numbers below this."""


@final
@dataclass(frozen=True, kw_only=True)
class Request:
    """What is wanted of a model.

    Raises:
        ConfigError: a number that cannot be.
    """

    n: int | None
    """Strings; None: without end. Of candidates that are all let through these are numbers start .. start + n - 1, of
    which a shard has those in its own blocks. Where a sieve holds some back, it is what each shard is to find."""

    seed: int = 0
    start: int = 0
    """Number of the first candidate."""

    shard: tuple[int, int] = (1, 1)
    """(I, N): of N shards the I-th, which has the blocks whose number is I - 1 modulo N."""

    decode: str = "argmax"
    temperature: float = 1.0
    constraints: Constraints | None = None
    scores: bool = False
    refine: bool = False
    """Whether only strings come that the model's refiner accepts. Then `n` is how many are to be found."""

    def __post_init__(self) -> None:
        check_decoding(self.decode, self.temperature)
        if self.refine and self.decode != "argmax":
            raise ConfigError(
                f"refine does not go with decode {self.decode}: the classifier learnt from strings decoded by argmax",
                "leave one of the two out",
            )
        mine, shards = self.shard
        if not 1 <= mine <= shards:
            raise ConfigError(f"--shard is {mine}/{shards}, but shards of {shards} are numbered from 1 to {shards}")
        if self.start < 0 or self.seed < 0:
            name, value = ("--start", self.start) if self.start < 0 else ("--seed", self.seed)
            raise ConfigError(f"{name} is {value}, but it must not be negative")
        if self.start + (self.n or 0) >= NUMBERS_MOST:
            raise ConfigError(f"--start plus -n is {self.start + (self.n or 0):,}", "keep the sum below 2^60")


def parse_shard(text: str) -> tuple[int, int]:
    """Read "I/N". Raises ConfigError when it is nothing like it; what they may be, `Request` says."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if found is None:
        raise ConfigError(f"--shard is {text!r}, but it must be I/N", "for example 2/8, the second of eight parts")
    return int(found[1]), int(found[2])


def described(request: Request) -> dict[str, Any]:
    """Return what decides which strings a request brings, n aside, as JSON values by the names of options."""
    constraints = asdict(request.constraints or Constraints())
    # Indexes of files that were begun before there was a refiner have no such key.
    refined = {"--refine": True} if request.refine else {}
    return {
        **refined,
        "--seed": request.seed,
        "--start": request.start,
        "--shard": "{}/{}".format(*request.shard),
        "--decode": request.decode,
        "--temperature": request.temperature,
        "--scores": request.scores,
        **dict(itertools.zip_longest(("-1", "-2", "-3", "-4"), constraints.pop("sets"))),
        **{f"--{name}": list(value) if isinstance(value, tuple) else value for name, value in constraints.items()},
    }


@final
@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a stream has come."""

    strings: int = 0
    """Let through so far."""

    next: int
    """Number of the first candidate that has not been looked at."""

    idle: int = 0
    """Candidates since the last one that was let through."""
