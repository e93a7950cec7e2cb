"""Config and its sections: every setting with its meaning, neutral default and bounds, as frozen dataclasses.

A default that is written here is off or automatic; numbers that shape results have none and come from a recipe.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from .._version import FORMAT_VERSION as FORMAT_VERSION
from ..errors import ConfigError
from ..registry import (
    CRITICS,
    DISTRIBUTIONS,
    GENERATORS,
    INITIALIZATIONS,
    LOSSES,
    NORMALIZATIONS,
    OPTIMIZERS,
    PENALTIES,
    AnyOf,
)
from .fields import setting
from .kinds import DATA_KINDS

_NORMAL_FORMS = ("none", "nfc", "nfd", "nfkc", "nfkd")
_ACTIVATIONS = ("softplus", "relu")


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """How text becomes rows of ids."""

    encoding: str = setting("encoding of the text, as Python names it", "utf-8")
    errors: str = setting("what to do with a line of bad bytes", "strict", choices=("strict", "replace", "skip"))
    normalize: str = setting("Unicode normal form to bring the text to", "none", choices=_NORMAL_FORMS)
    unit: str = setting(
        "what a position holds: a code point, or a byte of the file as it is", "char", choices=("char", "byte")
    )
    limit: int | None = setting("lines read at most, empty ones not counted; none: all", None, ge=1)
    layout: str = setting(
        "lines: a row each; windows: of running text; auto: windows for text in paragraphs or without lines",
        "auto",
        choices=("auto", "lines", "windows"),
    )
    length: int | None = setting(
        "characters in a row; auto: 99 % of lines fit, rounded up to 8, at most 64", None, ge=1, le=4096, auto=True
    )
    overflow: str = setting(
        "what to do with longer lines: crop them, drop them, or cut them in chunks",
        "crop",
        choices=("crop", "drop", "chunk"),
        formerly="long",
    )
    held_out: float = setting("share of distinct lines held out, half validation, half test", 0.2, gt=0, le=0.9)
    held_out_max: int = setting("lines held out at most (expected number)", 40_000, ge=1, formerly="held_out_most")
    max_alphabet: int = setting("different characters allowed", 8192, ge=1, le=65_000)


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How images become points of critic space."""

    range: str = setting("values of pixels: 0 to 1, or -1 to 1", "unit", choices=("unit", "symmetric"))
    limit: int | None = setting("images trained on, the first so many; none: all", None, ge=1)
    columns: int | None = setting("images across a grid of samples; auto: 10", None, ge=1, le=100, auto=True)
    rows: int | None = setting("images down a grid of samples; auto: 10", None, ge=1, le=100, auto=True)


