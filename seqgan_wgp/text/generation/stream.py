"""Generate strings by request: sample candidates, decode, filter and score them.

Candidate k is a function of the model, the seed, k and the decoding. Candidates are always generated in blocks of
BLOCK, and the shard of a block depends only on its index.

Shape suffixes: N strings, B those of one block, L length, V vocabulary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, final

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...training.labels import LabelShares
from ...training.latents import BLOCK
from ...utils.counter_rng import Stream
from ..causal import Drawing
from ..causal_generator import CausalGenerator
from ..constrained.decoder import Decoder, compile_constraints
from ..constrained.lookahead import PositionChain
from ..constrained.trellis import Trellis
from ..domain import TextSpec
from ..fusion.fusion import Fusion
from ..refinement.refiner import Refiner
from .causal_stream import Steering, block_uniforms, chain_of, constrained_sample, drawing_of, steering_of
from .filters import StringFilter
from .request import MAX_NUMBERS, Progress, Request, StringBlock, enlarge_blocks
from .sampling import decode_noise, sample
from .scoring import critic_scores, log_probability

PATIENCE = 100_000
"""Least number of consecutively dropped candidates before a model counts as exhausted; see `is_exhausted`."""


class Tables(Protocol):
    """A source of probabilities: `Model.tables`."""

    def __call__(
        self, n: int, *, seed: int, start: int, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        """Yield (B, L, V) probabilities of candidates start .. start + n - 1, in blocks.

        With `logs` yield their natural logs. `labels` draws the labels; None: as in training.
        """


@final
@dataclass(frozen=True, kw_only=True)
class TextModel:
    """The parts of a model that generate strings."""

    spec: TextSpec
    tables: Tables
    generator: nn.Module
    critic: nn.Module
    device: torch.device
    refiner: Refiner | None = None
    """The refiner, needed by a request with `refine`."""

    fusion: Fusion | None = None
    """What a request with `decode` fusion needs."""

    _chains: dict[Drawing, PositionChain] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Fitted for a look-ahead: the requests of a mask file, or of several stages, have the same."""

    def steering(self, generator: CausalGenerator, drawing: Drawing, trellis: Trellis) -> Steering:
        """Return how to draw strings of the causal generator that a trellis allows."""
        if drawing not in self._chains:
            self._chains[drawing] = chain_of(generator.network, drawing)
        return steering_of(generator.network, drawing, trellis, self._chains[drawing])

    def sha256(self) -> str:
        """Return a hash of the weights, the vocabulary and the length, which identifies the model."""
        digest = hashlib.sha256(self.spec.vocabulary.to_json(self.spec.length).encode())
        parts = [self.generator.state_dict(), self.critic.state_dict()]
        if self.refiner is not None:
            digest.update(json.dumps(self.refiner.to_facts(), sort_keys=True).encode())
            parts.append(self.refiner.to_tensors())
        if self.fusion is not None:
            digest.update(json.dumps(self.fusion.to_facts(), sort_keys=True).encode())
            parts.append(self.fusion.to_tensors())
        for part in parts:
            for name, tensor in sorted(part.items()):
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


OnRefined = Callable[[int, int], object]
"""Called for every block with the number of candidates and the number that the refiner accepted."""


def stream(
    model: TextModel,
    request: Request,
    sieve: StringFilter | None = None,
    begun: Progress | None = None,
    on_refined: OnRefined = lambda _candidates, _accepted: None,
    limits: Limits | None = None,
) -> Iterator[tuple[StringBlock, Progress]]:
    """Yield the strings of a request in blocks, each with the progress after it.

    With a filter or a refiner it may end early, with fewer than n strings, when the model is exhausted.

    Args:
        model: the model.
        request: the request.
        sieve: the filter; None: all strings are kept.
        begun: progress from which to continue the same request; `sieve` must already know the strings up to there.
        on_refined: see OnRefined.
        limits: when to give up, if strings are dropped; None: see Limits.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil, `refine` of a model without a refiner, or one
            that learnt from strings decoded otherwise, or `decode` fusion of a model without one.
    """
    at = begun or Progress(next=request.start)
    if request.refine and model.refiner is None:
        raise ConfigError("the model has no refiner", "train one first: seqgan-wgp refine RUN --minutes 3")
    if request.refine and model.refiner is not None and request.decode != model.refiner.decode:
        learnt = f"the refiner learnt from strings of decode {model.refiner.decode}"
        raise ConfigError(f"{learnt}, but decode is {request.decode}", f"use --decode {model.refiner.decode}")
    selective = sieve is not None or request.refine
    end = MAX_NUMBERS if request.n is None or selective else request.start + request.n
    found = candidates(model, request, range(at.next, end))
    if selective:
        return _selected(found, sieve, at, request.n, on_refined, limits or Limits())
    return _all(found, at)


