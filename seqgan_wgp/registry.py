"""Register losses, penalties, networks, optimizers and more by name, so that settings can choose them.

The package's own entries are in modules such as `training/losses.py`. A plugin file adds its entries in the same way:

    @seqgan_wgp.register.loss("mine")

A registry imports the modules with its entries on first use, so importing this module does not load torch.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

from .errors import ConfigError, did_you_mean
from .utils.plugin_files import current_plugin, read_source, run_file
from .utils.token_symbols import TokenSymbols

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])
K = TypeVar("K", bound=type)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_PACKAGE = __name__.partition(".")[0]


def _mean(value_B: Tensor) -> Tensor:
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
    """Whether the critic's loss falls forever unless a constraint bounds its slope between real and generated."""

    configure: Callable[[Any], Loss] | None = None
    """Section [objective] -> the loss with the numbers that the settings give it; None: it has none."""


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A way to keep the critic Lipschitz: it changes layers, adds a penalty, or clips weights."""

    prepare: Callable[[nn.Module, int], None] | None = None
    """(critic, seed): changes the critic's layers, once, before training."""

    slopes: Callable[[Any, Callable[[int], Tensor]], Tensor] | None = None
    """(view, uniform) -> (B,): where slopes are taken; None: no penalty."""

    cost: Callable[[Tensor], Tensor] = _mean
    """(slope_B) -> scalar, to be weighted by lambda and added to the critic's loss."""

    needs_points: bool = False
    """Whether the slopes must be taken in critic space itself, not behind the critic's first layer."""

    mixes_samples: bool = False
    """Whether what is penalised at one sample depends on the others, so that a batch cannot be done in parts."""

    project: Callable[[nn.Module, float], None] | None = None
    """(critic, bound): brings the critic's weights back after each of its steps; the bound is objective.clip."""

    bounds_between: bool = False
    """Whether it bounds the critic's slope between real and generated points."""

    refuses_normalization: bool = False
    """Whether a normalization in the critic would undo it."""

    @property
    def has_penalty(self) -> bool:
        """Whether a penalty is added to the critic's loss, so that objective.penalty_weight has a meaning."""
        return self.slopes is not None

    @property
    def per_sample(self) -> bool:
        """Whether the penalty at a sample asks nothing of the others, so that it may be taken at some of them."""
        return self.has_penalty and not self.mixes_samples

    @property
    def needs_clip(self) -> bool:
        """Whether it needs the bound objective.clip."""
        return self.project is not None


