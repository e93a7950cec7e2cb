"""The types of registry entries: what is registered under a name, and the traits that validation reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..utils.token_symbols import TokenSymbols

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def mean(value_B: Tensor) -> Tensor:
    """Return the mean over the batch."""
    return value_B.mean()


@dataclass(frozen=True, kw_only=True)
class Loss:
    """An adversarial loss: the functions that the critic and the generator minimise."""

    critic: Callable[[Tensor, Tensor], Tensor]
    """(real_B, fake_B) -> scalar."""

    generator: Callable[..., Tensor]
    """(fake_B) -> scalar; with `needs_real`, (real_B, fake_B) -> scalar."""

    needs_real: bool = False
    """Whether the generator's loss uses real scores too, which costs another forward pass of the critic."""

    needs_bounded_critic: bool = False
    """Whether the critic's loss is unbounded unless a constraint bounds its slope between real and generated."""

    configure: Callable[[Any], Loss] | None = None
    """(section [objective]) -> the loss with the parameters set there; None: the loss has no parameters."""


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A way to keep the critic Lipschitz: it changes layers, adds a penalty, or clips weights."""

    prepare: Callable[[nn.Module, int], None] | None = None
    """(critic, seed): changes the critic's layers once, before training."""

    slopes: Callable[[Any, Callable[[int], Tensor]], Tensor] | None = None
    """(view, uniform) -> (B,): the critic's slopes that are penalised; None: no penalty."""

    cost: Callable[[Tensor], Tensor] = mean
    """(slope_B) -> scalar, weighted by lambda and added to the critic's loss."""

    needs_points: bool = False
    """Whether slopes must be taken with respect to the critic's input, not to the output of its first layer."""

    mixes_samples: bool = False
    """Whether the penalty of one sample depends on the others, so that a batch cannot be processed in parts."""

    project: Callable[[nn.Module, float], None] | None = None
    """(critic, bound): clips the critic's weights after each of its steps; the bound is objective.clip."""

    bounds_between: bool = False
    """Whether it bounds the critic's slope between real and generated points."""

    refuses_normalization: bool = False
    """Whether it has no effect on a critic with normalization layers, so that the combination is refused."""

    @property
    def has_penalty(self) -> bool:
        """Whether a penalty is added to the critic's loss, so that objective.penalty_weight applies."""
        return self.slopes is not None

    @property
    def per_sample(self) -> bool:
        """Whether each sample's penalty is independent of the others, so that a part of the batch can be penalised."""
        return self.has_penalty and not self.mixes_samples

    @property
    def needs_clip(self) -> bool:
        """Whether it needs the bound objective.clip."""
        return self.project is not None


@dataclass(frozen=True, kw_only=True)
class Network:
    """An architecture for one kind of data."""

    build: Callable[..., nn.Module]
    """(settings, shape, ...) -> network; docs/extending.md lists the arguments for each kind of data."""

    normalizations: tuple[str, ...] = ("none",)
    """Names of the normalizations that it supports."""

    needs_units: bool = False
    """Whether it has a dense layer whose number of units must be set."""

    chooses_activation: bool = False
    """Whether its activation can be set."""

    chooses_context: bool = False
    """Whether it has the settings `context` and `dilation_growth`: how its positions see the rest of a string."""

    chooses_modulation: bool = False
    """Whether it is a generator with the setting `self_modulation`: the latent scales and shifts normalizations."""

    has_likelihood: bool = False
    """Whether it is a generator that computes the likelihood of items (`training.likelihood.LikelihoodGenerator`), so
    that training.likelihood_steps applies. It draws an item part by part, which a CUDA graph cannot record."""

    def __call__(self, *arguments: Any) -> nn.Module:
        """Return a new network."""
        return self.build(*arguments)


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry:
    """An optimizer."""

    build: Callable[[Any, list[nn.Parameter]], torch.optim.Optimizer]
    """(section [optimizer.generator] or [optimizer.critic], parameters) -> optimizer whose state is tensors."""

    needs: tuple[str, ...] = ()
    """Settings of the section that it requires and that have no default."""

    def __call__(self, settings: Any, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return a new optimizer over the parameters."""
        return self.build(settings, parameters)


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """A normalization of activations or of weights."""

    channels: Callable[..., nn.Module]
    """(channels, axes) -> module that normalises (B, C, ...) with this many axes after the channels."""

    units: Callable[[int], nn.Module] | None = None
    """(units) -> module that normalises (B, U); None: not available for dense layers."""

    mixes_samples: bool = False
    """Whether its output for a sample depends on the others in the batch."""

    needs_training_batch: bool = False
    """Whether it uses batch statistics also outside training, so that generation must use the training batch size."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """A kind of layer through which every position of a string sees all others."""

    build: Callable[[int, int], nn.Module] | None = None
    """(channels, length) -> module, (B, C, L) -> (B, C, L), which does not mix samples; None: no layer."""

    normalizes: bool = False
    """Whether it rescales its input, so that bounds on the slopes of single layers do not bound the critic's slope."""


@dataclass(frozen=True, kw_only=True)
class TextUnit:
    """The unit of text that one position of a row holds."""

    plural: str
    """Its plural in messages, e.g. "characters"."""

    is_byte: bool = False
    """Whether it is a byte of UTF-8; otherwise it is a code point, or a code point that stands for a token."""

    tokens: TokenSymbols | None = None
    """Converts text to units and back; None: each character is a unit."""
