"""The autoregressive baseline: a causal network trained for a fixed budget and cached.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from ...utils import cache_dir
from ...utils.arrays import Ints
from ...utils.counter_rng import Stream, sampled_indices
from ..causal import CausalNetwork, CausalSettings, Drawing
from ..corpus.dataset import Corpus
from ..likelihood import LikelihoodPlan, choose_epsilon, fit_likelihood, strings
from ..metrics.distances import lengths_N
from .kept import corpus_key, digest_of
from .result import Autoregressive

NOMINAL_RATE = 2.5e10
"""Floating-point operations per second of the nominal core in which budgets are given, a slow one of 2020. Budgets are
counted in steps, not timed, so that every machine trains the same baseline."""

MAX_EPOCHS = 30
"""Largest number of epochs; more would only memorise the training data."""

DROPOUT_FROM = 3.0
"""Number of epochs from which dropout is worth its cost."""

MIN_STEPS = 20

MAX_LOGITS = 1 << 23
"""Largest number of logits in a batch; limits memory for large alphabets."""

MAX_KEPT = 64
"""Number of baselines in the cache; the least recently used is removed first."""

_VERSION = 1
"""Version of the training; baselines cached by another version are not used."""


@final
@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Baseline:
    """A trained baseline."""

    network: CausalNetwork
    facts: Autoregressive
    key: dict[str, Any]
    """What makes it this one, as JSON values."""

    def samples(self, count: int, seed: int) -> Iterator[Ints]:
        """Yield (N, L) ids, `count` in all. String k depends only on the seed and k."""
        drawing = Drawing(epsilon=self.facts.epsilon)
        return strings(self.network, count, seed=seed, stream=Stream.BASELINE, drawing=drawing)

    def nll(self, ids_NL: Ints) -> float:
        """Return the mean negative log-likelihood of (N, L) ids in nats per symbol, including each string's end."""
        return self.network.nll(torch.from_numpy(np.ascontiguousarray(ids_NL).astype(np.int64)))


def plan_of(corpus: Corpus, seconds: float) -> tuple[CausalSettings, LikelihoodPlan]:
    """Return the network sizes and the training schedule, which depend only on the corpus and the budget."""
    length, size = corpus.facts.length, corpus.vocabulary.size
    settings = CausalSettings(
        vocabulary_size=size, length=length, kernel=8, blocks=min(5, max(1, round(math.log2(length)) - 2)), counts=3
    )
    batch_size = max(8, min(128, MAX_LOGITS // (length * size)))
    few = sampled_indices(0, Stream.FLOOR, len(corpus.train), 4_000)
    symbols = float(np.minimum(lengths_N(corpus.train[few]) + 1, length).mean())
    width = settings.width
    multiplied = settings.blocks * 3 * width**2 + width * size
    step_operations = 6 * multiplied * symbols * batch_size
    most = MAX_EPOCHS * len(corpus.train) / batch_size
    steps = max(MIN_STEPS, int(min(most, seconds * NOMINAL_RATE / step_operations)))
    epochs = steps * batch_size / len(corpus.train)
    settings = dataclasses.replace(settings, dropout=0.1 if epochs > DROPOUT_FROM else 0.0)
    return settings, LikelihoodPlan(steps=steps, batch_size=batch_size)


def baseline(corpus: Corpus, seconds: float, on_step: Callable[[float], None] = lambda _share: None) -> Baseline:
    """Return the autoregressive baseline of a corpus, cached or newly trained.

    It is trained on the training split; the validation split selects its best average and its epsilon. On one kind of
    processor the result is reproducible bit for bit.

    Args:
        corpus: the prepared corpus.
        seconds: budget in seconds of one nominal core, above 0; training steps follow from it.
        on_step: called with the share of the training that is done.
    """
    settings, plan = plan_of(corpus, seconds)
    file = _file(corpus, settings, plan)
    network = CausalNetwork(settings)
    facts = None if file is None else _read(file, network)
    if facts is None:
        network.draw_weights(0)
        fitted = fit_likelihood(network, corpus.train, corpus.validation_NL, plan, on_step=on_step)
        network = fitted.network
        facts = {"nll": fitted.validation_nll, "epsilon": choose_epsilon(network, corpus.validation_NL)}
        if file is not None:
            _keep(file, network, facts)
    network.requires_grad_(False).eval()
    return Baseline(
        network=network,
        key=_key(corpus, settings, plan),
        facts=Autoregressive(
            steps=plan.steps,
            budget_seconds=seconds,
            weights=sum(parameter.numel() for parameter in network.parameters()),
            validation_nll=facts["nll"],
            epsilon=facts["epsilon"],
        ),
    )


def _file(corpus: Corpus, settings: CausalSettings, plan: LikelihoodPlan) -> Path | None:
    if cache_dir.switched_off():
        return None
    return cache_dir.root() / "baselines" / f"{digest_of(_key(corpus, settings, plan))}.safetensors"


def _key(corpus: Corpus, settings: CausalSettings, plan: LikelihoodPlan) -> dict[str, Any]:
    shape = {"version": _VERSION, "network": dataclasses.asdict(settings), "plan": dataclasses.asdict(plan)}
    return shape | corpus_key(corpus)


def _read(file: Path, network: CausalNetwork) -> dict[str, float] | None:
    """Load cached weights into a network and return the cached facts; None if nothing is cached."""
    try:
        with safe_open(file, framework="pt") as kept:
            facts = {name: float(value) for name, value in json.loads(kept.metadata()["facts"]).items()}
        network.load_state_dict(safetensors.torch.load_file(file))
        os.utime(file)
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError):
        return None
    return facts if facts.keys() == {"nll", "epsilon"} else None


def _keep(file: Path, network: CausalNetwork, facts: dict[str, float]) -> None:
    """Write a baseline to the cache; write errors are ignored."""
    content = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()}, {"facts": json.dumps(facts)}
    )
    cache_dir.keep_file(file, content, most=MAX_KEPT)
