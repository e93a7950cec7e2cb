"""Search for the latent vector of a given string, and generate strings around it.

The search is gradient descent in latent space from several starting points, as in Creswell and Bharath 2018, "Inverting
the generator of a generative adversarial network".

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
"""Number of starting points of a search."""

STEPS = 300
"""Largest number of Adam steps."""

RATE = 0.5
"""Initial learning rate of Adam, with cosine decay to 0."""

ENOUGH_NATS = 0.1
"""The search ends when the loss is this close to its lower bound."""

MIN_CANDIDATES, CANDIDATES_EACH = 8_192, 32
"""Number of latents tried around that of a text: the minimum, and the number per requested neighbour."""

MAX_NEIGHBOURS = 100_000
"""Largest number of neighbours."""

CHARACTERS_SHOWN = 100
"""Number of known characters shown in a message."""

Latents = Callable[[Tensor], Tensor]
"""Indices (N,), int64 -> latents (N, Z) from the training distribution."""


@final
@dataclass(frozen=True, kw_only=True)
class Inversion:
    """The latent found for a text."""

    text: str
    """The text."""

    decoded: str
    """The decoded string of the latent; the text itself if the search succeeded."""

    latent_Z: Tensor
    """Float32, on the CPU."""

    log_probability: float
    """Natural log probability of the text, given the latent."""

    edits: int
    """Edit distance between the two (Levenshtein 1966)."""


@final
@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A string whose latent is near that of a text."""

    text: str
    distance: float
    """Distance of the two latents: 0 when they are equal, 1 when they are independent."""


@final
@dataclass(frozen=True, kw_only=True)
class LatentGenerator:
    """A text generator with its spec and latent distribution."""

    generator: nn.Module
    """(B, Z) -> (B, L, V), in evaluation mode; `logits` returns the values before the softmax."""

    spec: TextSpec
    distribution: str
    """Latent distribution: a key of LATENT_SPACES."""

    device: torch.device


def invert(model: LatentGenerator, text: str, latents: Latents) -> Inversion:
    """Return a latent that decodes to the text, or else the one under which the text is most likely.

    The search minimises -log p(text | latent) + the cost of the latent in its LATENT_SPACES, in nats. The cost keeps
    latents typical, since the generator was trained on typical ones, and others have poor neighbours.

    Args:
        model: the generator.
        text: 1 to L characters of its vocabulary.
        latents: starting points.

    Raises:
        ConfigError: the model cannot generate the text.
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


def _search(model: LatentGenerator, target_L: Tensor, latents: Latents) -> Tensor:
    """Return the final latents (R, Z) of the search."""
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
            latent_RZ.copy_(space.project(latent_RZ))
    return latent_RZ.detach()


def _log_probability(generator: nn.Module, latent_RZ: Tensor, target_L: Tensor) -> Tensor:
    """Return log p (R,) of a text, including its first pad, under each latent; differentiable."""
    counted = min(int((target_L != PAD).sum()) + 1, len(target_L))
    log_RLV = log_probabilities(generator)(latent_RZ)
    chosen_RL = log_RLV.gather(2, target_L.expand(len(latent_RZ), -1)[..., None])[..., 0]
    return chosen_RL[:, :counted].sum(dim=1)


def neighbours(
    model: LatentGenerator, found: Inversion, latents: Latents, n: int = 10, distance: float = 1.0
) -> Iterator[Neighbour]:
    """Yield distinct strings whose latents are around that of a text, nearest first, without the text itself.

    Candidate k of K is at distance (k + 1) / K of the largest, in the direction of latent k.

    Args:
        model: the generator.
        found: the latent of the text.
        latents: directions.
        n: largest number of strings; the candidates may have fewer distinct ones.
        distance: the largest distance, above 0 and at most 1, where the latent is independent of that of the text.

    Raises:
        ConfigError: a number or distance out of bounds.
    """
    check_neighbours(n, distance)
    candidates = max(MIN_CANDIDATES, CANDIDATES_EACH * n)
    return itertools.islice(_different(_around(model, found, latents, candidates, distance), found.text), n)


def check_neighbours(n: int, distance: float) -> None:
    """Raise ConfigError for a number or distance out of bounds."""
    if not 1 <= n <= MAX_NEIGHBOURS:
        raise ConfigError(f"n is {n:,}, but it must be 1 to {MAX_NEIGHBOURS:,}")
    if not 0 < distance <= 1:
        raise ConfigError(f"distance is {distance:g}, but it must be above 0, and at most 1")


def _around(
    model: LatentGenerator, found: Inversion, latents: Latents, candidates: int, distance: float
) -> Iterator[Neighbour]:
    """Yield the string of the text's own latent and then those of candidates, nearest first."""
    yield Neighbour(text=found.decoded, distance=0.0)
    blended = LATENT_SPACES[model.distribution].blend
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
