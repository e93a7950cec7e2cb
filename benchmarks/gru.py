"""A GRU over characters, trained by maximum likelihood: what a user gets from a page of plain PyTorch.

An embedding of 32, one layer of 128 units, Adam whose rate falls with the root of the step. It is no part of the
package; tables hold the package's models against it.

Shape suffixes: B batch, N strings, L length, V vocabulary.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgan_wgp.text.corpus.dataset import CorpusItems
from seqgan_wgp.text.vocabulary import PAD
from seqgan_wgp.utils.arrays import Ints

BLOCK = 512
"""Strings drawn together; each block has a noise of its own, so string k depends on the seed and k alone."""

VALIDATED, PATIENCE = 2_000, 40
"""Validation rows that are looked at, and looks without a better one that end training."""

EMBEDDING, HIDDEN, BATCH, RATE, FALLS, NORM = 32, 128, 128, 4e-3, 400, 1.0

Mask = Callable[[int, Tensor], Tensor]
"""(position, ids (B,) drawn there before; zeros at 0) -> bool (B, V): what may be drawn."""


@final
class CharacterGru(nn.Module):
    """The probability of each character given those before it; a string ends at its first PAD.

    Args:
        vocabulary_size: V; id V stands for the beginning.
        length: L.
    """

    def __init__(self, vocabulary_size: int, length: int) -> None:
        super().__init__()
        self.vocabulary_size, self.length = vocabulary_size, length
        self.embedding = nn.Embedding(vocabulary_size + 1, EMBEDDING)
        self.gru = nn.GRU(EMBEDDING, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, vocabulary_size)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.output.weight.device

    def forward(self, ids_BL: Tensor) -> Tensor:
        """Return the logits (B, L, V) of each id given those before it."""
        before_BL = functional.pad(ids_BL[:, :-1], (1, 0), value=self.vocabulary_size)
        logits_BLV: Tensor = self.output(self.gru(self.embedding(before_BL))[0])
        return logits_BLV

    def loss(self, ids_BL: Tensor) -> Tensor:
        """Return the mean nats per character, a string's end counted and nothing behind it."""
        inside_BL = functional.pad((ids_BL[:, :-1] != PAD).cumprod(1), (1, 0), value=1)
        nats_BL = functional.cross_entropy(self(ids_BL).flatten(0, 1), ids_BL.flatten(), reduction="none")
        return (nats_BL.view_as(ids_BL) * inside_BL).sum() / inside_BL.sum()

    @torch.no_grad()
    def draw(self, count: int, noise: torch.Generator, allowed: Mask | None = None) -> Tensor:
        """Return (count, L) ids drawn one position after another, of the allowed ones alone."""
        last_B, state = torch.full((count,), self.vocabulary_size), None
        ended_B, drawn = torch.zeros(count, dtype=torch.bool), list[Tensor]()
        for position in range(self.length):
            out, state = self.gru(self.embedding(last_B)[:, None], state)
            logits_BV = self.output(out[:, 0])
            if allowed is not None:
                before_B = drawn[-1] if drawn else torch.zeros_like(last_B)
                logits_BV = logits_BV.masked_fill(~allowed(position, before_B), -math.inf)
            last_B = torch.multinomial(logits_BV.softmax(1), 1, generator=noise)[:, 0]
            last_B = last_B.masked_fill(ended_B, PAD)
            ended_B |= last_B == PAD
            drawn.append(last_B)
        return torch.stack(drawn, 1)

    def samples(
        self, n: int, *, seed: int = 0, start: int = 0, allowed: Callable[[], Mask] | None = None
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield (N, L) ids of strings number `start` on, n in all; `allowed` makes the mask of a block."""
        for block in range(start // BLOCK, math.ceil((start + n) / BLOCK)):
            noise = torch.Generator().manual_seed((seed * 1_000_003 + block) % 2**63)
            ids_BL = self.draw(BLOCK, noise, None if allowed is None else allowed())
            first = block * BLOCK
            yield ids_BL[max(start - first, 0) : start + n - first].numpy()


def fit(
    train: CorpusItems,
    vocabulary_size: int,
    length: int,
    marks: list[float],
    seed: int,
    validation_NL: Ints,
    *,
    validate_every: int = 50,
) -> Iterator[tuple[CharacterGru, int]]:
    """Train a GRU, and yield the one that validation rows like best, and its step, after so many seconds each.

    It ends early when PATIENCE looks at the validation rows in a row found nothing better; what it has by then is
    what later marks get too.

    Args:
        train: training items.
        vocabulary_size: V.
        length: L.
        marks: seconds of processor time, validation counted, in rising order.
        seed: of the first weights and of the batches.
        validation_NL: held-out rows that choose.
        validate_every: steps between looks at them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CharacterGru(vocabulary_size, length)
    batches, held_out = np.random.default_rng(seed), torch.from_numpy(validation_NL[:VALIDATED].astype(np.int64))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    best, lowest, stale, used, step = (copy.deepcopy(network), 0), math.inf, 0, 0.0, 0
    for mark in marks:
        while used < mark and stale < PATIENCE:
            began = time.process_time()
            rows_BL = train[batches.integers(0, len(train), BATCH)].astype(np.int64)
            optimizer.param_groups[0]["lr"] = RATE / math.sqrt(1 + step / FALLS)
            optimizer.zero_grad()
            network.loss(torch.from_numpy(rows_BL)).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), NORM)
            optimizer.step()
            step += 1
            if step % validate_every == 0:
                with torch.no_grad():
                    nats = network.loss(held_out).item()
                stale += 1
                if nats < lowest:
                    best, lowest, stale = (copy.deepcopy(network), step), nats, 0
            used += time.process_time() - began
        yield best
