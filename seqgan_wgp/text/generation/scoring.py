"""Score strings by the critic, and by their log probability under the generator's output.

A score has no unit and no meaningful zero. It ranks strings for one model: a higher score means more like lines of the
corpus and less like strings of the generator in training. It means nothing for strings that resemble neither.

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

from ...training.labels import with_label
from ...training.latents import BLOCK
from ...utils.devices import matmul_precision
from ..domain import TextSpec
from ..vocabulary import PAD, UNKNOWN, Vocabulary, mask_after_pad

EMPTY, TOO_LONG, HAS_UNKNOWN = "empty", "too_long", "unknown"
"""Flags of strings that the critic cannot see in full or was never trained on."""


@final
@dataclass(frozen=True, kw_only=True)
class Scored:
    """A string and its score."""

    text: str
    score: float
    """Score of the string as the model sees it: its first L characters, with unknown ones as unknown."""

    flag: str
    """"empty", "too_long", "unknown", "too_long+unknown", or "" for none of these."""

    @property
    def shown(self) -> str:
        r"""The printable text: a byte that is not valid UTF-8 as \xNN, as in generated strings."""
        return shown(self.text)


def shown(text: str) -> str:
    r"""Return a string in printable form: a byte that is not valid UTF-8 as \xNN."""
    return _utf8(text).decode("utf-8", "backslashreplace")


def scored(
    critic: nn.Module, spec: TextSpec, strings: Iterable[str], device: torch.device, label: int | None = None
) -> Iterator[Scored]:
    """Yield all strings with their scores, in order and in constant memory.

    Args:
        critic: (B, L, V) -> (B,), in evaluation mode.
        spec: vocabulary and length. For a vocabulary of bytes, surrogates U+DC80 to U+DCFF represent bytes that are not
            valid UTF-8, as in Python's "surrogateescape".
        strings: any number of strings, read in blocks.
        device: device of the critic.
        label: number of the label that the strings are scored by, if the critic is told labels.
    """
    strings = iter(strings)
    while block := list(itertools.islice(strings, BLOCK)):
        ids_NL, sizes_N = encoded_strings(spec.vocabulary, block, spec.length)
        label_N = None if label is None else np.full(len(block), label)
        score_N = critic_scores(critic, spec, ids_NL, device, label_N).tolist()
        unknown_N = (ids_NL == UNKNOWN).any(axis=1).tolist()
        for text, size, score, unknown in zip(block, sizes_N.tolist(), score_N, unknown_N, strict=True):
            yield Scored(text=text, score=score, flag=flag_of(size, spec.length, unknown=unknown))


def flag_of(size: int, length: int, *, unknown: bool) -> str:
    """Return the flag of a string of `size` units, for a model of strings of `length`; see `Scored.flag`."""
    flags = {EMPTY: size == 0, TOO_LONG: size > length, HAS_UNKNOWN: unknown}
    return "+".join(flag for flag, raised in flags.items() if raised)


def encoded_strings(
    vocabulary: Vocabulary, strings: Sequence[str], length: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.int64]]:
    """Return (N, L) ids, cropped and padded, and the full number of units of each string."""
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
    except UnicodeEncodeError:  # half a surrogate pair, which represents no byte
        return string.encode("utf-8", "surrogatepass")


@torch.inference_mode()
def critic_scores(
    critic: nn.Module,
    spec: TextSpec,
    ids_NL: npt.NDArray[np.integer],
    device: torch.device,
    label_N: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the critic's scores (N,), float32, of strings given as ids, each up to its first pad.

    The critic processes blocks of BLOCK strings, the last one padded. So a string's score does not depend on the number
    of strings, nor on its position, up to the last digits on some devices.

    A critic of strings with labels is told `label_N`.
    """
    scores = []
    for first in range(0, len(ids_NL), BLOCK):
        block_BL = np.full((BLOCK, spec.length), PAD, np.int64)
        part_NL = ids_NL[first : first + BLOCK]
        block_BL[: len(part_NL)] = mask_after_pad(part_NL)
        items = torch.from_numpy(block_BL)
        if label_N is not None:
            label_B = np.zeros(BLOCK, np.int64)
            label_B[: len(part_NL)] = label_N[first : first + BLOCK]
            items = with_label(items, torch.from_numpy(label_B))
        with matmul_precision("float32", device):
            score_B: Tensor = critic(spec.embed(items.to(device)))
        scores.append(score_B[: len(part_NL)].float().cpu().numpy())
    return np.concatenate(scores) if scores else np.zeros(0, np.float32)


def log_probability(probabilities_NLV: Tensor, ids_NL: Tensor, *, logs: bool = False) -> Tensor:
    """Return the natural log probabilities (N,), float64 on the CPU, of strings under tables of probabilities.

    log p(s) = sum over i <= l of log p_i(s_i), where s_l is the first pad; a string without pad has L terms. So the
    probabilities of all strings of at most L characters sum to 1. The result is minus infinity if a p is 0.

    Args:
        probabilities_NLV: float32.
        ids_NL: integers, on the same device; ids after the first pad are ignored.
        logs: whether the tables contain natural logs instead of probabilities.
    """
    pad_NL = ids_NL == PAD
    behind_NL = (pad_NL.cumsum(dim=1) - pad_NL.long()) > 0
    chosen_NL = probabilities_NLV.gather(2, ids_NL.long()[..., None])[..., 0]
    chosen_NL = chosen_NL.masked_fill(behind_NL, 0.0 if logs else 1.0).cpu().double()
    return (chosen_NL if logs else chosen_NL.log()).sum(dim=1)
