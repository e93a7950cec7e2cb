"""Generate strings by request: sample candidates, decode, filter and score them.

Candidate k is a function of the model, the seed, k and how it is decoded. The generator makes them in blocks of BLOCK
whatever is asked for, and a block's number alone decides which shard it belongs to.

Shape suffixes: N strings, B those of one block, L length, V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...training.latents import BLOCK
from ..constrained.decoder import Decoder, compile_constraints
from ..domain import TextSpec
from .filters import StringFilter
from .request import NUMBERS_MOST, Progress, Request
from .sampling import decode_noise, sample
from .scoring import critic_scores, log_probability

PATIENCE = 100_000
"""Candidates in a row that are held back, at least, before a model counts as exhausted; see `is_exhausted`."""


class Tables(Protocol):
    """Where probabilities come from: `Model.tables`."""

    def __call__(self, n: int, *, seed: int, start: int, logs: bool = False) -> Iterator[Tensor]:
        """Yield (B, L, V) probabilities of candidates start .. start + n - 1, some at a time, blocks as they lie.

        With `logs` their natural logs.
        """


@final
@dataclass(frozen=True, kw_only=True)
class TextModel:
    """What of a model strings are made with."""

    spec: TextSpec
    tables: Tables
    generator: nn.Module
    critic: nn.Module
    device: torch.device

    def sha256(self) -> str:
        """Return a hash of the weights, the vocabulary and the length: models that differ in it are different ones."""
        digest = hashlib.sha256(self.spec.vocabulary.to_json(self.spec.length).encode())
        for network in (self.generator, self.critic):
            for name, tensor in sorted(network.state_dict().items()):
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Strings with their numbers, in order, and what else is known of them; from one block of candidates or a few."""

    index_N: npt.NDArray[np.int64]
    ids_NL: npt.NDArray[np.integer[Any]]
    score_N: npt.NDArray[np.float32] | None = None
    """By the critic, where scores are wanted, as `text.scoring` has them."""

    log_probability_N: npt.NDArray[np.float64] | None = None
    """Natural, under the generator's own probabilities at temperature 1; where scores or constraints are wanted."""

    given_up_N: npt.NDArray[np.float64] | None = None
    """Log probability that constraints cost, where there are any; see `decoding`."""

    def __len__(self) -> int:
        return len(self.index_N)

    def select(self, keep: npt.NDArray[Any] | slice) -> Block:
        """Return the strings that a mask, places or a slice say."""
        return together([self], keep)


def together(blocks: Sequence[Block], keep: npt.NDArray[Any] | slice = slice(None)) -> Block:
    """Return the strings of one block or more as one, or those of them that a mask, places or a slice say."""
    columns: dict[str, Any] = {}
    for field in fields(Block):
        arrays = [getattr(block, field.name) for block in blocks]
        columns[field.name] = None if arrays[0] is None else np.concatenate(arrays)[keep]
    return Block(**columns)


def stream(
    model: TextModel, request: Request, sieve: StringFilter | None = None, begun: Progress | None = None
) -> Iterator[tuple[Block, Progress]]:
    """Yield the strings of a request, a block at a time, each with how far the stream has come behind it.

    With a sieve it ends early, having yielded fewer than n, when the model is exhausted.

    Args:
        model: what makes them.
        request: what is wanted.
        sieve: holds strings back; None: all are let through.
        begun: where to go on, of what the same request yielded before; `sieve` then knows the strings until there.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil.
    """
    at = begun or Progress(next=request.start)
    end = NUMBERS_MOST if request.n is None or sieve is not None else request.start + request.n
    found = candidates(model, request, range(at.next, end))
    return _let_through(found, sieve, at, request.n)


def is_exhausted(at: Progress) -> bool:
    """Return whether so many candidates in a row were held back that a stream is given up.

    As many as strings were let through before, and PATIENCE at least: so in vain it works at most as long again.
    """
    return at.idle >= max(PATIENCE, at.strings)


