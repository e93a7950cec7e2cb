"""Generate strings as a visitor asks, with what the constraints cost and how many candidates were kept.

Shape suffixes: N strings, B batch, L length, V vocabulary.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import final

from ..errors import ConfigError
from ..model import Model
from ..text.constrained.constraints import Constraints, parse_length
from ..text.generation.filters import Excluded, StringFilter, validity
from ..text.generation.request import AUTO, Progress, Request
from ..text.generation.stream import is_exhausted, stream
from ..text.hashing.string_hashes import StringHashes

MAX_STRINGS = 10_000
MAX_SECONDS = 20.0
"""How long a visitor may have the model search for strings that pass the filters."""

_FILTER_BYTES = 64 << 20


@final
@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to generate; an empty text stands for no such constraint."""

    n: int = 20
    seed: int = 0
    decode: str = AUTO
    temperature: float = 1.0
    prefix: str = ""
    suffix: str = ""
    contains: str = ""
    mask: str = ""
    sets: tuple[str, ...] = ()
    length: str = ""
    charset: str = ""
    regex: str = ""
    unique: bool = False
    refine: bool = False
    valid: str = ""
    """Name of a validator."""

    not_in: str = ""
    """A corpus whose lines are left out."""

    def constraints(self) -> Constraints | None:
        """Return the constraints, or None. Raises ConfigError for one that is malformed."""
        sets = tuple(text or None for text in self.sets) if self.mask and any(self.sets) else ()
        found = Constraints(
            prefix=self.prefix or None,
            suffix=self.suffix or None,
            contains=(self.contains,) if self.contains else (),
            mask=self.mask or None,
            sets=sets,
            length=parse_length(self.length) if self.length else None,
            charset=self.charset or None,
            regex=self.regex or None,
        )
        return found if found else None


@final
@dataclass(frozen=True, kw_only=True)
class Harvest:
    """Generated strings, and what they cost."""

    strings: list[str]
    nats_lost: float | None
    """Mean log probability that a string lost to the constraints, in nats; None without constraints."""

    candidates: int
    """Number of candidates that the strings were chosen from."""

    refined: tuple[int, int] | None
    """Candidates that the refiner judged, and those it accepted."""

    complete: bool
    """Whether as many were found as were asked for."""

    def summary(self) -> str:
        """Return one line that says what was found and at what price."""
        parts = [f"{len(self.strings):,} strings"]
        if self.nats_lost is not None:
            parts.append(f"log probability lost to the constraints: {self.nats_lost:.4g} nats per string on average")
        if self.candidates > len(self.strings):
            share = len(self.strings) / self.candidates
            parts.append(f"{share:.1%} of {self.candidates:,} candidates passed")
        if self.refined is not None:
            parts.append(f"the refiner accepted {self.refined[1] / max(self.refined[0], 1):.1%}")
        if not self.complete:
            parts.append("the model has no more, or the search took too long")
        return "; ".join(parts)


def harvest(model: Model, wish: Wish, *, seconds: float = MAX_SECONDS) -> Harvest:
    """Generate strings.

    Args:
        model: a model of text.
        wish: what to generate.
        seconds: when to stop looking for more.

    Raises:
        ConfigError: an invalid value or combination, or a constraint that the model cannot satisfy.
        CorpusError: the corpus to leave out cannot be read.
    """
    if not 1 <= wish.n <= MAX_STRINGS:
        raise ConfigError(f"{wish.n:,} strings are out of range", f"ask for 1 to {MAX_STRINGS:,}")
    decode = model.decoding(wish.decode, refine=wish.refine)
    request = Request(
        n=wish.n,
        seed=wish.seed,
        decode=decode,
        temperature=1.0 if decode == "argmax" else wish.temperature,
        constraints=wish.constraints(),
        refine=wish.refine,
    )
    judged, kept = 0, 0

    def count(candidates: int, accepted: int) -> None:
        nonlocal judged, kept
        judged, kept = judged + candidates, kept + accepted

    parts = model.text_model(refine=wish.refine, decode=decode)
    strings: list[str] = []
    lost, at, end = 0.0, Progress(next=0), time.monotonic() + seconds
    for block, progress in stream(parts, request, _sieve(model, wish), None, count):
        at = progress
        strings += model.spec.to_text(block.ids_NL)
        lost += 0.0 if block.given_up_N is None else float(block.given_up_N.sum())
        if time.monotonic() > end:
            break
    return Harvest(
        strings=strings,
        nats_lost=lost / max(len(strings), 1) if request.constraints else None,
        candidates=at.next,
        refined=(judged, kept) if wish.refine else None,
        complete=len(strings) >= wish.n and not is_exhausted(at),
    )


def _sieve(model: Model, wish: Wish) -> StringFilter | None:
    if not (wish.unique or wish.valid or wish.not_in):
        return None
    spec = model.text_spec("the studio")
    valid = validity(wish.valid, spec.vocabulary) if wish.valid else None
    sieve = StringFilter(
        StringHashes(spec.vocabulary, spec.length), unique=wish.unique, memory_bytes=_FILTER_BYTES, valid=valid
    )
    if wish.not_in:
        sieve.exclude(Excluded(wish.not_in, model.config.corpus))
    return sieve