@dataclass(frozen=True, kw_only=True)
class Network:
    """An architecture for one kind of data."""

    build: Callable[..., nn.Module]
    """Settings and shape -> network; docs/extending.md has the arguments for each kind of data."""

    normalizations: tuple[str, ...] = ("none",)
    """Names of the normalizations that it can have."""

    needs_units: bool = False
    """Whether it has a dense layer, whose units the settings must give."""

    chooses_activation: bool = False
    """Whether the settings choose its activation."""

    has_likelihood: bool = False
    """Whether it is a generator that knows how likely items are (`training.likelihood.LikelihoodGenerator`), so that
    training.likelihood_steps has a meaning. It draws one part of an item after another, which no graph can record."""

    def __call__(self, *arguments: Any) -> nn.Module:
        """Return a new network."""
        return self.build(*arguments)


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry:
    """An optimizer."""

    build: Callable[[Any, list[nn.Parameter]], torch.optim.Optimizer]
    """(section [optimizer.generator] or [optimizer.critic], parameters) -> optimizer whose state is tensors alone."""

    needs: tuple[str, ...] = ()
    """Settings of the section that have no default and that it needs."""

    def __call__(self, settings: Any, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return a new optimizer over the parameters."""
        return self.build(settings, parameters)


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """A normalization of activations or of weights."""

    channels: Callable[..., nn.Module]
    """(channels, axes) -> module that normalises (B, C, ...) with so many axes behind the channels."""

    units: Callable[[int], nn.Module] | None = None
    """units -> module that normalises (B, U); None: there is none for dense layers."""

    mixes_samples: bool = False
    """Whether what it gives for a sample depends on the others in the batch."""

    needs_training_batch: bool = False
    """Whether it takes the statistics of the batch at hand outside training too, so that batches keep their size."""


@dataclass(frozen=True, kw_only=True)
class TextUnit:
    """What one position of a row of text holds."""

    plural: str
    """What messages call several of them."""

    is_byte: bool = False
    """Whether it is a byte of the text in UTF-8; else it is a code point, or one that stands for a token."""

    tokens: TokenSymbols | None = None
    """How text becomes units and units text; None: each character is one."""


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    source: str
    """File name of the plugin that it comes from; empty for the package's own."""


@final
class Registry(Mapping[str, T]):
    """Entries by name, in the order in which they were registered.

    Args:
        kind: what an entry is, for messages, e.g. "loss".
        homes: dotted names of the modules that register the package's own entries.
    """

    def __init__(self, kind: str, *homes: str) -> None:
        self.kind, self._homes = kind, homes
        self._loaded = False
        self._entries: dict[str, _Entry[T]] = {}

    def add(self, name: str, value: T, *, source: str = "") -> None:
        """Register an entry.

        Args:
            name: letters, digits, and `_ . + -` behind the first.
            value: the entry.
            source: file name of the plugin that it comes from; empty for the package's own.

        Raises:
            ConfigError: a name that cannot be one, or that is taken.
        """
        if source:
            self._load()  # or a name that the package has too would be found out too late
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == "auto":
            raise ConfigError(
                f"a {self.kind} cannot be named {name!r}",
                "use letters, digits, '-', '_', '.' and '+', and not the word auto",
            )
        if name in self._entries:
            owner = self._entries[name].source or "seqgan_wgp itself"
            raise ConfigError(f"the {self.kind} {name!r} is already registered by {owner}", "choose another name")
        self._entries[name] = _Entry(value, source)

    def source(self, name: str) -> str:
        """Return the file name of the plugin that an entry comes from; empty for the package's own and unknown ones."""
        self._load()
        return self._entries[name].source if name in self._entries else ""

    @property
    def is_loaded(self) -> bool:
        """Whether the home modules have been imported."""
        return self._loaded

    def remove_from(self, source: str) -> None:
        """Forget all entries of a plugin."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.source != source}

    def __getitem__(self, name: str) -> T:
        """Return an entry. Raises ConfigError for an unknown name, with all that are known."""
        self._load()
        if name not in self._entries:
            raise ConfigError(
                f"there is no {self.kind} {name!r}{did_you_mean(str(name), self._entries)}",
                f"choose one of: {', '.join(self._entries)}"
                if self._entries
                else "load a plugin that registers one: --plugin FILE",
            )
        return self._entries[name].value

    def __contains__(self, name: object) -> bool:
        """Say whether there is an entry of that name."""
        self._load()
        return name in self._entries

    def get(self, name: str, default: Any = None) -> Any:
        """Return an entry, or `default` for an unknown name."""
        self._load()
        return self._entries[name].value if name in self._entries else default

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        self._load()
        return iter(list(self._entries))

    def __len__(self) -> int:
        """Return the number of entries."""
        self._load()
        return len(self._entries)

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            for home in self._homes:
                importlib.import_module(home)


@final
class AnyOf(Collection[str]):
    """The names of several registries, each once."""

    def __init__(self, registries: Mapping[str, Registry[Any]]) -> None:
        self.registries = registries

    def __contains__(self, name: object) -> bool:
        """Say whether one of the registries has the name."""
        return any(name in registry for registry in self.registries.values())

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter({name: None for registry in self.registries.values() for name in registry})

    def __len__(self) -> int:
        """Return the number of different names."""
        return len(list(iter(self)))


@final
class TableNames(Collection[str]):
    """The names in a table of the package, a dict that users do not add to; its module is imported when one is asked.

    Args:
        table: dotted name within the package, e.g. "nn.fast_conv.convolution.CONVOLUTIONS".
        others: names that stand for a choice among the table's, as "auto" does; listed first.
    """

    def __init__(self, table: str, *others: str) -> None:
        self._module, _, self._table = f"{_PACKAGE}.{table}".rpartition(".")
        self._others = others

    def _names(self) -> list[str]:
        return [*self._others, *getattr(importlib.import_module(self._module), self._table)]

    def __contains__(self, name: object) -> bool:
        """Say whether it is a name of the table, or one of the others."""
        return name in self._others or name in self._names()

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names())

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._names())


LOSSES: Registry[Loss] = Registry("loss", f"{_PACKAGE}.training.losses")
PENALTIES: Registry[Constraint] = Registry("constraint", f"{_PACKAGE}.training.penalties")
OPTIMIZERS: Registry[OptimizerEntry] = Registry("optimizer", f"{_PACKAGE}.training.optimizers")
NORMALIZATIONS: Registry[Normalization] = Registry("normalization", f"{_PACKAGE}.nn.normalizations")
INITIALIZATIONS: Registry[Any] = Registry("initialization", f"{_PACKAGE}.nn.initialization")
DISTRIBUTIONS: Registry[Any] = Registry("toy distribution", f"{_PACKAGE}.toy.distributions")
UNITS: Registry[TextUnit] = Registry("unit of text", f"{_PACKAGE}.text.units")
VALIDATORS: Registry[Callable[[str], object]] = Registry("validator")
_NETWORK_HOMES = {
    "text": ("text.networks", "text.causal_generator"),
    "image": ("images.networks", "images.dense"),
    "toy": ("toy.networks",),
}
GENERATORS: dict[str, Registry[Network]] = {
    data: Registry(f"generator of {data}", *(f"{_PACKAGE}.{home}" for home in _NETWORK_HOMES[data]))
    for data in _NETWORK_HOMES
}
CRITICS: dict[str, Registry[Network]] = {
    data: Registry(f"critic of {data}", *(f"{_PACKAGE}.{home}" for home in _NETWORK_HOMES[data]))
    for data in _NETWORK_HOMES
}
"""Kind of data -> the architectures that there are for it. A new kind of data adds its own registries."""


def all_registries() -> list[Registry[Any]]:
    """Return every registry."""
    alone: list[Registry[Any]] = [LOSSES, PENALTIES, OPTIMIZERS, NORMALIZATIONS, INITIALIZATIONS, DISTRIBUTIONS]
    return [*alone, UNITS, VALIDATORS, *GENERATORS.values(), *CRITICS.values()]


def _source(registered: Any) -> str:
    """Return where what is being registered comes from: the plugin that is being loaded, or else a user's own file."""
    plugin = current_plugin()
    module = str(getattr(registered, "__module__", ""))
    if plugin or module.partition(".")[0] == _PACKAGE:
        return plugin
    code = getattr(registered, "__code__", None)
    return Path(code.co_filename).name if code is not None else module


@final
class Register:
    """Decorators that add a user's own loss, penalty, network, optimizer, unit or validator; `seqgan_wgp.register`.

    The decorated object is returned unchanged. Each raises ConfigError for an invalid name or one already taken.
    """

    def loss(self, name: str, *, needs_real: bool = False, needs_bounded_critic: bool = False) -> Callable[[K], K]:
        """Register a class with two functions, `critic` and `generator`, for `objective.loss`.

        Args:
            name: for the settings.
            needs_real: the generator's part takes (real_B, fake_B) in place of (fake_B).
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
        cost: Callable[[Tensor], Tensor] = _mean,
        needs_points: bool = False,
        mixes_samples: bool = False,
        bounds_between: bool = False,
    ) -> Callable[[C], C]:
        """Register a function (view, uniform) -> (B,) for `objective.constraint`: slopes, or what is penalised of them.

        Args:
            name: for the settings.
            cost: (B,) -> scalar, weighted by objective.penalty_weight and added to the critic's loss; the mean.
            needs_points: it needs points of critic space, not what the critic's first layer makes of them.
            mixes_samples: its value at a sample depends on others in the batch.
            bounds_between: it bounds the critic's slope between real and generated points, as the loss wgan needs.
        """

        def add(slopes: C) -> C:
            entry = Constraint(
                slopes=slopes,
                cost=cost,
                needs_points=needs_points,
                mixes_samples=mixes_samples,
                bounds_between=bounds_between,
            )
            PENALTIES.add(name, entry, source=_source(slopes))
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
        has_likelihood: bool = False,
    ) -> Callable[[C], C]:
        """Register a class or function that builds a generator, for `generator.network`.

        Args:
            name: for the settings.
            data: kind of data that it generates: text, image or toy.
            normalizations: names of those that it can have.
            needs_units: it has a dense layer, of `generator.units` units.
            chooses_activation: `generator.activation` names its activation.
            has_likelihood: it knows how likely items are, so `training.likelihood_steps` can train it.
        """
        traits = {
            "needs_units": needs_units,
            "chooses_activation": chooses_activation,
            "has_likelihood": has_likelihood,
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
    ) -> Callable[[C], C]:
        """Register a class or function that builds a critic, for `critic.network`; see `generator`."""
        traits = {"needs_units": needs_units, "chooses_activation": chooses_activation}
        return _network(CRITICS, name, data, normalizations, traits)

    def optimizer(self, name: str, *, needs: Collection[str] = ()) -> Callable[[C], C]:
        """Register a function (settings, parameters) -> torch optimizer, for `optimizer.generator.name` and `.critic`.

        Args:
            name: for the settings.
            needs: settings of its section that have no default, e.g. ("beta1", "beta2").
        """

        def add(build: C) -> C:
            OPTIMIZERS.add(name, OptimizerEntry(build=build, needs=tuple(needs)), source=_source(build))
            return build

        return add

    def unit(self, name: str, *, tokens: Iterable[str], plural: str = "units") -> Callable[[C], C]:
        """Register a function that splits a line into pieces, for `corpus.unit`.

        A piece that is one of the tokens becomes one position of a row; of any other piece each character does. The
        pieces joined must give the line.

        Args:
            name: for the settings.
            tokens: strings that can be one position; single characters always can.
            plural: what messages call several of them, e.g. "codons".
        """

        def add(split: C) -> C:
            UNITS.add(name, TextUnit(plural=plural, tokens=TokenSymbols(tokens, split)), source=_source(split))
            return split

        return add

    def validator(self, name: str) -> Callable[[C], C]:
        """Register a function (string) -> whether it is valid, for `generate --valid NAME`."""

        def add(is_valid: C) -> C:
            VALIDATORS.add(name, is_valid, source=_source(is_valid))
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


_LOADED: dict[str, tuple[Path, str]] = {}
"""File name of a loaded plugin -> its path and the sha256 of what it held."""


def load_plugins(files: Iterable[str | Path]) -> None:
    """Run plugin files, so that settings can choose what they register. A file that is already loaded is not run again.

    A file that has changed replaces what it registered before. Plugins are identified by file name: a model records
    the names of those that it needs.

    Raises:
        ConfigError: a missing file, code that fails (with file and line), a name that is taken, or two different files
            with the same name.
    """
    for file in files:
        _load_plugin(Path(file).expanduser().absolute())


def _load_plugin(path: Path) -> None:
    source = read_source(path)
    digest = hashlib.sha256(source).hexdigest()
    former = _LOADED.get(path.name)
    if former is not None and former[1] == digest:
        return
    if former is not None and former[0] != path:
        raise ConfigError(
            f"{path}: another plugin with this file name is already loaded: {former[0]}", "rename one of the two files"
        )
    kept = {id(registry): dict(registry._entries) for registry in all_registries()}
    unload_plugin(path.name)
    try:
        run_file(path, source)
    except ConfigError:
        for registry in all_registries():
            registry._entries = kept[id(registry)]
        raise
    _LOADED[path.name] = (path, digest)


def unload_plugin(name: str) -> None:
    """Forget a plugin by its file name, with all that it registered."""
    _LOADED.pop(name, None)
    for registry in all_registries():
        registry.remove_from(name)


def plugin_names() -> set[str]:
    """Return the file names of the plugins that are loaded, and of other files that have registered something."""
    sources = {registry.source(name) for registry in all_registries() if registry.is_loaded for name in registry}
    return (sources | set(_LOADED)) - {""}
