"""Table of engines: all compute the same gradients of a critic step, at different speeds."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ...config import Config
from ..steps import CriticObjective
from .compiled import CompiledEngine
from .eager import EagerEngine, Engine, PlainEngine

ENGINES: dict[str, Callable[[nn.Module, nn.Module, CriticObjective, Config], Engine]] = {
    "plain": PlainEngine,
    "eager": EagerEngine,
    "compiled": CompiledEngine,
}
"""Name -> (generator, critic, objective, settings) -> engine.

The engine "graph" is the eager one with rounds recorded by cuda_graph.py; "auto" is "graph" where that is possible.
"""


def make_engine(generator: nn.Module, critic: nn.Module, objective: CriticObjective, config: Config) -> Engine:
    """Return the engine that `training.engine` names."""
    name = config.training.engine
    return ENGINES["eager" if name in ("auto", "graph") else name](generator, critic, objective, config)
