"""Measure a critic's slopes, scores, weights and gradients, as numbers and histograms.

Every function is pure, except that layers update buffers in training mode (batch norm's running statistics, the vectors
of spectral normalization); `unchanged` restores these.

Sums are computed in double precision on the host, because not every device has it.

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
"""Name under which parameters of the critic itself, outside any layer, are listed."""


@contextlib.contextmanager
def unchanged(*networks: nn.Module) -> Iterator[None]:
    """Restore the buffers of networks on exit, bit for bit."""
    kept = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)


# Distributions of numbers


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean, standard deviation and quantiles of numbers."""

    mean: float
    deviation: float
    """Standard deviation, with the divisor N."""

    p05: float
    p50: float
    p95: float
    """The 5, 50 and 95 % quantiles, by linear interpolation."""


def spread(values_N: Tensor) -> Spread:
    """Return mean, standard deviation and quantiles of one or more numbers."""
    values_N = values_N.detach().cpu().double().flatten()
    share_3 = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    moments = torch.stack([values_N.mean(), values_N.std(correction=0)])
    mean, deviation, p05, p50, p95 = torch.cat([moments, torch.quantile(values_N, share_3)]).tolist()
    return Spread(mean=mean, deviation=deviation, p05=p05, p50=p50, p95=p95)


@dataclass(frozen=True, kw_only=True)
class ValueHistogram:
    """Counts of numbers in equal bins from `low` to `high`, and their mean."""

    low: float
    high: float
    counts: list[int]
    mean: float
    """NaN if there are no numbers."""


def histogram(values: Tensor, bins: int, low: float, high: float) -> ValueHistogram:
    """Return the histogram of a tensor of any shape.

    Numbers outside the range are counted in the outermost bins: a weight clipped to 0.1 is slightly larger as a
    float32. Numbers that are not finite are left out. An empty range is replaced by one of width 1 around it.
    """
    if not low < high:
        low, high = low - 0.5, high + 0.5
    values_N = values.detach().cpu().double().flatten()
    values_N = values_N[values_N.isfinite()]
    place_N = ((values_N - low) / (high - low) * bins).clamp(0, bins - 1).long()
    counts = torch.bincount(place_N, minlength=bins).tolist()
    return ValueHistogram(low=low, high=high, counts=counts, mean=values_N.mean().item())


def histograms(values: Mapping[str, Tensor], bins: int) -> dict[str, ValueHistogram]:
    """Return a histogram of each tensor, with the same bins, from the smallest to the largest finite number of all."""
    all_N = torch.cat([each.detach().flatten() for each in values.values()])
    all_N = all_N[all_N.isfinite()]
    low, high = torch.stack(all_N.aminmax()).tolist() if len(all_N) else (0.0, 0.0)
    return {name: histogram(each, bins, low, high) for name, each in values.items()}


def spearman(a_N: npt.ArrayLike, b_N: npt.ArrayLike) -> float | None:
    """Return Spearman's rank correlation of two series of N finite numbers; None if one is constant, or N < 2.

    It is the correlation of the ranks, -1 to 1; equal numbers share their mean rank (Spearman 1904). Between a loss and
    a measure of quality over one run, it shows whether the loss is meaningful. Gulrajani et al. 2017, section 5.6, show
    this for theirs by a plot.
    """
    # Imported here because it takes a second, and training does not need it.
    from scipy import stats  # type: ignore[import-untyped,unused-ignore]

    a_N, b_N = np.asarray(a_N, np.float64), np.asarray(b_N, np.float64)
    if a_N.shape != b_N.shape or a_N.ndim != 1:
        raise ValueError(f"a rank correlation is of two series of one length, not of {a_N.shape} and {b_N.shape}")
    if not len(a_N) or np.ptp(a_N) == 0 or np.ptp(b_N) == 0:
        return None
    return float(np.corrcoef(stats.rankdata(a_N), stats.rankdata(b_N))[0, 1])


# Scores and slopes


