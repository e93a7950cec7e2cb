"""Search for the latent vector of a given string, and generate strings around it.

The search goes down a gradient in the latent, as in Creswell and Bharath 2018, "Inverting the generator of a
generative adversarial network", from several latents at once.

Shape suffixes: R restarts, N latents, Z latent, L length, V vocabulary.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn

from ...errors import ConfigError
from ...training.latent_space import LATENT_SPACES
from ...training.latents import BLOCK, generate_at
from ..domain import TextSpec
from ..networks import log_probabilities
from ..vocabulary import PAD, UNKNOWN
from .scoring import encoded_strings, log_probability

RESTARTS = 32
"""Latents that a search begins at."""

STEPS = 300
"""Steps of Adam at most."""

RATE = 0.5
"""Learning rate of Adam at the first step; it falls to 0 along half a cosine."""

ENOUGH_NATS = 0.1
"""A latent that costs so little more than the least possible ends the search."""

CANDIDATES_LEAST, CANDIDATES_EACH = 8_192, 32
"""Latents around a text's that are looked at: so many for each neighbour wanted, but no fewer than the first."""

NEIGHBOURS_MOST = 100_000
"""Neighbours at most."""

CHARACTERS_SHOWN = 100
"""Of what a model knows, in a message."""

Latents = Callable[[Tensor], Tensor]
"""Numbers (N,), int64 -> latents (N, Z), as those that the generator was trained on."""


@final
@dataclass(frozen=True, kw_only=True)
class Inversion:
    """The latent that was found for a text."""

    text: str
    """What was looked for."""

    decoded: str
    """The latent's own string: the text, where the search came to its end."""

    latent_Z: Tensor
    """Float32, on the CPU."""

    log_probability: float
    """Of the text under the latent's table, natural."""

    edits: int
    """Characters to insert, delete or replace between the two (Levenshtein 1966)."""


@final
@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A string of a latent near that of a text."""

    text: str
    distance: float
    """Of the two latents: at 0 they are one, at 1 they have nothing in common."""


@final
@dataclass(frozen=True, kw_only=True)
class Generating:
    """A generator of text, and what its latents and tables mean."""

    generator: nn.Module
    """(B, Z) -> (B, L, V), in evaluation; its `logits` are what comes before the softmax."""

    spec: TextSpec
    distribution: str
    """Of latents: a key of LATENT_SPACES."""

    device: torch.device


def invert(model: Generating, text: str, latents: Latents) -> Inversion:
    """Return the latent whose string is the text, or else the one under which the text is likeliest.

    What the search makes small is, in nats, -log p(text | latent) + what the latent costs in its LATENT_SPACES: a
    latent that is not typical is not one that the generator was trained on, and has no good neighbours.

    Args:
        model: what is searched.
        text: 1 to L characters of its vocabulary.
        latents: where the search begins.

    Raises:
        ConfigError: the text is none that the model could give.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        target_L = _target(model.spec, text)
        latent_RZ = _search(model, target_L.to(model.device), latents).cpu()
    table_RLV = torch.cat([table.cpu() for table in generate_at(model.generator, latent_RZ, model.device)])
    log_probability_R = log_probability(table_RLV, target_L.expand(RESTARTS, -1))
    decoded = model.spec.to_text(model.spec.decode(table_RLV))
    cost_R = (LATENT_SPACES[model.distribution].cost(latent_RZ) - log_probability_R).tolist()
    best = min(range(RESTARTS), key=lambda restart: (decoded[restart] != text, cost_R[restart]))
    return Inversion(
        text=text,
        decoded=decoded[best],
        latent_Z=latent_RZ[best],
        log_probability=log_probability_R[best].item(),
        edits=Levenshtein.distance(text, decoded[best]),
    )


def _target(spec: TextSpec, text: str) -> Tensor:
    """Return the (L,) ids of a text. Raises ConfigError when it is empty, too long, or has unknown characters."""
    if not text:
        raise ConfigError("the text is empty", "give one of at least one character")
    ids_NL, sizes_N = encoded_strings(spec.vocabulary, [text], spec.length)
    if sizes_N[0] > spec.length:
        raise ConfigError(
            f"{text!r} has {sizes_N[0]:,} {spec.vocabulary.plural}, but the model's strings have at most {spec.length}"
        )
    if (ids_NL == UNKNOWN).any():
        known = "".join(spec.vocabulary.texts)
        unknown = ", ".join(repr(character) for character in dict.fromkeys(text) if character not in known)
        shown = known if len(known) <= CHARACTERS_SHOWN else known[:CHARACTERS_SHOWN] + "..."
        raise ConfigError(f"{text!r} has characters that the model does not know: {unknown}", f"it knows: {shown!r}")
    return torch.from_numpy(ids_NL[0].astype("int64"))


