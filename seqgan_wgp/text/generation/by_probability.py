"""All strings that satisfy the constraints, the most probable first.

The probability of a string is p(x) = E_z prod_t p_z(x_t), estimated as the mean over the first LATENTS latents of the
seed; with a causal generator it is exact. It is the generator's own: neither temperature nor n-gram model change it.
Equally probable strings are in the order of their ids. What the constraints cost is not a number, since such a string
is not decoded from one latent.

Shape suffixes: S strings, N those of a block, L length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from ...errors import ConfigError
from ...training.latents import BLOCK
from ...utils.arrays import Floats
from ..causal_generator import CausalGenerator
from ..constrained.constraints import Constraints
from ..constrained.decoder import compile_constraints
from ..constrained.log_probs import table_of
from ..constrained.space import MAX_ENUMERABLE, count_strings, space_of
from ..constrained.trellis import Trellis
from .request import Request, StringBlock
from .scoring import critic_scores
from .stream import TextModel

LATENTS = 4_096
"""Number of latents that a probability is averaged over."""


def space_trellis(model: TextModel, constraints: Constraints | None) -> Trellis:
    """Return the trellis of the non-empty strings that satisfy constraints. Raises ConfigError as `candidates` does."""
    wanted = constraints or Constraints(length=(1, None))
    return compile_constraints(wanted, model.spec.vocabulary, model.spec.length).trellis


def check_enumerable(size: int) -> None:
    """Raise ConfigError for more strings than are enumerated."""
    if size > MAX_ENUMERABLE:
        most = f"{MAX_ENUMERABLE:,} strings at most can be put into the order of their probability"
        raise ConfigError(f"{most}, but {size:,} satisfy the constraints", "narrow the constraints")


def by_probability(model: TextModel, request: Request, trellis: Trellis, first: int = 0) -> Iterator[StringBlock]:
    """Yield all strings of a trellis, the most probable first, in blocks; the index of a string is its rank.

    Args:
        model: the model.
        request: its seed determines the latents.
        trellis: at most MAX_ENUMERABLE strings.
        first: rank of the first string.

    Raises:
        ConfigError: it has more strings.
    """
    check_enumerable(count_strings(trellis))
    space = space_of(trellis)
    ids_SL = space.ids()
    if isinstance(model.generator, CausalGenerator):
        log_S = _of_causal(model.generator, ids_SL, model.device)
    else:
        labels = model.spec.shares(request.label)
        tables = model.tables(LATENTS, seed=request.seed, start=0, logs=True, labels=labels)
        log_S = space.log_probabilities(table_of(table_NLV, logs=True) for table_NLV in tables)
    order_S = np.lexsort((*ids_SL.T[::-1], -log_S))
    for start in range(first, len(order_S), BLOCK):
        rank_N = np.arange(start, min(start + BLOCK, len(order_S)))
        chosen_N = order_S[rank_N]
        ids_NL = ids_SL[chosen_N].astype(model.spec.vocabulary.dtype)
        label_N = _labels(model, request, len(rank_N))
        scores_N = None
        if request.scores:
            scores_N = np.full(len(rank_N), np.nan, np.float32)
            if label_N is None or label_N[0] >= 0:
                scores_N = critic_scores(model.critic, model.spec, ids_NL, model.device, label_N)
        yield StringBlock(
            index_N=rank_N,
            ids_NL=ids_NL,
            score_N=scores_N,
            log_probability_N=log_S[chosen_N],
            given_up_N=np.full(len(rank_N), np.nan),
            label_N=label_N,
        )


def _labels(model: TextModel, request: Request, count: int) -> npt.NDArray[np.int64] | None:
    """Return the labels of enumerated strings, -1 where several are asked for.

    The probability of such a string is the mean over these labels, and it has no score.
    """
    shares = model.spec.shares(request.label)
    if shares is None:
        return None
    given = [number for number, share in enumerate(shares.shares) if share]
    return np.full(count, given[0] if len(given) == 1 else -1)


@torch.inference_mode()
def _of_causal(generator: CausalGenerator, ids_SL: npt.NDArray[np.integer], device: torch.device) -> Floats:
    parts = []
    for first in range(0, len(ids_SL), BLOCK):
        ids_NL = torch.from_numpy(ids_SL[first : first + BLOCK].astype(np.int64)).to(device)
        parts.append(generator.network.log_likelihood(ids_NL)[0].cpu().double().numpy())
    return np.concatenate(parts)