def is_exhausted(at: Progress) -> bool:
    """Return whether so many consecutive candidates were dropped that the stream should end.

    The limit is the number of strings kept so far, at least PATIENCE, so the time at most doubles in vain.
    """
    return at.idle >= max(PATIENCE, at.strings)


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a stream of strings of which some are dropped ends early."""

    tries: int | None = None
    """Largest number of candidates; None: any."""

    idle: int | None = None
    """Largest number of consecutive dropped candidates; None: see `is_exhausted`."""

    def reached(self, at: Progress) -> bool:
        """Return whether the stream should end."""
        exhausted = is_exhausted(at) if self.idle is None else at.idle >= self.idle
        return exhausted or self.tried_all(at)

    def tried_all(self, at: Progress) -> bool:
        """Return whether there were as many candidates as there may be."""
        return self.tries is not None and at.tries >= self.tries


def _all(found: Iterator[StringBlock], at: Progress) -> Iterator[tuple[StringBlock, Progress]]:
    for block in found:
        at = Progress(strings=at.strings + len(block), next=int(block.index_N[-1]) + 1)
        yield block, at


def _selected(
    found: Iterator[StringBlock],
    sieve: StringFilter | None,
    at: Progress,
    n: int | None,
    on_refined: OnRefined,
    limits: Limits,
) -> Iterator[tuple[StringBlock, Progress]]:
    if sieve is not None and sieve.blocks > 1:
        found = enlarge_blocks(found, sieve.blocks)
    while (n is None or at.strings < n) and not limits.reached(at):
        block = next(found, None)
        if block is None:
            return
        if limits.tries is not None:
            block = block.select(slice(limits.tries - at.tries))
        block, at = filtered(block, sieve, at, n, on_refined)
        yield block, at


def filtered(
    block: StringBlock,
    sieve: StringFilter | None,
    at: Progress,
    n: int | None,
    on_refined: OnRefined = lambda _candidates, _accepted: None,
) -> tuple[StringBlock, Progress]:
    """Return the strings of a block of candidates to keep, at most as many as n lacks, and the progress after it."""
    index_N, behind = block.index_N, int(block.index_N[-1]) + 1
    if block.accepted_N is not None:
        on_refined(len(block), int(block.accepted_N.sum()))
        block = block.select(block.accepted_N)
    if sieve is not None:
        block = block.select(sieve.passes(block.ids_NL, None if n is None else n - at.strings))
    elif n is not None:
        block = block.select(slice(n - at.strings))
    strings, idle = at.strings + len(block), at.idle + len(index_N)
    if len(block):
        behind_last = int(block.index_N[-1]) + 1
        if strings == n:
            behind = behind_last  # a later request for more may begin here
        idle = int(((index_N >= behind_last) & (index_N < behind)).sum())
    tries = at.tries + int((index_N < behind).sum())
    return block, replace(at, strings=strings, next=behind, idle=idle, tries=tries)


def candidates(model: TextModel, request: Request, numbers: range) -> Iterator[StringBlock]:
    """Yield the decoded candidates with these indices in the request's shard, in blocks.

    Raises:
        ConfigError: at once, constraints that the model cannot fulfil, or `decode` fusion of a model without one.
    """
    if request.decode == "fusion" and model.fusion is None:
        raise ConfigError("the model has no fusion", "choose one first: seqgan-wgp fuse RUN; or use --decode argmax")
    decoder = None
    if request.constraints:
        decoder = compile_constraints(request.constraints, model.spec.vocabulary, model.spec.length)
    generator = model.generator
    if isinstance(generator, CausalGenerator):
        steering = None
        if decoder is not None:
            steering = model.steering(generator, _drawing(generator, request), decoder.trellis)
        return (
            _drawn(model, generator, request, steering, place).select(
                slice(max(numbers.start - place * BLOCK, 0), numbers.stop - place * BLOCK)
            )
            for place in _places(request, numbers)
        )
    return (
        _decoded(model, request, decoder, place, table_BLV).select(
            slice(max(numbers.start - place * BLOCK, 0), numbers.stop - place * BLOCK)
        )
        for place, table_BLV in _tables(model, request, numbers)
    )


def _tables(model: TextModel, request: Request, numbers: range) -> Iterator[tuple[int, Tensor]]:
    """Yield index and table of each block of the shard that has some of the candidates.

    With constraints the tables have logs: a third of the probabilities of a sharp model are 0 in float32, and a
    constraint may have to choose among these.
    """
    if not numbers:
        return
    mine, shards = request.shard
    first, last = numbers.start // BLOCK, -(-numbers.stop // BLOCK)
    tables = partial(
        model.tables, seed=request.seed, logs=_wants_logs(request), labels=model.spec.shares(request.label)
    )
    if shards == 1:
        yield from enumerate(tables((last - first) * BLOCK, start=first * BLOCK), first)
        return
    for place in range(first + (mine - 1 - first) % shards, last, shards):
        (table_BLV,) = tables(BLOCK, start=place * BLOCK)
        yield place, table_BLV


def _wants_logs(request: Request) -> bool:
    """Return whether strings are made from logs of probabilities."""
    return bool(request.constraints) or request.decode == "fusion"


def _places(request: Request, numbers: range) -> range:
    """Return the indices of the shard's blocks that have some of the candidates."""
    mine, shards = request.shard
    first, last = numbers.start // BLOCK, -(-numbers.stop // BLOCK)
    return range(first + (mine - 1 - first) % shards, last if numbers else 0, shards)


