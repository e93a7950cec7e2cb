"""Registries of named entries: the types of entries with the traits that validation reads, and look-up by name."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

from ..errors import ConfigError, did_you_mean
from ..utils.installed import check_installed
from ..utils.token_symbols import TokenSymbols

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
PACKAGE = __name__.partition(".")[0]


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

    critic_is_wasserstein: bool = False
    """Whether the critic's loss is E[f(x~)] - E[f(x)], so that the metric `wasserstein` is minus it."""

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

    bounds_layers: bool = False
    """Whether it bounds the slope of each layer. Layers that normalize, and products of outputs, would undo the bound,
    so they are refused."""

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

    chooses_ngrams: bool = False
    """Whether it is a critic of strings with the setting `ngrams`: features of n-grams beside those of characters."""

    has_likelihood: bool = False
    """Whether it is a generator that computes the likelihood of items (`training.likelihood.LikelihoodGenerator`), so
    that training.likelihood_steps applies. It draws an item part by part, which a CUDA graph cannot record."""

    takes_labels: bool = False
    """Whether its builder has a further argument `labels`, their number. Then the generator's input ends with the
    label, and so does each item that a critic judges; see `training.labels`."""

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
    """(channels, axes) -> module that normalizes (B, C, ...) with this many axes after the channels."""

    units: Callable[[int], nn.Module] | None = None
    """(units) -> module that normalizes (B, U); None: not available for dense layers."""

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

    make_tokens: Callable[[], TokenSymbols] | None = None
    """Return the tokens; called once, when they are first needed. None: each character is a unit, or a match."""

    pattern: str | None = None
    """Regular expression of a unit, as the `tokenizers` package reads it; the tokens are those that a corpus has.
    Empty: that of corpus.unit_pattern. None: the tokens are fixed."""

    @functools.cached_property
    def tokens(self) -> TokenSymbols | None:
        """Converts text to fixed tokens and back; None: each character is a unit, or a pattern defines it."""
        return None if self.make_tokens is None else self.make_tokens()


@dataclass(frozen=True, kw_only=True)
class Validator:
    """A test of single strings."""

    is_valid: Callable[[str], object]
    """(string) -> whether it is valid."""

    needs: str = ""
    """Name of a package that must be installed; empty: none."""

    extra: str = ""
    """Extra of this package that installs it; empty: there is none."""

    def check(self, name: str) -> None:
        """Raise ConfigError if the package that this validator, registered as `name`, needs is not installed."""
        if self.needs:
            check_installed(f"the validator {name!r}", self.needs, extra=self.extra)


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    source: str
    """File name of the plugin that registered it; empty for the package's own entries."""


@final
class Registry(Mapping[str, T]):
    """Maps names to entries, in the order of registration.

    Args:
        kind: what an entry is called in messages, e.g. "loss".
        modules: dotted names of the modules that register the package's own entries.
    """

    def __init__(self, kind: str, *modules: str) -> None:
        self.kind, self._modules = kind, modules
        self._loaded = False
        self._entries: dict[str, _Entry[T]] = {}

    def add(self, name: str, value: T, *, source: str = "") -> None:
        """Register an entry.

        Args:
            name: a letter or digit, followed by letters, digits and `_ . + -`.
            value: the entry.
            source: file name of the plugin that registers it; empty for the package's own entries.

        Raises:
            ConfigError: the name is invalid or already taken.
        """
        if source:
            self._load()  # otherwise a clash with one of the package's own names would be found too late
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
        """Return the file name of the plugin that registered an entry; empty for other names."""
        self._load()
        return self._entries[name].source if name in self._entries else ""

    @property
    def is_loaded(self) -> bool:
        """Whether the modules with the package's own entries have been imported."""
        return self._loaded

    def snapshot(self) -> Mapping[str, Any]:
        """Return the present entries, for `restore`."""
        return dict(self._entries)

    def restore(self, entries: Mapping[str, Any]) -> None:
        """Bring back the entries of a snapshot."""
        self._entries = dict(entries)

    def remove_from(self, source: str) -> None:
        """Remove all entries that a plugin registered."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.source != source}

    def __getitem__(self, name: str) -> T:
        """Return an entry. Raises ConfigError for an unknown name; the message lists the known ones."""
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
        """Return whether there is an entry with this name."""
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
            for module in self._modules:
                importlib.import_module(module)


@final
class AnyOf(Collection[str]):
    """The names in several registries, without duplicates."""

    def __init__(self, registries: Mapping[str, Registry[Any]]) -> None:
        self.registries = registries

    def __contains__(self, name: object) -> bool:
        """Return whether one of the registries has the name."""
        return any(name in registry for registry in self.registries.values())

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter({name: None for registry in self.registries.values() for name in registry})

    def __len__(self) -> int:
        """Return the number of different names."""
        return len(list(iter(self)))


@final
class TableNames(Collection[str]):
    """The names in one of the package's own tables, to which users cannot add. Its module is imported on first use.

    Args:
        table: dotted name within the package, e.g. "nn.fast_conv.convolution.CONVOLUTIONS".
        others: further accepted names, such as "auto"; they are listed first.
    """

    def __init__(self, table: str, *others: str) -> None:
        self._module, _, self._table = f"{PACKAGE}.{table}".rpartition(".")
        self._others = others

    def _names(self) -> list[str]:
        return [*self._others, *getattr(importlib.import_module(self._module), self._table)]

    def __contains__(self, name: object) -> bool:
        """Return whether it is a name in the table or one of the others."""
        return name in self._others or name in self._names()

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names())

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._names())
