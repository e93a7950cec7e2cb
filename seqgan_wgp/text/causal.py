"""A causal network of character sequences: the probability of each symbol given those before it.

The first layer is one wide causal convolution over one-hot symbols, computed as a table look-up. It is followed by
residual blocks of dilated causal convolutions (van den Oord et al. 2016, "WaveNet: A Generative Model for Raw Audio").

A string ends at its first PAD (id 0), which is a symbol like any other; positions after it are not modelled. The
likelihood is computed for all positions at once (teacher forcing), in a flat layout of the positions up to and
including the end of each string. Strings are sampled one position at a time, with the activations of earlier positions
cached; both ways give the same logits up to rounding.

Shape suffixes: B batch, N strings, L length, T positions of all strings together, V vocabulary, W width, K kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..utils.counter_rng import Stream, normal
from .vocabulary import PAD

DRAWN_TOGETHER = 512
"""Number of strings that are sampled together; fixed, so that a string does not depend on the number requested."""

SCORED_TOGETHER = 1 << 16
"""Largest number of positions whose likelihoods are computed together; limits memory."""


@final
@dataclass(frozen=True, kw_only=True)
class CausalSettings:
    """The sizes of a causal network."""

    vocabulary_size: int
    length: int
    """L, number of positions."""

    width: int = 128
    """W, channels."""

    kernel: int = 6
    """K, number of symbols in the receptive field of the first layer."""

    blocks: int = 2
    """Number of residual blocks; block k combines positions t and t - 2**k."""

    counts: int = 0
    """C: the network is given how often each symbol has occurred so far, up to C times."""

    dropout: float = 0.0
    """Dropout rate in likelihood training."""


@final
@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How symbols are sampled from their probabilities."""

    epsilon: float = 0.0
    """Symbols less likely than this are never drawn, except the most likely one."""

    temperature: float = 1.0
    """T, above 0; values below 1 sharpen the distribution."""


PLAIN = Drawing()
"""Sampling from the unchanged probabilities."""


@final
@dataclass(frozen=True, kw_only=True)
class FlatBatch:
    """The positions of several strings in one flat axis: those up to and including each string's end, or all."""

    target_T: Tensor
    """Symbol at each position, int64."""

    context_TK: Tensor
    """The K previous symbols, the nearest last; V before the start of the string."""

    place_T: Tensor
    """Position in its string, from 0."""

    row_T: Tensor
    """Index of its string in the batch."""

    kept_BL: Tensor
    """Mask of these positions in the batch."""

    entry_BL: Tensor | None
    """Index in the table of occurrences for each position of the batch; -1 for none."""


class _Dropout:
    """Dropout, with a rate in 256ths, whose masks come from a given generator, so that a step can be repeated."""

    def __init__(self, share: float = 0.0, noise: torch.Generator | None = None) -> None:
        self.share, self.noise = share, noise

    def __call__(self, x: Tensor) -> Tensor:
        if self.noise is None or not self.share:
            return x
        # Eight random bytes at a time: single draws would cost as much as the matrix products of a block.
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=self.noise)
        kept = max(1, round(256 * (1 - self.share)))
        kept_mask = words.view(torch.uint8)[: x.numel()].view(x.shape) < kept
        return x * kept_mask * (256 / kept)


_KEPT = _Dropout()


