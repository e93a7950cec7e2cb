"""Score strings: by the critic, and by their log probability under the generator's output.

A score has no unit and no zero of its own. It ranks strings of one model: higher ones are more like lines of the corpus
than like what the generator made of it in training. Of strings that are like neither, the critic has learnt nothing.

Shape suffixes: N strings, L length, V vocabulary.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...training.latents import BLOCK
from ...training.precision import rounding
from ..domain import TextSpec
from ..vocabulary import PAD, UNKNOWN, Vocabulary, mask_after_pad

EMPTY, TOO_LONG, HAS_UNKNOWN = "empty", "too_long", "unknown"
"""Flags of what the critic cannot have seen, or not in full."""


@final
@dataclass(frozen=True, kw_only=True)
class Scored:
    """A string and its score."""

    text: str
    score: float
    """Of what the model can see of the string: its first L characters, those unknown to it as unknown ones."""

    flag: str
    """What the score leaves out: "empty", "too_long", "unknown", "too_long+unknown"; mostly ""."""

    @property
    def shown(self) -> str:
        r"""The text as it can be written: a byte that is no UTF-8 as \xNN, as strings of the model show it."""
        return _utf8(self.text).decode("utf-8", "backslashreplace")


def scored(critic: nn.Module, spec: TextSpec, strings: Iterable[str], device: torch.device) -> Iterator[Scored]:
    """Yield the strings with their scores, all of them and in order, in constant memory.

    Args:
        critic: (B, L, V) -> (B,), in evaluation.
        spec: vocabulary and length. Of a vocabulary of bytes, surrogates U+DC80 to U+DCFF stand for bytes that are no
            UTF-8, as Python's "surrogateescape" writes them.
        strings: taken a block at a time; any number of them.
        device: where the critic lives.
    """
    strings = iter(strings)
    while block := list(itertools.islice(strings, BLOCK)):
        ids_NL, sizes_N = encoded_strings(spec.vocabulary, block, spec.length)
        score_N = critic_scores(critic, spec, ids_NL, device).tolist()
        unknown_N = (ids_NL == UNKNOWN).any(axis=1).tolist()
        for text, size, score, unknown in zip(block, sizes_N.tolist(), score_N, unknown_N, strict=True):
            yield Scored(text=text, score=score, flag=_flag(size, spec.length, unknown=unknown))


def _flag(size: int, length: int, *, unknown: bool) -> str:
    flags = {EMPTY: size == 0, TOO_LONG: size > length, HAS_UNKNOWN: unknown}
    return "+".join(flag for flag, raised in flags.items() if raised)


def encoded_strings(
    vocabulary: Vocabulary, strings: Sequence[str], length: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.int64]]:
    """Return (N, L) ids, cropped and padded, and how many units each string has in full."""
    if not vocabulary.is_byte:
        symbols = vocabulary.symbols(strings)
        sizes_N = np.fromiter(map(len, symbols), np.int64, len(symbols))
        return vocabulary.encode_symbols(symbols, length), sizes_N
    pieces = [_utf8(string) for string in strings]
    ids_NL = np.full((len(strings), length), PAD, vocabulary.dtype)
    for row_L, piece in zip(ids_NL, pieces, strict=True):
        kept = np.frombuffer(piece[:length], np.uint8)
        row_L[: len(kept)] = vocabulary.table[kept]
    return ids_NL, np.fromiter(map(len, pieces), np.int64, len(pieces))


def _utf8(string: str) -> bytes:
    try:
        return string.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character of UTF-16, which stands for no byte
        return string.encode("utf-8", "surrogatepass")


@torch.inference_mode()
def critic_scores(
    critic: nn.Module, spec: TextSpec, ids_NL: npt.NDArray[np.integer], device: torch.device
) -> npt.NDArray[np.float32]:
    """Return the critic's scores (N,), float32, of the strings that ids mean: each up to its first pad.

    They go through the critic in blocks of BLOCK, the last filled up, so that a string's score does not depend on how
    many others are scored with it, nor, but for the last digits on some devices, on its place among them.
    """
    scores = []
    for first in range(0, len(ids_NL), BLOCK):
        block_BL = np.full((BLOCK, spec.length), PAD, np.int64)
        part_NL = ids_NL[first : first + BLOCK]
        block_BL[: len(part_NL)] = mask_after_pad(part_NL)
        with rounding("float32", device):
            score_B: Tensor = critic(spec.embed(torch.from_numpy(block_BL).to(device)))
        scores.append(score_B[: len(part_NL)].float().cpu().numpy())
    return np.concatenate(scores) if scores else np.zeros(0, np.float32)


def log_probability(probabilities_NLV: Tensor, ids_NL: Tensor) -> Tensor:
    """Return the log probabilities (N,), float64 on the host, natural, of strings under tables of positions.

    log p(s) = sum over i <= l of log p_i(s_i), where s_l is the first pad; a string without one has L terms. So each
    string of at most L characters has one probability, and all of them sum to 1. Minus infinity where a p is 0.

    Args:
        probabilities_NLV: float32.
        ids_NL: integers, on the same device; what stands behind the first pad does not count.
    """
    pad_NL = ids_NL == PAD
    behind_NL = (pad_NL.cumsum(dim=1) - pad_NL.long()) > 0
    chosen_NL = probabilities_NLV.gather(2, ids_NL.long()[..., None])[..., 0].masked_fill(behind_NL, 1.0)
    return chosen_NL.cpu().double().log().sum(dim=1)