def _let_through(
    found: Iterator[Block], sieve: StringFilter | None, at: Progress, n: int | None
) -> Iterator[tuple[Block, Progress]]:
    while sieve is None or ((n is None or at.strings < n) and not is_exhausted(at)):
        block = next(found, None)
        if block is None:
            return
        first, behind = int(block.index_N[0]), int(block.index_N[-1]) + 1
        if sieve is not None:
            block = block.select(np.flatnonzero(sieve.passes(block.ids_NL))[: None if n is None else n - at.strings])
        strings, idle = at.strings + len(block), at.idle + behind - first
        if len(block):
            behind_last = int(block.index_N[-1]) + 1
            if sieve is not None and strings == n:
                behind = behind_last  # more can be asked for later, and may begin here
            idle = behind - behind_last
        at = Progress(strings=strings, next=behind, idle=idle)
        yield block, at


def candidates(model: TextModel, request: Request, numbers: range) -> Iterator[Block]:
    """Yield the candidates of these numbers that are in the request's shard, decoded, a block at a time.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil.
    """
    decoder = None
    if request.constraints:
        decoder = compile_constraints(request.constraints, model.spec.vocabulary, model.spec.length)
    return (
        _decoded(model, request, decoder, place, table_BLV).select(
            slice(max(numbers.start - place * BLOCK, 0), numbers.stop - place * BLOCK)
        )
        for place, table_BLV in _tables(model, request, numbers)
    )


def _tables(model: TextModel, request: Request, numbers: range) -> Iterator[tuple[int, Tensor]]:
    """Yield the number and the whole table of each block of the shard that has some of the candidates.

    Under constraints the tables are of logs: a third of a sharp model's probabilities are 0 in float32, and among these
    a constraint may have to choose.
    """
    if not numbers:
        return
    mine, shards = request.shard
    first, last = numbers.start // BLOCK, -(-numbers.stop // BLOCK)
    tables = partial(model.tables, seed=request.seed, logs=bool(request.constraints))
    if shards == 1:
        yield from enumerate(tables((last - first) * BLOCK, start=first * BLOCK), first)
        return
    for place in range(first + (mine - 1 - first) % shards, last, shards):
        (table_BLV,) = tables(BLOCK, start=place * BLOCK)
        yield place, table_BLV


@torch.inference_mode()
def _decoded(model: TextModel, request: Request, decoder: Decoder | None, place: int, table_BLV: Tensor) -> Block:
    """Return one block of candidates, all of them: so the critic too meets each in its own place."""
    index_B = torch.arange(place * BLOCK, (place + 1) * BLOCK, device=table_BLV.device)
    noise_BL = None if request.decode == "argmax" else decode_noise(request.seed, index_B, model.spec.length)
    if decoder is not None:
        if noise_BL is None:
            decoded = decoder.decode(table_BLV, logs=True)
        else:
            decoded = decoder.sample(table_BLV, noise_BL.cpu().numpy(), request.temperature, logs=True)
        block = Block(
            index_N=index_B.cpu().numpy(),
            ids_NL=decoded.ids_NL,
            log_probability_N=decoded.log_probability_N,
            given_up_N=decoded.given_up_N,
        )
    else:
        if noise_BL is None:
            ids_BL = model.spec.decode(table_BLV)
        else:
            ids_BL = sample(table_BLV, noise_BL, request.temperature).cpu().numpy().astype(model.spec.vocabulary.dtype)
        block = Block(index_N=index_B.cpu().numpy(), ids_NL=ids_BL)
    return _scored(model, block, table_BLV) if request.scores else block


def _scored(model: TextModel, block: Block, table_BLV: Tensor) -> Block:
    log_B = block.log_probability_N
    if log_B is None:
        ids_BL = torch.from_numpy(block.ids_NL.astype(np.int64)).to(table_BLV.device)
        log_B = log_probability(table_BLV, ids_BL).numpy()
    score_B = critic_scores(model.critic, model.spec, block.ids_NL, model.device)
    return replace(block, score_N=score_B, log_probability_N=log_B)


def best(blocks: Iterable[Block], count: int) -> Block | None:
    """Return the `count` strings of the highest scores, highest first; of equal ones the earlier. None of no block."""
    kept: list[Block] = []
    for block in blocks:
        kept.append(block)
        if sum(map(len, kept)) >= 2 * count + _GATHERED:
            kept = [_best(kept, count)]
    return _best(kept, count) if kept else None


_GATHERED = 1 << 15
"""Strings beyond those kept that are gathered before they are sorted."""


def _best(blocks: list[Block], count: int) -> Block:
    block = together(blocks)
    assert block.score_N is not None
    return block.select(np.lexsort((block.index_N, -block.score_N))[:count])
