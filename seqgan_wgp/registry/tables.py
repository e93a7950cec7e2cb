"""The package's registries: one for each kind of entry that settings choose by name."""

from __future__ import annotations

from typing import Any

from .entries import (
    PACKAGE,
    Constraint,
    Context,
    Loss,
    Network,
    Normalization,
    OptimizerEntry,
    Registry,
    TextUnit,
    Validator,
)

LOSSES: Registry[Loss] = Registry("loss", f"{PACKAGE}.training.losses")
CONSTRAINTS: Registry[Constraint] = Registry("constraint", f"{PACKAGE}.training.penalties")
OPTIMIZERS: Registry[OptimizerEntry] = Registry("optimizer", f"{PACKAGE}.training.optimizers")
NORMALIZATIONS: Registry[Normalization] = Registry("normalization", f"{PACKAGE}.nn.layers")
CONTEXTS: Registry[Context] = Registry("context layer", f"{PACKAGE}.nn.layers")
INITIALIZATIONS: Registry[Any] = Registry("initialization", f"{PACKAGE}.nn.initialization")
DISTRIBUTIONS: Registry[Any] = Registry("toy distribution", f"{PACKAGE}.toy.distributions")
UNITS: Registry[TextUnit] = Registry("unit of text", f"{PACKAGE}.text.units")
VALIDATORS: Registry[Validator] = Registry("validator", f"{PACKAGE}.text.validators")
_NETWORK_MODULES = {
    "text": ("text.networks", "text.causal_generator"),
    "image": ("images.networks", "images.dense"),
    "toy": ("toy.networks",),
}
GENERATORS: dict[str, Registry[Network]] = {
    data: Registry(f"generator of {data}", *(f"{PACKAGE}.{module}" for module in _NETWORK_MODULES[data]))
    for data in _NETWORK_MODULES
}
CRITICS: dict[str, Registry[Network]] = {
    data: Registry(f"critic of {data}", *(f"{PACKAGE}.{module}" for module in _NETWORK_MODULES[data]))
    for data in _NETWORK_MODULES
}
"""Kind of data -> its architectures. A new kind of data adds its own registries."""


def all_registries() -> list[Registry[Any]]:
    """Return every registry."""
    alone: list[Registry[Any]] = [LOSSES, CONSTRAINTS, OPTIMIZERS, NORMALIZATIONS, INITIALIZATIONS, DISTRIBUTIONS]
    return [*alone, CONTEXTS, UNITS, VALIDATORS, *GENERATORS.values(), *CRITICS.values()]
