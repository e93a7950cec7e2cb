"""The contribution of each character of a string to its critic score and probability.

Shape suffixes: L length, V vocabulary, P places of the string.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from ..model import Model
from ..text.causal_generator import CausalGenerator
from ..text.generation.scoring import encoded_strings
from ..text.vocabulary import PAD, UNKNOWN
from ..utils.devices import matmul_precision

MAX_STRINGS = 50


@final
@dataclass(frozen=True, kw_only=True)
class Explained:
    """A string, its score, and what each symbol adds."""

    text: str
    score: float
    """The critic's score."""

    flag: str
    """As in `Scored`."""

    log_probability: float | None
    """Natural log probability under a model that has one, the end of the string counted; otherwise None."""

    symbols: tuple[tuple[str, float], ...]
    """(symbol, what it adds) of the symbols that the model sees. See `explain` for the unit."""


def explain(model: Model, strings: list[str]) -> list[Explained]:
    """Score strings and attribute what the model makes of them to their symbols.

    For a model with a likelihood, a symbol adds its log probability given those before it, minus that of a uniform
    draw, in nats. For another one, it adds what the critic's score loses when the symbol is hidden: when its position
    holds all symbols with equal probability (occlusion, Zeiler and Fergus 2014, arXiv:1311.2901).

    Raises ConfigError for a model that is not of text.
    """
    spec = model.text_spec("score")
    model.refuse_labels("score in the studio")
    found = model.score(strings)
    ids_NL, _ = encoded_strings(spec.vocabulary, strings, spec.length)
    explained = []
    for one, ids_L in zip(found, ids_NL, strict=True):
        places = int((np.cumsum(ids_L == PAD) == 0).sum())
        adds_P, total = _nats(model, ids_L, places) if _is_causal(model) else (_hidden(model, ids_L, places), None)
        names = [*spec.vocabulary.symbols([one.text])[0]] if not spec.vocabulary.is_byte else list(one.shown)
        symbols = tuple(zip(names[:places], adds_P.tolist(), strict=False))
        explained.append(
            Explained(text=one.shown, score=one.score, flag=one.flag, log_probability=total, symbols=symbols)
        )
    return explained


def _is_causal(model: Model) -> bool:
    return isinstance(model.generator, CausalGenerator)


@torch.inference_mode()
def _hidden(model: Model, ids_L: np.ndarray[tuple[int], np.dtype[np.integer]], places: int) -> torch.Tensor:
    """Return the critic's score minus its score with each of the places hidden, (P,)."""
    spec = model.text_spec("score")
    whole_1LV = spec.embed(torch.from_numpy(ids_L.astype(np.int64))[None].to(model.device))
    hidden_V = torch.ones(spec.vocabulary.size, device=model.device)
    hidden_V[[PAD, UNKNOWN]] = 0
    all_PLV = whole_1LV.repeat(places + 1, 1, 1)
    place_P = torch.arange(places)
    all_PLV[place_P, place_P] = hidden_V / hidden_V.sum()
    with matmul_precision("float32", model.device):
        score_P: torch.Tensor = model.critic(all_PLV)
    return (score_P[-1] - score_P[:-1]).float().cpu()


@torch.inference_mode()
def _nats(model: Model, ids_L: np.ndarray[tuple[int], np.dtype[np.integer]], places: int) -> tuple[torch.Tensor, float]:
    """Return log p(symbol | those before) + log V of each place, and the log probability of the string."""
    assert isinstance(model.generator, CausalGenerator)
    network = model.generator.network
    batch = network.flat(torch.from_numpy(ids_L.astype(np.int64))[None].to(model.device))
    log_TV = network(batch).log_softmax(dim=1)
    chosen_T = log_TV.gather(1, batch.target_T[:, None])[:, 0].double().cpu()
    return chosen_T[:places] + float(np.log(log_TV.shape[1])), float(chosen_T.sum())
