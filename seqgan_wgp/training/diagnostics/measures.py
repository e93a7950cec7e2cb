"""Measure a critic's slopes, scores, weights and gradients, as numbers and histograms.

Every function is pure, but for buffers that a layer changes whenever it is used in training (batch norm's running
statistics, the vectors of spectral normalisation): `unchanged` puts these back.

Sums are taken in double precision on the host: not every device has it.

Shape suffixes: B batch, N any number; points of critic space have shape (B, ...).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..penalties import Uniform, View, between
from ..steps import Gradients

WHOLE = "critic"
"""What weights that belong to no layer, but to the critic itself, are listed under."""


@contextlib.contextmanager
def unchanged(*networks: nn.Module) -> Iterator[None]:
    """Restore the buffers of networks at the end, bit for bit, whatever is done with the networks inside."""
    kept = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)


# Numbers and how they are spread


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean, deviation and quantiles of numbers."""

    mean: float
    deviation: float
    """Standard deviation, with the divisor N."""

    p05: float
    p50: float
    p95: float
    """Quantiles: 5, 50 and 95 % of the numbers lie below, by linear interpolation."""


def spread(values_N: Tensor) -> Spread:
    """Return mean, deviation and quantiles of at least one number."""
    values_N = values_N.detach().cpu().double().flatten()
    share_3 = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    moments = torch.stack([values_N.mean(), values_N.std(correction=0)])
    mean, deviation, p05, p50, p95 = torch.cat([moments, torch.quantile(values_N, share_3)]).tolist()
    return Spread(mean=mean, deviation=deviation, p05=p05, p50=p50, p95=p95)


@dataclass(frozen=True, kw_only=True)
class ValueHistogram:
    """Counts of numbers in bins of one width from `low` to `high`, and their mean."""

    low: float
    high: float
    counts: list[int]
    mean: float
    """NaN where there are no numbers."""


def histogram(values: Tensor, bins: int, low: float, high: float) -> ValueHistogram:
    """Return the histogram of numbers of any shape.

    Numbers beyond an end are counted in the bin there: a weight clipped to 0.1 is, as a float32, a little more. What is
    not finite is left out. An empty range is taken as one of width 1 around it.
    """
    if not low < high:
        low, high = low - 0.5, high + 0.5
    values_N = values.detach().cpu().double().flatten()
    values_N = values_N[values_N.isfinite()]
    place_N = ((values_N - low) / (high - low) * bins).clamp(0, bins - 1).long()
    counts = torch.bincount(place_N, minlength=bins).tolist()
    return ValueHistogram(low=low, high=high, counts=counts, mean=values_N.mean().item())


def histograms(values: Mapping[str, Tensor], bins: int) -> dict[str, ValueHistogram]:
    """Return a histogram of each, all with the same bins, from the least to the largest of all finite numbers."""
    all_N = torch.cat([each.detach().flatten() for each in values.values()])
    all_N = all_N[all_N.isfinite()]
    low, high = torch.stack(all_N.aminmax()).tolist() if len(all_N) else (0.0, 0.0)
    return {name: histogram(each, bins, low, high) for name, each in values.items()}


def spearman(a_N: npt.ArrayLike, b_N: npt.ArrayLike) -> float | None:
    """Return the rank correlation of two series of N finite numbers; None where one is constant, or N < 2.

    The correlation of their ranks, -1 to 1, equal numbers having the mean of theirs (Spearman 1904). Of a loss and a
    measure of quality over one run it says whether the loss means something; Gulrajani et al. 2017, section 5.6, show
    by a curve that theirs does.
    """
    # Imported here: it takes a second, and training does not need it.
    from scipy import stats  # type: ignore[import-untyped,unused-ignore]

    a_N, b_N = np.asarray(a_N, np.float64), np.asarray(b_N, np.float64)
    if a_N.shape != b_N.shape or a_N.ndim != 1:
        raise ValueError(f"a rank correlation is of two series of one length, not of {a_N.shape} and {b_N.shape}")
    if not len(a_N) or np.ptp(a_N) == 0 or np.ptp(b_N) == 0:
        return None
    return float(np.corrcoef(stats.rankdata(a_N), stats.rankdata(b_N))[0, 1])


# Scores and slopes