def _search(model: Generating, target_L: Tensor, latents: Latents) -> Tensor:
    """Return the latents (R, Z) at which the search ends."""
    space = LATENT_SPACES[model.distribution]
    latent_RZ = latents(torch.arange(RESTARTS, device=model.device)).clone().requires_grad_(True)
    adam = torch.optim.Adam([latent_RZ], lr=RATE)
    for step in range(STEPS):
        cost_R = space.cost(latent_RZ) - _log_probability(model.generator, latent_RZ, target_L)
        if cost_R.min() < ENOUGH_NATS:
            break
        (latent_RZ.grad,) = torch.autograd.grad(cost_R.sum(), latent_RZ)
        adam.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        adam.step()
        with torch.no_grad():
            latent_RZ.copy_(space.confined(latent_RZ))
    return latent_RZ.detach()


def _log_probability(generator: nn.Module, latent_RZ: Tensor, target_L: Tensor) -> Tensor:
    """Return log p (R,) of a text, its first pad counted, under each latent's table; differentiable."""
    counted = min(int((target_L != PAD).sum()) + 1, len(target_L))
    log_RLV = log_probabilities(generator)(latent_RZ)
    chosen_RL = log_RLV.gather(2, target_L.expand(len(latent_RZ), -1)[..., None])[..., 0]
    return chosen_RL[:, :counted].sum(dim=1)


def neighbours(
    model: Generating, found: Inversion, latents: Latents, n: int = 10, distance: float = 1.0
) -> Iterator[Neighbour]:
    """Yield different strings of latents around that of a text, nearest first; never the text itself.

    Candidate k of K lies at distance (k + 1) / K of the largest, in the direction of latent number k.

    Args:
        model: what generates.
        found: the text's latent.
        latents: to go towards.
        n: strings at most. There are fewer where the candidates have fewer different ones.
        distance: the largest, above 0, at most 1: no more of the text's latent than of any other.

    Raises:
        ConfigError: no such number, or no such distance.
    """
    check_neighbours(n, distance)
    candidates = max(CANDIDATES_LEAST, CANDIDATES_EACH * n)
    return itertools.islice(_different(_around(model, found, latents, candidates, distance), found.text), n)


def check_neighbours(n: int, distance: float) -> None:
    """Raise ConfigError unless so many neighbours can be asked for, and so far."""
    if not 1 <= n <= NEIGHBOURS_MOST:
        raise ConfigError(f"n is {n:,}, but it must be 1 to {NEIGHBOURS_MOST:,}")
    if not 0 < distance <= 1:
        raise ConfigError(f"distance is {distance:g}, but it must be above 0, and at most 1")


def _around(
    model: Generating, found: Inversion, latents: Latents, candidates: int, distance: float
) -> Iterator[Neighbour]:
    """Yield the strings of candidates, nearest first, and before them that of the text's own latent."""
    yield Neighbour(text=found.decoded, distance=0.0)
    blended = LATENT_SPACES[model.distribution].blended
    latent_Z = found.latent_Z.to(model.device)
    for first in range(0, candidates, BLOCK):
        index_N = torch.arange(first, min(first + BLOCK, candidates), device=model.device)
        share_N = distance * (index_N + 1) / candidates
        latent_NZ = blended(latent_Z, latents(index_N), share_N)
        (table_NLV,) = generate_at(model.generator, latent_NZ, model.device)
        for text, share in zip(model.spec.to_text(model.spec.decode(table_NLV)), share_N.tolist(), strict=True):
            yield Neighbour(text=text, distance=share)


def _different(around: Iterator[Neighbour], text: str) -> Iterator[Neighbour]:
    seen = {text}
    for neighbour in around:
        if neighbour.text not in seen:
            seen.add(neighbour.text)
            yield neighbour
