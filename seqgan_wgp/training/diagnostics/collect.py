"""Collect the diagnostics of critic and generator for a record.

They change no tensor of the run, and their random numbers are functions of the step. So a resumed run writes the same
records as an uninterrupted one.

Shape suffixes: B batch, N all batches together.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...utils.counter_rng import Stream, choose_numpy, uniform
from ..critic_views import LinearStemCritic, stem_view
from ..domain import HasDiagnostics
from ..labels import labels_of, with_label
from ..latents import noise_columns, training_latents
from ..state import TrainState
from . import measures

BATCHES = 4
"""Number of batches. They have the training's batch size, so that diagnostics need no more memory than training."""

WEIGHT_BINS, SCORE_BINS, SLOPE_BINS = 41, 30, 20
"""Bins of the histograms. The number for weights is odd, so that 0 is the middle of a bin."""

MAX_LAYERS = 32
"""Largest number of layers in a record; of a deeper network, evenly spaced ones, with the first and the last."""

_DIGITS = 5
"""Significant digits of numbers in lists and dictionaries, which only serve for plots."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Batch:
    """One batch: training and held-out items (compact or embedded) and generated points."""

    real: Tensor
    held_out: Tensor
    fake: Tensor
    index_B: Tensor
    label_B: Tensor | None
    """Labels of the training items and of the generated points, in a conditional run."""


def diagnose(state: TrainState) -> dict[str, Any]:
    """Return the diagnostics of critic and generator after a round, as JSON values of less than 10 kB.

    They are measured with the latest weights and without instance noise, on items and latents that are new in each
    step:

    * score_real, score_fake, score_held_out: mean critic scores; score_histograms: their distributions.
    * critic_loss_objective, held_out_loss: the critic's loss without the penalty, on training and on held-out items,
      with the same generated points. If the two diverge, the critic overfits: Gulrajani et al. 2017, figure 5b.
    * segment_slope_mean, _deviation (standard deviation), _p05, _p50, _p95 and slope_histogram: slopes at
      interpolates, whatever the constraint. For a critic with batch norm, slopes of the sum of a batch's scores.
    * wasserstein_normalized: the Wasserstein estimate divided by segment_slope_mean.
    * clip_share: share of a clipped critic's weights at the clipping bounds; weight_histogram.
    * gradient_norms: norms of the last critic step's gradients with respect to the weights, by layer;
      activation_gradient_norms: of the loss with respect to the output of each layer.
    * the spec's own diagnostics of points generated in evaluation mode, if it is `HasDiagnostics`.

    Values that are not finite are left out.
    """
    critic, clip = state.critic, state.config.objective.clip
    with measures.unchanged(state.generator, critic):
        batches = [_draw(state, state.step * BATCHES + k) for k in range(BATCHES)]
        numbers = _scores_and_slopes(state, batches)
        ends = [batches[0].real, batches[0].fake]
        norms = measures.activation_gradient_norms(critic, ends, state.objective.loss.critic)
        spec = state.domain.spec
        observed = spec.diagnostics(_fakes_in_evaluation(state, batches[0])) if isinstance(spec, HasDiagnostics) else {}
    if clip is not None:
        numbers["clip_share"] = measures.share_at_bounds(critic, clip)
    numbers |= observed
    numbers["weight_histogram"] = measures.weight_histogram(critic, WEIGHT_BINS, clip)
    numbers["activation_gradient_norms"] = _thinned(norms)
    # The last critic step has stored its gradients in the parameters.
    gradients = tuple(parameter.grad for parameter in critic.parameters() if parameter.grad is not None)
    if gradients:
        by_layer = measures.gradient_norms(critic, gradients)
        depth = {layer: place for place, layer in enumerate(norms)}
        numbers["gradient_norms"] = _thinned(dict(sorted(by_layer.items(), key=lambda norm: depth.get(norm[0], 0))))
    return {name: plain for name, value in numbers.items() if (plain := _plain(value)) is not None}


def _draw(state: TrainState, number: int) -> _Batch:
    """Draw diagnostic batch `number`, counted over the whole run."""
    domain, seed, size = state.domain, state.config.training.seed, state.config.training.batch_size
    draw_B = np.arange(number * size, (number + 1) * size)
    real = domain.batch(choose_numpy(seed, Stream.DIAGNOSIS_BATCH, draw_B, domain.size))
    held_out = domain.held_out(choose_numpy(seed, Stream.DIAGNOSIS_HELD_OUT, draw_B, domain.held_out_size))
    label_B = None if labels_of(domain.spec) is None else real[:, -1]
    if not isinstance(state.critic, LinearStemCritic):
        real, held_out = domain.spec.embed(real), domain.spec.embed(held_out)
    index_B = torch.from_numpy(draw_B).to(state.device)
    fake = _fakes(state, index_B, label_B)
    return _Batch(real=real, held_out=held_out, fake=fake, index_B=index_B, label_B=label_B)


@torch.no_grad()
def _fakes(state: TrainState, index_B: Tensor, label_B: Tensor | None) -> Tensor:
    latent_BX = training_latents(noise_columns(state.generator), state.config, Stream.DIAGNOSIS_LATENT, index_B)
    fake: Tensor = state.generator(latent_BX if label_B is None else with_label(latent_BX, label_B))
    return fake


def _fakes_in_evaluation(state: TrainState, batch: _Batch) -> Tensor:
    """Return points generated in evaluation mode; in training mode the relaxation may differ."""
    state.generator.eval()
    try:
        return _fakes(state, batch.index_B, batch.label_B)
    finally:
        state.generator.train()


def _scores_and_slopes(state: TrainState, batches: list[_Batch]) -> dict[str, Any]:
    critic, loss = state.critic, state.objective.loss
    with torch.no_grad():
        scores = {
            name: torch.cat([critic(getattr(batch, name)) for batch in batches])
            for name in ("real", "fake", "held_out")
        }
    slope_N = torch.cat([_slopes(state, batch) for batch in batches])
    slope = measures.spread(slope_N)
    real_N, fake_N, held_out_N = scores.values()
    wasserstein = measures.wasserstein_estimate(real_N, fake_N).item()
    return {
        **{f"score_{name}": score_N.mean().item() for name, score_N in scores.items()},
        "critic_loss_objective": loss.critic(real_N, fake_N).item(),
        "held_out_loss": loss.critic(held_out_N, fake_N).item(),
        **{f"segment_slope_{name}": value for name, value in dataclasses.asdict(slope).items()},
        "wasserstein_normalized": measures.wasserstein_normalized(wasserstein, slope.mean),
        "score_histograms": measures.histograms(scores, SCORE_BINS),
        "slope_histogram": measures.histograms({"slope": slope_N}, SLOPE_BINS)["slope"],
    }


def _slopes(state: TrainState, batch: _Batch) -> Tensor:
    seed = state.config.training.seed

    def draw(columns: int) -> Tensor:
        return uniform(seed, Stream.DIAGNOSIS_EPSILON, batch.index_B, columns)

    return measures.slopes_on_segments(stem_view(state.critic, batch.real, batch.fake), draw)


def _thinned(norms: dict[str, float]) -> dict[str, float]:
    if len(norms) <= MAX_LAYERS:
        return norms
    places = np.linspace(0, len(norms) - 1, MAX_LAYERS).round().astype(int)
    names = list(norms)
    return {names[place]: norms[names[place]] for place in places}


def _plain(value: Any, digits: int | None = None) -> Any:
    """Return a JSON value; None for a value that is not finite or a list with one. Dictionaries omit such values."""
    if isinstance(value, measures.ValueHistogram):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        plain = {name: _plain(inner, _DIGITS) for name, inner in value.items()}
        return {name: inner for name, inner in plain.items() if inner is not None}
    if isinstance(value, list):
        parts = [_plain(inner, _DIGITS) for inner in value]
        return None if None in parts else parts
    if isinstance(value, float) and digits is not None:
        value = float(f"{value:.{digits}g}")
    return None if isinstance(value, float) and not math.isfinite(value) else value
