"""Fusion: an n-gram model of the training lines, with the weights of generator and n-gram model in decoding.

Shape suffixes: N n-grams or strings, K ids of an n-gram, B strings of a block, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...errors import CheckpointError, ConfigError, one_line
from ..constrained.trellis import Trellis
from .decode import Powers, fused_allowed_strings, fused_strings
from .ngram_model import NgramModel

PART = "fusion"
"""What the names of a fusion's tensors in a model file begin with, and the name of its facts there."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Fusion:
    """What strings are drawn by beside the generator. Make one with `runs.fuse`, or read it with `fusion_of`."""

    ngrams: NgramModel
    powers: Powers
    facts: Mapping[str, Any]
    """How it was chosen, as JSON values."""

    def strings(
        self,
        log_BLV: npt.NDArray[Any],
        uniform_BL: npt.NDArray[Any],
        temperature: float = 1.0,
        trellis: Trellis | None = None,
    ) -> npt.NDArray[np.int64]:
        """Return one string for each table, (B, L) ids, padded.

        Args:
            log_BLV: natural logs of the generator's probabilities, on the host.
            uniform_BL: in [0, 1), one number for each position.
            temperature: T, which divides both powers.
            trellis: the allowed strings; None: all.
        """
        powers = self.powers if temperature == 1 else self.powers.at(temperature)
        if trellis is None:
            return fused_strings(log_BLV, self.ngrams.table, powers, uniform_BL)
        return fused_allowed_strings(trellis, log_BLV, self.ngrams.table, powers, uniform_BL)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the n-grams and their counts to write into a model file, by name."""
        kind = np.uint8 if self.ngrams.vocabulary_size < 256 else np.int32
        return {
            f"{PART}.ngrams": torch.from_numpy(self.ngrams.ngram_NK.astype(kind)),
            f"{PART}.counts": torch.from_numpy(self.ngrams.count_N.astype(np.int32)),
        }

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values to write into a model file beside the tensors."""
        return {"powers": asdict(self.powers), "facts": dict(self.facts)}


def fusion_of(facts: Mapping[str, Any], tensors: Mapping[str, Tensor], vocabulary_size: int) -> Fusion:
    """Return the fusion that a model file has, from its facts and tensors.

    Raises:
        CheckpointError: what is there is not one.
    """
    try:
        ngram_NK, count_N = (tensors[f"{PART}.{name}"].numpy() for name in ("ngrams", "counts"))
        return Fusion(
            ngrams=NgramModel.of_ngrams(ngram_NK, count_N, vocabulary_size),
            powers=Powers(**facts["powers"]),
            facts=facts["facts"],
        )
    except (KeyError, TypeError, ValueError, IndexError, ConfigError) as error:
        reason = error.message if isinstance(error, ConfigError) else one_line(error)
        raise CheckpointError(f"the fusion's part of the model file is not readable ({reason})") from None
