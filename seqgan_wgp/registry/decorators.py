"""The decorators of `seqgan_wgp.register`, by which a user's own file adds entries to the registries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

from ..errors import ConfigError, did_you_mean
from ..utils.plugin_files import current_plugin
from ..utils.token_symbols import TokenSymbols
from .entries import (
    PACKAGE,
    Constraint,
    Context,
    Loss,
    Network,
    OptimizerEntry,
    Registry,
    TextUnit,
    Validator,
    mean,
)
from .tables import CONSTRAINTS, CONTEXTS, CRITICS, GENERATORS, LOSSES, OPTIMIZERS, UNITS, VALIDATORS

if TYPE_CHECKING:
    from torch import Tensor

C = TypeVar("C", bound=Callable[..., Any])
K = TypeVar("K", bound=type)


def _source(registered: Any) -> str:
    """Return the file name of the plugin being loaded or of the user's file; empty for the package's own entries."""
    plugin = current_plugin()
    module = str(getattr(registered, "__module__", ""))
    if plugin or module.partition(".")[0] == PACKAGE:
        return plugin
    code = getattr(registered, "__code__", None)
    return Path(code.co_filename).name if code is not None else module


@final
class Register:
    """Decorators that add a user's own loss, penalty, network, layer, optimizer and more; `seqgan_wgp.register`.

    The decorated object is returned unchanged. Each raises ConfigError for an invalid name or one already taken.
    """

    def loss(self, name: str, *, needs_real: bool = False, needs_bounded_critic: bool = False) -> Callable[[K], K]:
        """Register a class with two static functions, `critic` and `generator`, for `objective.loss`.

        Args:
            name: for the settings.
            needs_real: the generator's function takes (real_B, fake_B) instead of (fake_B).
            needs_bounded_critic: refuse constraints that do not bound the critic between real and generated points.
        """

        def add(cls: K) -> K:
            traits = {"needs_real": needs_real, "needs_bounded_critic": needs_bounded_critic}
            configure = getattr(cls, "configure", None)
            entry = Loss(critic=cls.critic, generator=cls.generator, configure=configure, **traits)  # type: ignore[attr-defined]
            LOSSES.add(name, entry, source=_source(cls))
            return cls

        return add

    def penalty(
        self,
        name: str,
        *,
        cost: Callable[[Tensor], Tensor] = mean,
        needs_points: bool = False,
        mixes_samples: bool = False,
        bounds_between: bool = False,
    ) -> Callable[[C], C]:
        """Register a function (view, uniform) -> (B,), the slopes to penalise, for `objective.constraint`.

        Args:
            name: for the settings.
            cost: (B,) -> scalar, weighted by objective.penalty_weight and added to the loss. Default: the mean.
            needs_points: it needs the critic's inputs, not the outputs of the critic's first layer.
            mixes_samples: its value for a sample depends on the others in the batch.
            bounds_between: it bounds the critic's slope between real and generated points, which the loss wgan needs.
        """

        def add(slopes: C) -> C:
            entry = Constraint(
                slopes=slopes,
                cost=cost,
                needs_points=needs_points,
                mixes_samples=mixes_samples,
                bounds_between=bounds_between,
            )
            CONSTRAINTS.add(name, entry, source=_source(slopes))
            return slopes

        return add

    def generator(
        self,
        name: str,
        *,
        data: str,
        normalizations: Collection[str] = ("none",),
        needs_units: bool = False,
        chooses_activation: bool = False,
        chooses_context: bool = False,
        chooses_modulation: bool = False,
        has_likelihood: bool = False,
        takes_labels: bool = False,
    ) -> Callable[[C], C]:
        """Register a class or function that builds a generator, for `generator.network`.

        Args:
            name: for the settings.
            data: kind of data that it generates: text, image or toy.
            normalizations: names of the normalizations that it supports.
            needs_units: it has a dense layer with `generator.units` units.
            chooses_activation: `generator.activation` sets its activation.
            chooses_context: `generator.context` adds context layers, `generator.dilation_growth` spreads its taps.
            chooses_modulation: with `generator.self_modulation` the latent scales and shifts its normalizations.
            has_likelihood: it computes the likelihood of items, so `training.likelihood_steps` can pretrain it.
            takes_labels: it has a further argument `labels`, their number, for a corpus with `corpus.label`.
        """
        traits = {
            "needs_units": needs_units,
            "chooses_activation": chooses_activation,
            "chooses_context": chooses_context,
            "chooses_modulation": chooses_modulation,
            "has_likelihood": has_likelihood,
            "takes_labels": takes_labels,
        }
        return _network(GENERATORS, name, data, normalizations, traits)

    def critic(
        self,
        name: str,
        *,
        data: str,
        normalizations: Collection[str] = ("none",),
        needs_units: bool = False,
        chooses_activation: bool = False,
        chooses_context: bool = False,
        chooses_ngrams: bool = False,
        takes_labels: bool = False,
    ) -> Callable[[C], C]:
        """Register a class or function that builds a critic, for `critic.network`.

        The arguments are those of `generator`, for the section [critic]. With `chooses_ngrams`, `critic.ngrams` adds
        features of n-grams.
        """
        traits = {
            "needs_units": needs_units,
            "chooses_activation": chooses_activation,
            "chooses_context": chooses_context,
            "chooses_ngrams": chooses_ngrams,
            "takes_labels": takes_labels,
        }
        return _network(CRITICS, name, data, normalizations, traits)

    def context(self, name: str, *, normalizes: bool = False) -> Callable[[C], C]:
        """Register a class or function that builds a layer, for `generator.context` and `critic.context`.

        It is called with (channels, length) and returns a module, (B, C, L) -> (B, C, L), which does not mix samples.

        Args:
            name: for the settings.
            normalizes: it rescales its input, which undoes the bound of objective.constraint=spectral.
        """

        def add(build: C) -> C:
            CONTEXTS.add(name, Context(build=build, normalizes=normalizes), source=_source(build))
            return build

        return add

    def optimizer(self, name: str, *, needs: Collection[str] = ()) -> Callable[[C], C]:
        """Register a function (settings, parameters) -> torch optimizer, for `optimizer.generator.name` and `.critic`.

        Args:
            name: for the settings.
            needs: settings of its section that it requires and that have no default, e.g. ("beta1", "beta2").
        """

        def add(build: C) -> C:
            OPTIMIZERS.add(name, OptimizerEntry(build=build, needs=tuple(needs)), source=_source(build))
            return build

        return add

    def unit(self, name: str, *, tokens: Iterable[str], plural: str = "units") -> Callable[[C], C]:
        """Register a function that splits a line into pieces, for `corpus.unit`.

        A piece that is one of the tokens becomes one position of a row. Any other piece is split into its characters.
        The joined pieces must equal the line.

        Args:
            name: for the settings.
            tokens: strings that become one position. Single characters always do and need not be listed.
            plural: the plural of the unit in messages, e.g. "codons".
        """

        def add(split: C) -> C:
            symbols = TokenSymbols(tokens, split)
            UNITS.add(name, TextUnit(plural=plural, make_tokens=lambda: symbols), source=_source(split))
            return split

        return add

    def validator(self, name: str, *, needs: str = "") -> Callable[[C], C]:
        """Register a function (string) -> bool, whether the string is valid, for `--valid NAME`.

        Args:
            name: name for the option.
            needs: name of a package that must be installed when the validator is used.
        """

        def add(is_valid: C) -> C:
            VALIDATORS.add(name, Validator(is_valid=is_valid, needs=needs), source=_source(is_valid))
            return is_valid

        return add


def _network(
    registries: Mapping[str, Registry[Network]],
    name: str,
    data: str,
    normalizations: Collection[str],
    traits: Mapping[str, bool],
) -> Callable[[C], C]:
    if data not in registries:
        raise ConfigError(
            f"there is no kind of data {data!r} to register a network for{did_you_mean(str(data), registries)}",
            f"choose one of: {', '.join(registries)}",
        )

    def add(build: C) -> C:
        entry = Network(build=build, normalizations=tuple(normalizations), **traits)
        registries[data].add(name, entry, source=_source(build))
        return build

    return add


register = Register()
"""`seqgan_wgp.register`."""