def wasserstein_estimate(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[f(x)] - E[f(x~)], free of any penalty: of a 1-Lipschitz critic never more than W1.

    Arjovsky, Chintala and Bottou 2017, eq. 2, for one f.
    """
    return real_B.mean() - fake_B.mean()


def wasserstein_normalized(wasserstein: float, slope: float) -> float | None:
    """Return the Wasserstein estimate divided by the slope; None for a slope of 0, or one not finite.

    What a critic is multiplied by is in both: so runs with other constraints, and steps of one, can be compared.
    Arjovsky, Chintala and Bottou 2017, section 3: a K-Lipschitz critic estimates K W1.
    """
    return wasserstein / slope if slope and math.isfinite(slope) else None


def slopes_on_segments(view: View, uniform: Uniform) -> Tensor:
    """Return the slopes (B,) at one point of each segment, detached, whatever the constraint is.

    Gulrajani et al. 2017, Algorithm 1, lines 6 and 7.
    """
    return between(view, uniform).detach()


# Weights


def weight_histogram(critic: nn.Module, bins: int, bound: float | None = None) -> ValueHistogram:
    """Return the histogram of all weights in [-bound, bound]; None: the bound is the largest weight's size.

    Gulrajani et al. 2017, figure 1b, right: clipping pushes weights to the two ends, the penalty does not.
    """
    weight_N = _weights(critic)
    if bound is None:
        finite_N = weight_N[weight_N.isfinite()]
        bound = finite_N.abs().max().item() if len(finite_N) else 0.0
    return histogram(weight_N, bins, -bound, bound)


def share_at_bounds(critic: nn.Module, clip: float, within: float = 0.05) -> float:
    """Return the share of weights whose size is within the relative distance `within` of `clip`.

    Gulrajani et al. 2017, figure 1b, right: a clipped critic has most of its weights there.
    """
    distance_N = (_weights(critic).cpu().double().abs() - clip).abs()
    return (distance_N <= within * clip).double().mean().item()


@torch.no_grad()
def _weights(critic: nn.Module) -> Tensor:
    return torch.cat([parameter.flatten() for parameter in critic.parameters()])


# Gradients


def gradient_norms(critic: nn.Module, gradients: Gradients) -> dict[str, float]:
    """Return the norm of a gradient in the weights of each layer: layer -> norm, in the order they are registered in.

    Args:
        critic: whose layers; in all networks here they are registered in the order of depth.
        gradients: one for each parameter, in the order of `critic.parameters()`.
    """
    by_layer: dict[str, list[Tensor]] = {}
    for (name, _), gradient in zip(critic.named_parameters(), gradients, strict=True):
        by_layer.setdefault(_layer(name), []).append(gradient)
    return _norms(by_layer)


def activation_gradient_norms(
    critic: nn.Module, batches: Sequence[Tensor], loss: Callable[..., Tensor]
) -> dict[str, float]:
    """Return the norm of the gradient of a loss in what each layer gives: layer -> norm, in the order of depth.

    Gulrajani et al. 2017, section 3.2 and figure 1b, left: from layer to layer it grows or falls by a factor where
    weights are clipped, and stays where there is a penalty.

    Args:
        critic: (B, ...) -> (B,).
        batches: what goes through it, one after the other; a norm is over all samples of all.
        loss: scores (B,) of each batch, in their order -> scalar.
    """
    recorder, scores = _Activations(critic), []
    with torch.enable_grad():
        for batch in batches:
            recorder.next_batch()
            with recorder:
                scores.append(critic(batch))
        total = loss(*scores)
    found = [(layer, made) for by_layer in recorder.made for layer, made in by_layer.items()]
    gradients = torch.autograd.grad(total, [made for _, made in found], materialize_grads=True)
    by_layer: dict[str, list[Tensor]] = {}
    for (layer, _), gradient in zip(found, gradients, strict=True):
        by_layer.setdefault(layer, []).append(gradient)
    return _norms(by_layer)


class _Activations(TorchFunctionMode):
    """Keeps what each layer gives, for each batch.

    Layers need not be called for that, as hooks of modules would want: the networks here apply some of their layers'
    weights by functions. What is made of a layer's weights alone (a transpose, a weight over its norm) counts as its
    weights; the last that is made of these and something else is what the layer gives.
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.made: list[dict[str, Tensor]] = []
        # With the tensors themselves, since the id of one that is gone may become another's.
        self._weights: dict[int, tuple[str, Tensor]] = {
            id(tensor): (_layer(name), tensor) for name, tensor in [*critic.named_parameters(), *critic.named_buffers()]
        }

    def next_batch(self) -> None:
        """Begin to record another batch."""
        self.made.append({})

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        result = function(*args, **(kwargs or {}))
        tensors = [value for value in (*args, *(kwargs or {}).values()) if isinstance(value, Tensor)]
        owners = {self._weights[id(tensor)][0] if id(tensor) in self._weights else None for tensor in tensors}
        layers = owners - {None}
        if isinstance(result, Tensor) and len(layers) == 1:
            (layer,) = layers
            assert layer is not None
            if owners == layers:
                self._weights.setdefault(id(result), (layer, result))
            elif result.requires_grad:
                self.made[-1].pop(layer, None)
                self.made[-1][layer] = result
        return result


def _layer(name: str) -> str:
    """Return the layer that a parameter or buffer belongs to; parametrized weights are in a module of their own."""
    before, parametrized, _ = f".{name}".partition(".parametrizations.")
    return (before if parametrized else before.rpartition(".")[0]).removeprefix(".") or WHOLE


def _norms(by_layer: Mapping[str, Sequence[Tensor]]) -> dict[str, float]:
    norms = [torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(parts)))) for parts in by_layer.values()]
    return dict(zip(by_layer, torch.stack(norms).tolist(), strict=True))
