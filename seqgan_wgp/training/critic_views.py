"""Views: evaluate the critic on real, generated and interpolated points, at its input or after its linear first layer.

steps.py and penalties.py use only a view's scores and slopes, so they read the same whatever the view.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn

from ..nn.fast_conv.convolution import input_grads_only
from .penalties import View, slopes


@final
class _PointsView:
    """The view at the critic's input, exactly as in Algorithm 1."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, real, fake

    def both(self) -> Tensor:
        return one_batch(self.real, self.fake)

    def score(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.critic(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        return slopes(self.critic, x)


@runtime_checkable
class LinearStemCritic(Protocol):
    """A critic with a linear first layer (its stem), f(x) = score(stem(x)). Interpolation can happen after the stem.

    The stem may reduce a point a great deal: from thousands of numbers per position to a few dozen.
    """

    def stem(self, *batches: Tensor) -> Tensor:
        """Return the first layer's output for all batches as one; each has points of critic space or compact items."""

    def score(self, entered: Tensor) -> Tensor:
        """Return the scores (B,) of outputs of `stem`."""

    def slopes(self, gradient: Tensor) -> Tensor:
        """Return the norms (B,) of the gradients with respect to x, given those with respect to the stem's output."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the parameters."""


@final
class _StemView:
    """The view after a linear first layer."""

    def __init__(self, critic: LinearStemCritic, real: Tensor, fake: Tensor) -> None:
        self.critic, self._both = critic, critic.stem(real, fake)
        self.real, self.fake = torch.split(self._both, len(real))

    def both(self) -> Tensor:
        return self._both

    def score(self, x: Tensor) -> Tensor:
        return self.critic.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        with input_grads_only(self.critic):
            score_B = self.critic.score(x)
        (gradient,) = torch.autograd.grad(score_B, x, torch.ones_like(score_B), create_graph=True)
        return self.critic.slopes(gradient)


def one_batch(real: Tensor, fake: Tensor) -> Tensor:
    """Return both batches as one, (2B, ...), with the memory layout of `real`, which `torch.cat` would not keep."""
    order = sorted(range(real.ndim), key=real.stride, reverse=True)
    joined = torch.cat([real.permute(order), fake.permute(order)], dim=order.index(0))
    return joined.permute([order.index(axis) for axis in range(real.ndim)])


def points_view(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return the view at the critic's input."""
    return _PointsView(critic, real, fake)


def stem_view(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return the view after the critic's linear first layer; for a critic without one, the view at its input.

    A linear map takes the interpolate of two points to the interpolate of their images, so interpolating after the
    first layer gives the same result. Then `real` may be compact items (such as token ids, whose rows of the layer's
    weights are looked up), and only generated points need the full product. Not for a constraint with `needs_points`.
    """
    return _StemView(critic, real, fake) if isinstance(critic, LinearStemCritic) else points_view(critic, real, fake)


def to_float32(score_B: Tensor) -> Tensor:
    """Return scores as float32 if they are bfloat16, else unchanged."""
    return score_B.float() if score_B.dtype == torch.bfloat16 else score_B


@final
class AutocastView:
    """A view that computes scores in a lower precision. Slopes, which a penalty squares, keep full precision."""

    def __init__(self, view: View, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.view, self.autocast = view, autocast
        self.real, self.fake = view.real, view.fake

    def both(self) -> Tensor:
        """Return real and generated points as one batch (2B, ...)."""
        return self.view.both()

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,) as float32."""
        with self.autocast():
            score_B = self.view.score(x)
        return to_float32(score_B)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)


@final
class Subsampled:
    """A view of some samples of a batch."""

    def __init__(self, view: View, kept: slice) -> None:
        self.view = view
        self.real, self.fake = view.real[kept], view.fake[kept]

    def both(self) -> Tensor:
        """Return real and generated points as one batch (2B, ...)."""
        return one_batch(self.real, self.fake)

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""
        return self.view.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)