def wasserstein_estimate(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return E[f(x)] - E[f(x~)], without a penalty. For a 1-Lipschitz critic it is at most W1.

    Arjovsky, Chintala and Bottou 2017, eq. 2, for one f.
    """
    return real_B.mean() - fake_B.mean()


def wasserstein_normalized(wasserstein: float, slope: float) -> float | None:
    """Return the Wasserstein estimate divided by the mean slope; None if the slope is 0 or not finite.

    A K-Lipschitz critic estimates K W1 (Arjovsky, Chintala and Bottou 2017, section 3). The quotient does not depend on
    the critic's scale, so it can be compared between constraints, and between steps of a run.
    """
    return wasserstein / slope if slope and math.isfinite(slope) else None


def slopes_on_segments(view: View, uniform: Uniform) -> Tensor:
    """Return the critic's slopes at one interpolate of each pair, (B,), detached, whatever the constraint.

    Gulrajani et al. 2017, Algorithm 1, lines 6 and 7.
    """
    return between(view, uniform).detach()


# Weights


def weight_histogram(critic: nn.Module, bins: int, bound: float | None = None) -> ValueHistogram:
    """Return the histogram of all weights in [-bound, bound]; None: the bound is the largest absolute weight.

    Gulrajani et al. 2017, figure 1b, right: clipping pushes weights to both bounds, the gradient penalty does not.
    """
    weight_N = _weights(critic)
    if bound is None:
        finite_N = weight_N[weight_N.isfinite()]
        bound = finite_N.abs().max().item() if len(finite_N) else 0.0
    return histogram(weight_N, bins, -bound, bound)


def share_at_bounds(critic: nn.Module, clip: float, within: float = 0.05) -> float:
    """Return the share of weights whose absolute value differs from `clip` by at most `within` times `clip`.

    Gulrajani et al. 2017, figure 1b, right: a clipped critic has most of its weights there.
    """
    distance_N = (_weights(critic).cpu().double().abs() - clip).abs()
    return (distance_N <= within * clip).double().mean().item()


@torch.no_grad()
def _weights(critic: nn.Module) -> Tensor:
    return torch.cat([parameter.flatten() for parameter in critic.parameters()])


# Gradients


def gradient_norms(critic: nn.Module, gradients: Gradients) -> dict[str, float]:
    """Return the norm of the gradient with respect to each layer's parameters: layer -> norm, in order of registration.

    Args:
        critic: the critic; all networks of this package register their layers in order of depth.
        gradients: one for each parameter, in the order of `critic.parameters()`.
    """
    by_layer: dict[str, list[Tensor]] = {}
    for (name, _), gradient in zip(critic.named_parameters(), gradients, strict=True):
        by_layer.setdefault(_layer(name), []).append(gradient)
    return _norms(by_layer)


def activation_gradient_norms(
    critic: nn.Module, batches: Sequence[Tensor], loss: Callable[..., Tensor]
) -> dict[str, float]:
    """Return the norm of a loss's gradient with respect to the output of each layer: layer -> norm, in order of depth.

    Gulrajani et al. 2017, section 3.2 and figure 1b, left: with weight clipping, it grows or shrinks by a factor from
    layer to layer; with a gradient penalty it stays the same.

    Args:
        critic: (B, ...) -> scores (B,).
        batches: the critic's inputs; each norm is over the samples of all batches.
        loss: (scores (B,) of each batch, in this order) -> scalar.
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
    """Records the output of each layer, for each batch.

    Forward hooks would need every layer to be called, but some networks here apply a layer's weights by a function. So
    this mode watches all tensor functions. A tensor computed from a layer's weights alone (a transpose, a normalized
    weight) counts as weights of the layer; the last tensor computed from these and something else is its output.
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.made: list[dict[str, Tensor]] = []
        # The tensors are kept alive here, since the id of a freed tensor may be reused.
        self._weights: dict[int, tuple[str, Tensor]] = {
            id(tensor): (_layer(name), tensor) for name, tensor in [*critic.named_parameters(), *critic.named_buffers()]
        }

    def next_batch(self) -> None:
        """Start recording another batch."""
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
    """Return the name of a parameter's layer; a parametrized weight is stored in a submodule of its layer."""
    before, parametrized, _ = f".{name}".partition(".parametrizations.")
    return (before if parametrized else before.rpartition(".")[0]).removeprefix(".") or WHOLE


def _norms(by_layer: Mapping[str, Sequence[Tensor]]) -> dict[str, float]:
    norms = [torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(parts)))) for parts in by_layer.values()]
    return dict(zip(by_layer, torch.stack(norms).tolist(), strict=True))