def _drawing(generator: CausalGenerator, request: Request) -> Drawing:
    return drawing_of(float(generator.epsilon), request.decode, request.temperature)


@torch.inference_mode()
def _drawn(
    model: TextModel, generator: CausalGenerator, request: Request, steering: Steering | None, place: int
) -> StringBlock:
    """Return one block of candidates of a causal generator, with `steering` under constraints."""
    network = generator.network
    index_B = torch.arange(place * BLOCK, (place + 1) * BLOCK, device=model.device)
    drawing, given_up_N = _drawing(generator, request), None
    if steering is None:
        ids_BL = network.sample(block_uniforms(request.seed, index_B, model.spec.length), drawing)
    else:
        ids_BL, given_up_B = constrained_sample(network, request.seed, index_B, drawing, steering)
        given_up_N = given_up_B.numpy()
    scored = request.scores or steering is not None
    block = StringBlock(
        index_N=index_B.cpu().numpy(),
        ids_NL=ids_BL.cpu().numpy().astype(model.spec.vocabulary.dtype),
        log_probability_N=network.log_likelihood(ids_BL)[0].cpu().numpy() if scored else None,
        given_up_N=given_up_N,
    )
    block = _judged(model, request, place, block)
    if not request.scores:
        return block
    return replace(block, score_N=critic_scores(model.critic, model.spec, block.ids_NL, model.device))


@torch.inference_mode()
def _decoded(model: TextModel, request: Request, decoder: Decoder | None, place: int, table_BLV: Tensor) -> StringBlock:
    """Return one whole block of candidates, so that the critic too sees each at its own position."""
    index_B = torch.arange(place * BLOCK, (place + 1) * BLOCK, device=table_BLV.device)
    noise_BL = None if request.decode == "argmax" else decode_noise(request.seed, index_B, model.spec.length)
    if decoder is not None:
        if request.decode == "fusion":
            assert noise_BL is not None and model.fusion is not None
            decoded = decoder.fuse(table_BLV, noise_BL.cpu().numpy(), model.fusion.strings, request.temperature)
        elif noise_BL is None:
            decoded = decoder.decode(table_BLV, logs=True)
        else:
            decoded = decoder.sample(table_BLV, noise_BL.cpu().numpy(), request.temperature, logs=True)
        block = StringBlock(
            index_N=index_B.cpu().numpy(),
            ids_NL=decoded.ids_NL,
            log_probability_N=decoded.log_probability_N,
            given_up_N=decoded.given_up_N,
        )
    else:
        if request.decode == "fusion":
            assert noise_BL is not None and model.fusion is not None
            log_BLV, uniform_BL = table_BLV.cpu().numpy(), noise_BL.cpu().numpy()
            ids_BL = model.fusion.strings(log_BLV, uniform_BL, request.temperature).astype(model.spec.vocabulary.dtype)
        elif noise_BL is None:
            ids_BL = model.spec.decode(table_BLV)
        else:
            ids_BL = sample(table_BLV, noise_BL, request.temperature).cpu().numpy().astype(model.spec.vocabulary.dtype)
        block = StringBlock(index_N=index_B.cpu().numpy(), ids_NL=ids_BL)
    labels = model.spec.shares(request.label)
    if labels is not None:
        block = replace(block, label_N=labels.draw(request.seed, Stream.SAMPLE_LATENT, index_B).cpu().numpy())
    block = _judged(model, request, place, block)
    return _scored(model, block, table_BLV, logs=_wants_logs(request)) if request.scores else block


def _judged(model: TextModel, request: Request, place: int, block: StringBlock) -> StringBlock:
    """Return a block with the decisions of the model's refiner, if requested."""
    if not request.refine:
        return block
    assert model.refiner is not None
    return replace(block, accepted_N=model.refiner.accepts(request.seed, place * BLOCK, block.ids_NL))


def _scored(model: TextModel, block: StringBlock, table_BLV: Tensor, *, logs: bool) -> StringBlock:
    log_B = block.log_probability_N
    if log_B is None:
        ids_BL = torch.from_numpy(block.ids_NL.astype(np.int64)).to(table_BLV.device)
        log_B = log_probability(table_BLV, ids_BL, logs=logs).numpy()
    score_B = critic_scores(model.critic, model.spec, block.ids_NL, model.device, block.label_N)
    return replace(block, score_N=score_B, log_probability_N=log_B)