class CausalBlock(nn.Module):
    """h + Linear(relu(Linear([u_t, u_(t-d)]))) with u = LayerNorm(h), over rows of positions: (T, W) -> (T, W)."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(2 * width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, h_TW: Tensor, begun_T1: Tensor, drop: _Dropout) -> Tensor:
        """Return the output. `begun_T1` is 1 at positions with a predecessor at distance `dilation`, otherwise 0."""
        u_TW = self.norm(h_TW)
        before_TW = functional.pad(u_TW[: -self.dilation], (0, 0, self.dilation, 0))[: len(u_TW)] * begun_T1
        return h_TW + self.branch(u_TW, before_TW, drop)

    def branch(self, u_BW: Tensor, before_BW: Tensor, drop: _Dropout) -> Tensor:
        """Return the residual branch."""
        added: Tensor = self.outer(drop(functional.relu(self.inner(torch.cat([u_BW, before_BW], dim=1)))))
        return added


class CausalNetwork(nn.Module):
    """Log probabilities of symbols given the previous ones, teacher-forced or one position at a time.

    The first layer sums K rows of a table of K (V + 1) rows, one for each tap and symbol (V: before the string), a row
    for the position and, with `counts` = C, one row of a table of V C rows for each earlier symbol that is the first to
    the C-th occurrence of this symbol.

    Args:
        settings: sizes.
    """

    def __init__(self, settings: CausalSettings) -> None:
        super().__init__()
        self.settings = settings
        size, width = settings.vocabulary_size, settings.width
        self.taps = nn.Parameter(torch.zeros(settings.kernel * (size + 1), width))
        self.places = nn.Parameter(torch.zeros(settings.length, width))
        self.occurrences = nn.Parameter(torch.zeros(size * settings.counts, width)) if settings.counts else None
        self.blocks = nn.ModuleList(CausalBlock(width, 2**k) for k in range(settings.blocks))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, size)

    @torch.no_grad()
    def draw_weights(self, seed: int, first: int = 0) -> None:
        """Initialise the weights as a function of (seed, first). Each block's residual branch is 0 at first.

        Args:
            seed: random seed.
            first: index of the first tensor, so that two networks of one run differ.
        """
        settings = self.settings
        deviations = {"taps": 1 / math.sqrt(settings.kernel), "places": 0.0}
        deviations["occurrences"] = 1 / math.sqrt(3 * settings.vocabulary_size * max(1, settings.counts))
        for place, (name, parameter) in enumerate(self.named_parameters(), first):
            if "norm." in name:
                continue
            fan_in = parameter.shape[-1]
            deviation = deviations.get(name, 1 / math.sqrt(3 * fan_in))
            if name.endswith(("bias", "outer.weight")):
                deviation = 0.0
            index_N = torch.tensor([place])
            parameter.copy_(
                (deviation * normal(seed, Stream.INITIALIZATION, index_N, parameter.numel())).view_as(parameter)
            )

    def flat(self, ids_BL: Tensor, *, every: bool = False) -> FlatBatch:
        """Return the positions of (B, L) ids up to and including each string's end; with `every`, all of them."""
        size, kernel = self.settings.vocabulary_size, self.settings.kernel
        ids_BL = ids_BL.long()
        kept_BL = torch.ones_like(ids_BL, dtype=torch.bool)
        if not every:
            kept_BL[:, 1:] = (ids_BL[:, :-1] == PAD).cumsum(dim=1) == 0
        context_BLK = functional.pad(ids_BL, (kernel, 0), value=size)[:, :-1].unfold(1, kernel, 1)
        row_T, place_T = kept_BL.nonzero(as_tuple=True)
        return FlatBatch(
            target_T=ids_BL[kept_BL],
            context_TK=context_BLK[kept_BL],
            place_T=place_T,
            row_T=row_T,
            kept_BL=kept_BL,
            entry_BL=None if self.occurrences is None else self._entries(ids_BL),
        )

    def _entries(self, ids_BL: Tensor) -> Tensor:
        earlier_BLL = (ids_BL[:, :, None] == ids_BL[:, None, :]).tril(-1)
        return self._entry(ids_BL, earlier_BLL.sum(dim=2))

    def _entry(self, ids: Tensor, nth: Tensor) -> Tensor:
        """Return the table index of symbols that have occurred `nth` times before; -1 beyond the table."""
        counts = self.settings.counts
        return torch.where(nth < counts, ids * counts + nth, -1)

    def _occurred(self, entry: Tensor) -> Tensor:
        """Return the rows of the table of occurrences, zeros for entry -1."""
        assert self.occurrences is not None
        return functional.embedding(entry.clamp(min=0), self.occurrences) * (entry >= 0)[..., None]

    def forward(self, batch: FlatBatch, dropout: torch.Generator | None = None) -> Tensor:
        """Return the logits (T, V) of all positions, teacher-forced.

        Args:
            batch: the result of `flat`.
            dropout: source of the masks; None: no dropout.
        """
        drop = _Dropout(self.settings.dropout, dropout)
        h_TW = self._entered(batch.context_TK, self.places[batch.place_T])
        if batch.entry_BL is not None:
            # A product with a matrix of zeros and ones is many times faster than a cumulative sum along the middle
            # axis.
            earlier_LL = torch.ones(2 * (self.settings.length,), device=h_TW.device).tril(-1)
            h_TW = h_TW + (earlier_LL @ self._occurred(batch.entry_BL))[batch.kept_BL]
        for block in self._blocks():
            h_TW = block(h_TW, (batch.place_T >= block.dilation).to(h_TW)[:, None], drop)
        logits_TV: Tensor = self.output(drop(self.norm(h_TW)))
        return logits_TV

    def _entered(self, context_TK: Tensor, place_TW: Tensor) -> Tensor:
        tap_K = torch.arange(self.settings.kernel, device=context_TK.device) * (self.settings.vocabulary_size + 1)
        return functional.embedding_bag(context_TK + tap_K, self.taps, mode="sum") + place_TW

    def _blocks(self) -> Iterator[CausalBlock]:
        return (cast("CausalBlock", block) for block in self.blocks)

    def loss(self, ids_BL: Tensor, dropout: torch.Generator | None = None) -> Tensor:
        """Return the mean negative log-likelihood of (B, L) ids in nats per symbol, each string's end counted."""
        batch = self.flat(ids_BL)
        return functional.cross_entropy(self(batch, dropout), batch.target_T)

    @torch.no_grad()
    def log_likelihood(self, ids_NL: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-likelihoods of (N, L) ids in nats, float64 (N,), and the symbols of each, int64 (N,).

        Both are on the CPU, since some devices have no double precision. The symbols of a string are its characters and
        its end; strings of L characters have no end symbol.
        """
        together = max(1, SCORED_TOGETHER // self.settings.length)
        nats, sizes = [], []
        for ids_BL in torch.split(ids_NL, together):
            batch = self.flat(ids_BL)
            chosen_T = self(batch).log_softmax(dim=1).gather(1, batch.target_T[:, None])[:, 0].cpu().double()
            nats.append(chosen_T.new_zeros(len(ids_BL)).index_add_(0, batch.row_T.cpu(), chosen_T))
            sizes.append(batch.kept_BL.sum(dim=1).cpu())
        return torch.cat(nats), torch.cat(sizes)

    def nll(self, ids_NL: Tensor) -> float:
        """Return the mean negative log-likelihood of (N, L) ids in nats per symbol, each string's end counted."""
        nats_N, sizes_N = self.log_likelihood(ids_NL)
        return float(-nats_N.sum() / sizes_N.sum())

    @torch.no_grad()
    def sample(self, uniform_BL: Tensor, drawing: Drawing = PLAIN) -> Tensor:
        """Sample strings with given uniform numbers: (B, L) ids, int64, padded after their ends.

        Args:
            uniform_BL: float32 in [0, 1). String b depends only on row b and the weights, up to rounding, which can
                depend on B.
            drawing: temperature, and the probability below which symbols are not drawn.
        """
        steps = Steps(self, len(uniform_BL))
        ids_BL = torch.zeros(uniform_BL.shape, dtype=torch.int64, device=uniform_BL.device)
        last_B, open_B = ids_BL[:, 0].clone(), torch.ones_like(ids_BL[:, 0], dtype=torch.bool)
        for place in range(self.settings.length):
            logits_BV = steps.next(last_B if place else None)
            last_B = torch.where(open_B, drawn(logits_BV, uniform_BL[:, place], drawing), PAD)
            ids_BL[:, place] = last_B
            open_B = open_B & (last_B != PAD)
            if not open_B.any():
                break
        return ids_BL


@final
class Steps:
    """Step-by-step evaluation of several strings, with cached activations of earlier positions."""

    def __init__(self, network: CausalNetwork, strings: int) -> None:
        self.network, self.place = network, 0
        settings = network.settings
        device = network.taps.device
        self._context_BK = torch.full((strings, settings.kernel), settings.vocabulary_size, device=device)
        self._seen_BV = torch.zeros(strings, settings.vocabulary_size, dtype=torch.int64, device=device)
        self._told_BW = torch.zeros(strings, settings.width, device=device)
        self._past: list[list[Tensor]] = [[] for _ in network.blocks]

    def next(self, symbol_B: Tensor | None) -> Tensor:
        """Return the logits (B, V) of the next position, given the symbol at the last one; None at the first."""
        network = self.network
        if symbol_B is not None:
            self._take(symbol_B)
        h_BW = network._entered(self._context_BK, network.places[self.place]) + self._told_BW
        for block, past in zip(network._blocks(), self._past, strict=True):
            u_BW = block.norm(h_BW)
            past.append(u_BW)
            before_BW = past.pop(0) if len(past) > block.dilation else torch.zeros_like(u_BW)
            h_BW = h_BW + block.branch(u_BW, before_BW, _KEPT)
        self.place += 1
        logits_BV: Tensor = network.output(network.norm(h_BW))
        return logits_BV

    def _take(self, symbol_B: Tensor) -> None:
        network, symbol_B1 = self.network, symbol_B[:, None]
        self._context_BK = torch.cat([self._context_BK[:, 1:], symbol_B1], dim=1)
        if network.occurrences is not None:
            entry_B1 = network._entry(symbol_B1, self._seen_BV.gather(1, symbol_B1))
            self._told_BW = self._told_BW + network._occurred(entry_B1[:, 0])
            self._seen_BV.scatter_add_(1, symbol_B1, torch.ones_like(symbol_B1))


def drawn(logits_BV: Tensor, uniform_B: Tensor, drawing: Drawing, weight_BV: Tensor | None = None) -> Tensor:
    """Draw one symbol for each row of logits, int64 (B,), by inverse transform sampling.

    The distribution is softmax(logits / T + weights) without symbols whose probability is below epsilon; the most
    likely symbol is always kept.

    Args:
        logits_BV: float32.
        uniform_B: in [0, 1), float32.
        drawing: T and epsilon.
        weight_BV: log weights, -inf for symbols that are not allowed, finite for at least one per row; None: all are 0.
    """
    log_BV = logits_BV / drawing.temperature
    probability_BV = (log_BV if weight_BV is None else log_BV + weight_BV).softmax(dim=1)
    if drawing.epsilon:
        most_B1 = probability_BV.amax(dim=1, keepdim=True)
        kept_BV = (probability_BV >= drawing.epsilon) | (probability_BV == most_B1)
        probability_BV = probability_BV * kept_BV
    sum_BV = probability_BV.cumsum(dim=1)
    # A uniform is at most 1 - 2^-24, so its product with the total rounds to less than the total, and some id exceeds
    # it.
    bound_B1 = uniform_B[:, None] * sum_BV[:, -1:]
    return torch.searchsorted(sum_BV, bound_B1, right=True)[:, 0]
