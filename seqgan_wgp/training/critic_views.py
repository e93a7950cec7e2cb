"""How a critic sees its segments: in critic space, or behind its first layer where that is linear.

Shape suffixes: B batch; points of critic space have shape (B, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn

from ..nn.fast_conv.bilinear import input_grads_only
from .penalties import View, slopes


@final
class _Points:
    """A critic's view of its segments, in critic space."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, real, fake

    def score(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.critic(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        return slopes(self.critic, x)


@runtime_checkable
class LinearStemCritic(Protocol):
    """A critic whose first layer is linear, f(x) = score(stem(x)): what is linear in x can be done behind it.

    The first layer may shrink a point greatly: from thousands of numbers at each place to a few dozen.
    """

    def stem(self, x: Tensor) -> Tensor:
        """Return what the first layer makes of points of critic space or of compact items."""

    def score(self, entered: Tensor) -> Tensor:
        """Return the scores (B,) of what `stem` gave."""

    def slopes(self, gradient: Tensor) -> Tensor:
        """Return the norms (B,) of the gradients in x, given the gradients in what `stem` gave."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights."""


@final
class _Entered:
    """A critic's view of its segments, behind its first layer."""

    def __init__(self, critic: LinearStemCritic, real: Tensor, fake: Tensor) -> None:
        self.critic, self.real, self.fake = critic, critic.stem(real), critic.stem(fake)

    def score(self, x: Tensor) -> Tensor:
        return self.critic.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        score = self.critic.score(x).sum()
        with input_grads_only():
            (gradient,) = torch.autograd.grad(score, x, create_graph=True)
        return self.critic.slopes(gradient)


@final
class FunctionalView:
    """The view of a critic, staged or not, whose slopes come from `torch.func.grad`: it can be compiled as a whole."""

    def __init__(self, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
        self.critic = critic
        self.staged = critic if isinstance(critic, LinearStemCritic) else None
        self.real, self.fake = (real, fake) if self.staged is None else map(self.staged.stem, (real, fake))

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""
        score_B: Tensor = self.critic(x) if self.staged is None else self.staged.score(x)
        return score_B

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        gradient: Tensor = torch.func.grad(lambda y: self.score(y).sum())(x)
        if self.staged is not None:
            return self.staged.slopes(gradient)
        slope_B: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return slope_B


def raised(score_B: Tensor) -> Tensor:
    """Return scores in float32 again where they were computed in a lower precision."""
    return score_B.float() if score_B.dtype == torch.bfloat16 else score_B


@final
class Autocast:
    """A view whose scores are computed in a lower precision; slopes, which a penalty squares, are not."""

    def __init__(self, view: View, cast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.view, self.cast = view, cast
        self.real, self.fake = view.real, view.fake

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,), float32 again."""
        with self.cast():
            score_B = self.view.score(x)
        return raised(score_B)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)


@final
class Subsampled:
    """A view of the segments of some of a batch's items alone."""

    def __init__(self, view: View, kept: slice) -> None:
        self.view = view
        self.real, self.fake = view.real[kept], view.fake[kept]

    def score(self, x: Tensor) -> Tensor:
        """Return the scores (B,)."""
        return self.view.score(x)

    def slopes(self, x: Tensor) -> Tensor:
        """Return the slopes (B,)."""
        return self.view.slopes(x)


def view_of(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return a critic's view of its segments: behind its first layer if it is staged; `real` may be compact then.

    Behind the first layer interpolates are the same points, for what a linear map makes of a point between two others
    lies between what it makes of the two. So neither real items nor interpolates need ever be points of critic space,
    and the first layer is applied to the fakes alone.
    """
    return _Entered(critic, real, fake) if isinstance(critic, LinearStemCritic) else points_view(critic, real, fake)


def points_view(critic: nn.Module, real: Tensor, fake: Tensor) -> View:
    """Return a critic's view of its segments in critic space."""
    return _Points(critic, real, fake)
