"""Evaluate the critic on real, generated and interpolated samples, at its input or after its first layer.

The mathematics needs a view's scores and slopes alone, so steps.py and penalties.py read the same for each of them.

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
    """The view in critic space: what Algorithm 1 says, word for word."""

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
    """A critic whose first layer is linear, f(x) = score(stem(x)): what is linear in x can be done behind it.

    The first layer may shrink a point greatly: from thousands of numbers at each position to a few dozen.
    """

    def stem(self, *batches: Tensor) -> Tensor:
        """Return what the first layer makes of points of critic space or of compact items; of all batches as one."""

    def score(self, entered: Tensor) -> Tensor:
        """Return the scores (B,) of what `stem` gave."""

    def slopes(self, gradient: Tensor) -> Tensor:
        """Return the norms (B,) of the gradients in x, given the gradients in what `stem` gave."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights."""


@final
class _StemView:
    """The view behind a linear first layer."""

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
    """Return (2B, ...) points in the order in memory that `real` has; `torch.cat` would lay them out anew."""
    order = sorted(range(real.ndim), key=real.stride, reverse=True)
    joined = torch.cat([real.permute(order), fake.permute(order)], dim=order.index(0))
    return joined.permute([order.index(axis) for axis in range(real.ndim)])


def points_view(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return a critic's view of points in critic space."""
    return _PointsView(critic, real, fake)


def stem_view(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return the view behind the critic's first layer if that is linear, where `real` may be compact items too.

    Behind the first layer interpolates are the same points, for what a linear map makes of a point between two others
    lies between what it makes of the two. So neither real items nor interpolates need ever be points of critic space,
    and the first layer is applied to the fakes alone. Not for a constraint that needs points. Of any other critic it
    is the view in critic space.
    """
    return _StemView(critic, real, fake) if isinstance(critic, LinearStemCritic) else points_view(critic, real, fake)


def to_float32(score_B: Tensor) -> Tensor:
    """Return scores in float32 again where they were computed in bfloat16."""
    return score_B.float() if score_B.dtype == torch.bfloat16 else score_B


@final
class AutocastView:
    """A view whose scores are computed in a lower precision; slopes, which a penalty squares, are not."""

    def __init__(self, view: View, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.view, self.autocast = view, autocast
        self.real, self.fake = view.real, view.fake

    def both(self) -> Tensor:
        """Return both ends as one batch."""
        return self.view.both()

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,), float32 again."""
        with self.autocast():
            score_B = self.view.score(x)
        return to_float32(score_B)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)


@final
class Subsampled:
    """A view of some of a batch's samples alone."""

    def __init__(self, view: View, kept: slice) -> None:
        self.view = view
        self.real, self.fake = view.real[kept], view.fake[kept]

    def both(self) -> Tensor:
        """Return both ends as one batch."""
        return one_batch(self.real, self.fake)

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""
        return self.view.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)
