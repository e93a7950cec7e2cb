"""What a run is: frozen dataclasses, one for each section of a recipe.

Order of precedence: neutral defaults < recipe < `--config FILE` < `--set a.b=c` and flags. A setting whose
default is written here is off or automatic there; numbers that shape results have no default and come from
a recipe. A key missing in an older file therefore means neutral.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ConfigError, did_you_mean
from .settings import AUTO, build, list_settings, merged, nested, setting

FORMAT_VERSION = 1
"""Format of config.json, of checkpoints and of model files."""

_NORMALIZATIONS = ("none", "layer", "layer-channels", "batch")
_NORMAL_FORMS = ("none", "nfc", "nfd", "nfkc", "nfkd")
_INITIALIZATIONS = ("tflib", "torch", "xavier")


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """How text becomes rows of ids."""

    encoding: str = setting("encoding of the text, as Python names it", "utf-8")
    errors: str = setting("what to do with a line of bad bytes", "strict", choices=("strict", "replace", "skip"))
    normalize: str = setting("Unicode normal form to bring the text to", "none", choices=_NORMAL_FORMS)
    unit: str = setting(
        "what a position holds: a code point, or a byte of the file as it is", "char", choices=("char", "byte")
    )
    limit: int | None = setting("lines read at most, empty ones not counted; none: all", None, least=1)
    layout: str = setting(
        "lines: a row each; windows: of running text; auto: windows for text in paragraphs or without lines",
        "auto",
        choices=("auto", "lines", "windows"),
    )
    length: int | None = setting(
        "characters in a row; none: 99 % of lines fit, rounded up to 8, at most 64", None, least=1, most=4096
    )
    long: str = setting(
        "what to do with longer lines: cut off, leave out, cut in pieces", "crop", choices=("crop", "drop", "chunk")
    )
    held_out: float = setting("share of distinct lines held out, half validation, half test", 0.2, above=0, most=0.9)
    held_out_most: int = setting("lines held out at most (expected number)", 40_000, least=1)
    max_alphabet: int = setting("different characters allowed", 8192, least=1, most=65_000)


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How images become points of critic space."""

    range: str = setting("values of pixels: 0 to 1, or -1 to 1", "unit", choices=("unit", "symmetric"))
    limit: int | None = setting("images trained on, the first so many; none: all", None, least=1)


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """The generator: text: latent -> linear -> residual blocks -> softmax; images: transposed convolutions."""

    network: str = setting("architecture", "residual", choices=("residual", "deconvolution"))
    latent: int = setting("numbers in a latent", least=1, most=65_536)
    latent_distribution: str = setting("distribution of a latent's numbers", "normal", choices=("normal", "uniform"))
    width: int = setting("channels", least=1, most=16_384, auto=True)
    blocks: int = setting("residual blocks", 0, least=0, most=256)
    kernel: int = setting("positions that a convolution sees", least=1, most=255, odd=True)
    residual_scale: float = setting("factor on each block's residual branch", 1.0, above=0, most=100)
    normalization: str = setting("before each ReLU of a block", "none", choices=_NORMALIZATIONS)
    initialization: str = setting("scheme of the first weights", "torch", choices=_INITIALIZATIONS)


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """The critic: the generator's mirror, to one score."""

    network: str = setting("architecture", "residual", choices=("residual", "convolution"))
    width: int = setting("channels", least=1, most=16_384, auto=True)
    blocks: int = setting("residual blocks", 0, least=0, most=256)
    kernel: int = setting("positions that a convolution sees", least=1, most=255, odd=True)
    residual_scale: float = setting("factor on each block's residual branch", 1.0, above=0, most=100)
    normalization: str = setting("before each ReLU of a block", "none", choices=_NORMALIZATIONS)
    initialization: str = setting("scheme of the first weights", "torch", choices=_INITIALIZATIONS)


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What the two networks play for, and how the critic is kept Lipschitz."""

    loss: str = setting("adversarial objective", "wgan", choices=("wgan",))
    constraint: str = setting("gp: slopes pushed to 1; lp: slopes above 1 only", "none", choices=("none", "gp", "lp"))
    weight: float = setting("lambda, the factor on the penalty", 0.0, least=0)


@dataclass(frozen=True, kw_only=True)
class AdamSettings:
    """One optimizer."""

    name: str = setting("algorithm", "adam", choices=("adam",))
    learning_rate: float = setting("step size", above=0, most=10)
    beta1: float = setting("decay of the mean of gradients", least=0, below=1)
    beta2: float = setting("decay of the mean of squared gradients", least=0, below=1)
    epsilon: float = setting("added to the root of the second moment", 1e-8, least=0)


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The two optimizers."""

    generator: AdamSettings
    critic: AdamSettings


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How long, on what, and in which rhythm. A step is one round: critic steps, then one generator step."""

    batch_size: int = setting("strings a critic step sees of each kind", least=1, most=1_048_576, auto=True)
    critic_steps: int = setting("n_critic, critic steps in a round", least=1, most=10_000)
    steps: int | None = setting("rounds in all, also after a resume; none: no limit", None, least=1)
    minutes: float | None = setting("minutes of training in all, also after a resume; none: no limit", None, above=0)
    seed: int = setting("seed of all noise", 0, least=0, below=2**63)
    device: str = setting("where the networks live", "auto", choices=("auto", "cpu", "cuda", "mps"))


@dataclass(frozen=True, kw_only=True)
class AveragingSettings:
    """The generator's moving average."""

    decay: float = setting("share of the average kept in a step; 0: no averaging", 0.0, least=0, below=1)


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """When and on how much the generator is measured."""

    every: int = setting("steps between evaluations", least=1, auto=True)
    samples: int | None = setting(
        "strings generated; none: one for each validation line, 10,000 at most", None, least=1
    )
    orders: int = setting("n-grams measured: n = 1 .. orders", 4, least=1, most=6)
    patience: int | None = setting("evaluations without a better JS before training stops; none: never", None, least=1)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What a trained model generates with."""

    weights: str = setting("the moving average, or the latest weights", "average", choices=("average", "latest"))


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """The rhythm of records."""

    every: int = setting("steps between records", least=1)


@dataclass(frozen=True, kw_only=True)
class Config:
    """A whole run. Build it with `recipe`, change it with `override`."""

    domain: str = setting("kind of data", "text", choices=("text", "image"))
    recipe: str = setting("recipe that the settings started from", "")
    description: str = setting("what the recipe is, in one line", "")
    source: str = setting("where the recipe's numbers come from", "")
    corpus: CorpusSettings = dataclasses.field(default_factory=CorpusSettings)
    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    generator: GeneratorSettings
    critic: CriticSettings
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    training: TrainingSettings
    averaging: AveragingSettings = dataclasses.field(default_factory=AveragingSettings)
    evaluation: EvaluationSettings
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)
    log: LogSettings


RECIPES = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_text(name: str) -> str:
    """Return a recipe as it is written, comments and all. Raises ConfigError for an unknown name."""
    if name not in recipe_names():
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}", f"known: {', '.join(recipe_names())}"
        )
    return (RECIPES / f"{name}.toml").read_text(encoding="utf-8")


def recipe(name: str, overrides: Mapping[str, object] | None = None, *, file: Path | None = None) -> Config:
    """Return the config of a recipe, changed by a TOML file and then by `overrides`.

    Args:
        name: a recipe that comes with the package; see `recipe_names`.
        overrides: dotted setting -> value, e.g. `{"generator.width": 128}`; text is read as the setting's type.
        file: TOML with the same sections, applied between the two.

    Raises:
        ConfigError: unknown recipe or setting, wrong type, value out of range, unreadable file.
    """
    tree = tomllib.loads(recipe_text(name))
    tree["recipe"] = name
    if file is not None:
        tree = merged(tree, _read_toml(file))
        try:
            from_dict(tree)
        except ConfigError as error:
            raise ConfigError(f"{file}: {error.message}", error.remedy) from None
    for dotted, value in (overrides or {}).items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def override(config: Config, overrides: Mapping[str, object]) -> Config:
    """Return `config` with dotted settings replaced, checked as in `recipe`."""
    tree = to_dict(config)
    for dotted, value in overrides.items():
        tree = merged(tree, nested(Config, dotted, value))
    return from_dict(tree)


def from_dict(tree: Mapping[str, Any]) -> Config:
    """Build a Config from nested dictionaries. Raises ConfigError that names the setting, value and bounds."""
    config: Config = build(Config, tree)
    _check(config)
    if config.objective.constraint == "none" and config.objective.weight:
        raise ConfigError(
            f"objective.weight is {config.objective.weight:g}, but objective.constraint is 'none'",
            "choose a constraint (gp, lp), or set the weight to 0",
        )
    if config.training.steps is None and config.training.minutes is None and config.evaluation.patience is None:
        raise ConfigError("the run has no end", "set training.steps, training.minutes or evaluation.patience")
    return config


_FITTING: dict[str, dict[str, tuple[str, ...]]] = {
    "text": {
        "generator.network": ("residual",),
        "critic.network": ("residual",),
        "generator.normalization": ("none", "layer", "layer-channels"),
        "critic.normalization": ("none", "layer", "layer-channels"),
    },
    "image": {
        "generator.network": ("deconvolution",),
        "critic.network": ("convolution",),
        "generator.normalization": ("none", "layer", "batch"),
        "critic.normalization": ("none", "layer", "batch"),
    },
}
"""Kind of data -> the values of settings that go with it, where not all do."""


def _check(config: Config) -> None:
    """Raise ConfigError when settings do not go together, with the reason."""
    for dotted, fitting in _FITTING[config.domain].items():
        value = operator.attrgetter(dotted)(config)
        if value not in fitting:
            raise ConfigError(
                f"{dotted} is {value!r}, which there is not for {config.domain}", f"it is one of: {', '.join(fitting)}"
            )
    if config.critic.normalization == "batch" and config.objective.constraint != "none":
        raise ConfigError(
            f"critic.normalization is 'batch' and objective.constraint is {config.objective.constraint!r}: a penalty "
            "is on the slope at each sample, and batch norm makes every score depend on all of them",
            "take critic.normalization=layer, or none",
        )


def to_dict(config: Config) -> dict[str, Any]:
    """Return nested dictionaries with every setting; `from_dict` gives back an equal config."""
    tree = dataclasses.asdict(config)
    for dotted, field in list_settings(Config).items():
        *sections, name = dotted.split(".")
        section = functools.reduce(operator.getitem, sections, tree)
        if field.metadata["auto"] and section[name] == AUTO:
            section[name] = "auto"
    return tree


def changes(before: Config, after: Config) -> dict[str, object]:
    """Return the settings in which two configs differ, dotted name -> what it is afterwards."""
    get = {dotted: operator.attrgetter(dotted) for dotted in list_settings(Config)}
    return {dotted: of(after) for dotted, of in get.items() if of(before) != of(after)}


def to_toml(config: Config) -> str:
    """Return the config as TOML, each setting with what it means; fit for `--config`. None is the text "none"."""
    tree = to_dict(config)
    text, section = [], ""
    for dotted, field in list_settings(Config).items():
        *sections, name = dotted.split(".")
        if ".".join(sections) != section:
            section = ".".join(sections)
            text.append(f"\n[{section}]")
        value: Any = functools.reduce(operator.getitem, dotted.split("."), tree)
        written = json.dumps("none" if value is None else value, ensure_ascii=False).replace("\x7f", r"\u007f")
        line = f"{name} = {written}"
        text.append(f"{line:<38} # {field.metadata['doc']}")
    return "\n".join(text) + "\n"


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file", "name a TOML file with settings") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML ({error})", "see: seqgan-wgp recipes fast") from None