@dataclass(frozen=True, kw_only=True)
class ToySettings:
    """Which distribution of points is learnt, where it is none of text or images."""

    name: str = setting("distribution", "25-gaussians", choices=DISTRIBUTIONS)
    theta: float = setting("of parallel-lines: where the line stands, (theta, Z) with Z uniform in 0 to 1", 0.0)


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """The generator, from latents to points of critic space."""

    network: str = setting("architecture", "residual", choices=AnyOf(GENERATORS))
    latent: int = setting("numbers in a latent", ge=1, le=65_536)
    latent_distribution: str = setting("distribution of a latent's numbers", "normal", choices=("normal", "uniform"))
    width: int = setting("channels; of a perceptron, units", ge=1, le=16_384, auto=True)
    blocks: int = setting("residual blocks; of a perceptron over points, hidden layers", 0, ge=0, le=256)
    kernel: int = setting("positions that a convolution sees", 1, ge=1, le=255, odd=True)
    units: int = setting("units of the dense layer, in networks that have one", 0, ge=0, le=65_536)
    residual_scale: float = setting("factor on each block's residual branch", 1.0, gt=0, le=100)
    normalization: str = setting("before each activation", "none", choices=NORMALIZATIONS)
    activation: str = setting(
        "activation after the convolutions of the network convolution-dense; other networks have their own",
        "softplus",
        choices=_ACTIVATIONS,
    )
    initialization: str = setting("scheme of the first weights", "torch", choices=INITIALIZATIONS)
    relaxation: str = setting(
        "what a text generator feeds the critic: softmax probabilities, straight-through one-hot, or sampled: one-hot "
        "that is drawn in half of the strings",
        "softmax",
        choices=("softmax", "straight-through", "sampled", "auto"),
        formerly="output",
    )


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """The critic, from points of critic space to one score."""

    network: str = setting("architecture", "residual", choices=AnyOf(CRITICS))
    width: int = setting("channels; of a perceptron, units", ge=1, le=16_384, auto=True)
    blocks: int = setting("residual blocks; of a perceptron over points, hidden layers", 0, ge=0, le=256)
    kernel: int = setting("positions that a convolution sees", 1, ge=1, le=255, odd=True)
    units: int = setting("units of the dense layer, in networks that have one", 0, ge=0, le=65_536)
    residual_scale: float = setting("factor on each block's residual branch", 1.0, gt=0, le=100)
    normalization: str = setting("before each activation", "none", choices=NORMALIZATIONS)
    activation: str = setting(
        "activation after the convolutions of the network convolution-dense; other networks have their own",
        "softplus",
        choices=_ACTIVATIONS,
    )
    initialization: str = setting("scheme of the first weights", "torch", choices=INITIALIZATIONS)


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What the two networks play for, and how the critic is kept Lipschitz."""

    loss: str = setting("adversarial objective", "wgan", choices=LOSSES)
    targets: str = setting("of lsgan: a, b, c for fake, real, and fake as the generator wants it", "0, 1, 1")
    constraint: str = setting(
        "how the critic's slope is bounded; gp: pushed to 1; lp: what is above 1; clip: by its weights' size",
        "none",
        choices=PENALTIES,
    )
    penalty_weight: float = setting("lambda, the factor on the penalty", 0.0, ge=0, formerly="weight")
    penalty_every: int = setting(
        "apply the penalty to every k-th sample of the batch", 1, ge=1, le=1_024, auto=True, formerly="thinning"
    )
    clip: float | None = setting("c, what weights are clipped to, [-c, c]; with constraint=clip", None, gt=0)

    def target_numbers(self) -> tuple[float, float, float]:
        """Return a, b and c of `targets`. Raises ConfigError when it is not three numbers."""
        try:
            a, b, c = (float(number) for number in self.targets.split(","))
        except ValueError:
            a = b = c = math.nan
        if not all(map(math.isfinite, (a, b, c))):
            raise ConfigError(
                f"objective.targets is {self.targets!r}, but it is three numbers",
                'a, b, c with commas between, e.g. "0, 1, 1", or "-1, 1, 0" for Pearson\'s chi-squared',
            )
        return a, b, c


@dataclass(frozen=True, kw_only=True)
class AlgorithmSettings:
    """One optimizer. Each algorithm has some of these numbers and needs all that it has."""

    name: str = setting("algorithm; rmsprop-tf: TensorFlow 1's", "adam", choices=OPTIMIZERS)
    learning_rate: float = setting("step size", gt=0, le=10)
    lr_decay_steps: int = setting(
        "time constant T of the learning-rate decay, learning_rate / sqrt(1 + round / T); 0 disables it",
        0,
        ge=0,
        formerly="fall_steps",
    )
    beta1: float | None = setting("adam: decay of the mean of gradients", None, ge=0, lt=1)
    beta2: float | None = setting("adam: decay of the mean of squared gradients", None, ge=0, lt=1)
    decay: float | None = setting("rmsprop: decay of the mean of squared gradients", None, ge=0, lt=1)
    momentum: float = setting("rmsprop, sgd: share of the last step that is added to a step", 0.0, ge=0, lt=1)
    epsilon: float = setting("adam, rmsprop: keeps the divisor from 0", 1e-8, ge=0)


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The two optimizers."""

    generator: AlgorithmSettings
    critic: AlgorithmSettings


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How long, on what, and in which rhythm. A step is one round: critic steps, then generator steps."""

    batch_size: int = setting("items a critic step sees of each kind", ge=1, le=1_048_576, auto=True)
    critic_steps: int = setting("n_critic, critic steps in a round", ge=1, le=10_000)
    generator_steps: int = setting("generator steps in a round", 1, ge=1, le=10_000)
    generator_steps_more: int = setting("generator steps added each generator_steps_period", 0, ge=0, le=10_000)
    generator_steps_period: int = setting("rounds after which generator_steps_more are added", 1, ge=1)
    extra_steps_above: float | None = setting(
        "take extra generator steps in a round while their loss is above this; none: no extra steps",
        None,
        formerly="repeat_above",
    )
    extra_steps_max_rises: int = setting(
        "extra steps that may fail to lower the loss before the round gives up",
        10,
        ge=1,
        formerly="repeat_rises",
    )
    warm_up: int = setting("critic steps alone before the first round, at most", 0, ge=0, le=1_000_000)
    warm_up_until: float | None = setting("critic's loss at which the warm-up ends early; none: never", None)
    fixed_latents: bool = setting(
        "whether every step of both networks has the same latents, those of the first batch_size samples", False
    )
    fixed_batch: bool = setting(
        "whether every critic step has the same real batch, the first batch_size training items", False
    )
    noise: float = setting("standard deviation of noise on all that the critic sees, at first", 0.0, ge=0)
    noise_steps: int = setting("rounds over which the noise goes to 0, linearly; 0: it stays", 0, ge=0)
    steps: int | None = setting("rounds in all, also after a resume; none: no limit", None, ge=1)
    minutes: float | None = setting("minutes of training in all, also after a resume; none: no limit", None, gt=0)
    seed: int = setting("seed of all noise", 0, ge=0, lt=2**63)
    device: str = setting("where the networks live", "auto", choices=("auto", "cpu", "cuda", "mps"))
    engine: str = setting(
        "how steps are computed; graph: a round as one CUDA graph; auto: graph on a GPU, else eager",
        "auto",
        choices=("auto", "plain", "eager", "compiled", "graph"),
    )
    precision: str = setting(
        "of what networks compute; tf32: on a GPU; bf16: of scores, not of penalties",
        "float32",
        choices=("float32", "tf32", "bf16"),
    )
    convolution: str = setting(
        "how 1-d convolutions are computed in training; auto: the quickest for the sizes",
        "direct",
        choices=("auto", "direct", "fourier", "toom-cook"),
    )


@dataclass(frozen=True, kw_only=True)
class AveragingSettings:
    """The generator's moving average."""

    decay: float = setting("share of the average kept in a step; 0: no averaging", 0.0, ge=0, lt=1)


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """When and on how much the generator is measured."""

    every: int = setting("steps between evaluations", ge=1, auto=True)
    samples: int | None = setting(
        "items generated; auto: one for each validation item, 10,000 at most", None, ge=1, auto=True
    )
    orders: int = setting("n-grams measured: n = 1 .. orders", 4, ge=1, le=6)
    patience: int | None = setting("evaluations without a better one before training stops; none: never", None, ge=1)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What a trained model generates with."""

    weights: str = setting("the moving average, or the latest weights", "average", choices=("average", "latest"))


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """The rhythm of records."""

    every: int = setting("steps between records", ge=1)
    diagnostics: int = setting("steps between diagnostics, which a record then has too; 0: none", 0, ge=0)
    tensorboard: bool = setting("whether to write event files for TensorBoard too; needs tensorboard", False)


@dataclass(frozen=True, kw_only=True)
class Config:
    """A whole run. Build it with `recipe`, change it with `override`."""

    domain: str = setting("kind of data", "text", choices=DATA_KINDS)
    recipe: str = setting("recipe that the settings started from", "")
    description: str = setting("what the recipe is, in one line", "")
    source: str = setting("where the recipe's numbers come from", "")
    plugins: tuple[str, ...] = setting("file names of the plugins that the settings need; found on their own", ())
    corpus: CorpusSettings = dataclasses.field(default_factory=CorpusSettings)
    images: ImageSettings = dataclasses.field(default_factory=ImageSettings)
    toy: ToySettings = dataclasses.field(default_factory=ToySettings)
    generator: GeneratorSettings
    critic: CriticSettings
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    training: TrainingSettings
    averaging: AveragingSettings = dataclasses.field(default_factory=AveragingSettings)
    evaluation: EvaluationSettings
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)
    log: LogSettings
