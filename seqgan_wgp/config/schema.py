"""Config and its sections: declare every setting with its meaning, default and bounds, as frozen dataclasses.

A default given here switches a feature off or chooses automatically. Numbers that shape results have no default; they
come from a recipe.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from .._version import FORMAT_VERSION as FORMAT_VERSION
from ..errors import ConfigError
from ..registry import (
    CONSTRAINTS,
    CONTEXTS,
    CRITICS,
    GENERATORS,
    INITIALIZATIONS,
    LOSSES,
    NORMALIZATIONS,
    OPTIMIZERS,
    AnyOf,
    TableNames,
)
from .data_settings import CorpusSettings as CorpusSettings
from .data_settings import ImageSettings as ImageSettings
from .data_settings import ToySettings as ToySettings
from .fields import setting
from .kinds import DATA_KINDS

_ACTIVATIONS = TableNames("images.dense.ACTIVATIONS")
_CRITERIA = TableNames("text.criteria.CRITERIA")
_CONVOLUTIONS = TableNames("nn.fast_conv.convolution.CONVOLUTIONS", "auto")
_ENGINES = TableNames("training.engines.table.ENGINES", "auto", "graph")
_LATENTS = TableNames("training.latent_space.LATENT_SPACES")


def _context() -> Any:
    """Return the setting of the layer with a view of the whole string, which both networks have."""
    return setting(
        "layer between residual blocks with a view of the whole string: attention, or mixing (an MLP across positions)",
        "none",
        choices=CONTEXTS,
    )


def _context_rate() -> Any:
    """Return the setting of the context layers' learning rate, which both networks have."""
    return setting(
        "learning rate of the context layers, as a share of the optimizer's; no effect without such layers",
        1.0,
        gt=0,
        le=100,
    )


def _dilation_growth() -> Any:
    """Return the setting of the dilation, which both networks have."""
    return setting(
        "factor by which the dilation grows from one convolution to the next, up to the length of the string; "
        "1: no dilation",
        1,
        ge=1,
        le=16,
    )


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """The generator, which maps latent vectors to samples."""

    network: str = setting("architecture", "residual", choices=AnyOf(GENERATORS))
    latent: int = setting(
        "latent dimension; for the network causal one number per position", ge=1, le=65_536, auto=True
    )
    latent_distribution: str = setting("distribution of the latents", "normal", choices=_LATENTS)
    width: int = setting("number of channels, or of hidden units in a perceptron", ge=1, le=16_384, auto=True)
    blocks: int = setting("number of residual blocks, or of hidden layers in a perceptron", 0, ge=0, le=256)
    kernel: int = setting("convolution kernel size", 1, ge=1, le=255, odd=True)
    units: int = setting("units of the dense layer, for networks that have one", 0, ge=0, le=65_536)
    residual_scale: float = setting("scale of each residual branch", 1.0, gt=0, le=100)
    context: str = _context()
    context_rate: float = _context_rate()
    dilation_growth: int = _dilation_growth()
    self_modulation: bool = setting("let the latent scale and shift the output of every normalization", False)
    counts: int = setting(
        "causal only: number of earlier occurrences of each character that the network distinguishes", 0, ge=0, le=64
    )
    dropout: float = setting("causal only: dropout rate in likelihood steps", 0.0, ge=0, le=0.9)
    normalization: str = setting("normalization before each activation", "none", choices=NORMALIZATIONS)
    activation: str = setting(
        "activation after the convolutions of convolution-dense; other networks have a fixed one",
        "softplus",
        choices=_ACTIVATIONS,
    )
    initialization: str = setting("weight initialization scheme", "torch", choices=INITIALIZATIONS)
    relaxation: str = setting(
        "what a text generator feeds the critic: softmax probabilities, straight-through one-hot vectors, or sampled: "
        "one-hot samples in half of the batch",
        "softmax",
        choices=("softmax", "straight-through", "sampled", "auto"),
        formerly="output",
    )
    soft_share: float = setting(
        "share of the softmax probabilities in what the critic sees in generator steps, beside one-hot vectors; no "
        "effect with relaxation=softmax or network=causal",
        0.0,
        ge=0,
        le=1,
    )


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """The critic, which maps a sample to one score."""

    network: str = setting("critic architecture", "residual", choices=AnyOf(CRITICS))
    width: int = setting("number of channels, or of hidden units in a perceptron", ge=1, le=16_384, auto=True)
    blocks: int = setting("number of residual blocks, or of hidden layers in a perceptron", 0, ge=0, le=256)
    kernel: int = setting("convolution kernel size", 1, ge=1, le=255, odd=True)
    units: int = setting("units of the dense layer, for networks that have one", 0, ge=0, le=65_536)
    residual_scale: float = setting("scale of each residual branch", 1.0, gt=0, le=100)
    context: str = _context()
    context_rate: float = _context_rate()
    dilation_growth: int = _dilation_growth()
    ngrams: int = setting(
        "length of the longest n-grams of which the critic has features; 1: of none", 1, ge=1, le=8, auto=True
    )
    normalization: str = setting("normalization before each activation", "none", choices=NORMALIZATIONS)
    activation: str = setting(
        "activation after the convolutions of convolution-dense; other networks have a fixed one",
        "softplus",
        choices=_ACTIVATIONS,
    )
    initialization: str = setting("weight initialization scheme", "torch", choices=INITIALIZATIONS)


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """The adversarial loss, and the constraint that keeps the critic Lipschitz."""

    loss: str = setting("adversarial loss", "wgan", choices=LOSSES)
    targets: str = setting(
        "lsgan only: target values a, b, c for fake samples, real samples, and fake samples in the generator's loss",
        "0, 1, 1",
    )
    constraint: str = setting(
        "Lipschitz constraint on the critic; gp: two-sided gradient penalty (norm 1); lp: one-sided (norm at most 1); "
        "clip: weight clipping",
        "none",
        choices=CONSTRAINTS,
    )
    penalty_weight: float = setting("gradient penalty weight lambda", 0.0, ge=0, formerly="weight")
    penalty_every: int = setting(
        "apply the gradient penalty to every k-th sample of the batch",
        1,
        ge=1,
        le=1_024,
        auto=True,
        formerly="thinning",
    )
    clip: float | None = setting("weight clipping bound c: clip weights to [-c, c]; for constraint=clip", None, gt=0)

    def target_numbers(self) -> tuple[float, float, float]:
        """Return a, b and c of `targets`. Raises ConfigError when it is not three numbers."""
        try:
            a, b, c = (float(number) for number in self.targets.split(","))
        except ValueError:
            a = b = c = math.nan
        if not all(map(math.isfinite, (a, b, c))):
            raise ConfigError(
                f"objective.targets is {self.targets!r}, but it must be three numbers",
                'give a, b, c separated by commas, e.g. "0, 1, 1", or "-1, 1, 0" for Pearson\'s chi-squared',
            )
        return a, b, c


@dataclass(frozen=True, kw_only=True)
class AlgorithmSettings:
    """One optimizer. Each algorithm uses some of these settings and needs all that it uses."""

    name: str = setting("optimizer; rmsprop-tf is RMSprop as in TensorFlow 1", "adam", choices=OPTIMIZERS)
    learning_rate: float = setting("initial learning rate", gt=0, le=10)
    lr_decay_steps: int = setting(
        "time constant T of the inverse-square-root decay, learning_rate / sqrt(1 + round / T); 0 disables it",
        0,
        ge=0,
        formerly="fall_steps",
    )
    beta1: float | None = setting("adam: decay rate of the mean gradient", None, ge=0, lt=1)
    beta2: float | None = setting("adam: decay rate of the mean squared gradient", None, ge=0, lt=1)
    decay: float | None = setting("rmsprop: decay rate of the mean squared gradient", None, ge=0, lt=1)
    momentum: float = setting("rmsprop, sgd: momentum", 0.0, ge=0, lt=1)
    epsilon: float = setting("adam, rmsprop: small constant in the denominator", 1e-8, ge=0)


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The optimizers of the generator and the critic."""

    generator: AlgorithmSettings
    critic: AlgorithmSettings


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The training loop. A step is one round: critic steps, then generator steps."""

    batch_size: int = setting("batch size: real and fake samples in each critic step", ge=1, le=1_048_576, auto=True)
    critic_steps: int = setting("critic steps per round (n_critic)", ge=1, le=10_000)
    generator_steps: int = setting("generator steps per round", 1, ge=1, le=10_000)
    generator_steps_more: int = setting(
        "add this many generator steps every generator_steps_period rounds", 0, ge=0, le=10_000
    )
    generator_steps_period: int = setting("rounds between increases by generator_steps_more", 1, ge=1)
    extra_steps_above: float | None = setting(
        "take extra generator steps in a round while the generator loss is above this; none: no extra steps",
        None,
        formerly="repeat_above",
    )
    extra_steps_max_rises: int = setting(
        "stop the extra steps of a round after this many that did not lower the loss",
        10,
        ge=1,
        formerly="repeat_rises",
    )
    warm_up: int = setting("largest number of critic steps before the first round", 0, ge=0, le=1_000_000)
    warm_up_until: float | None = setting("critic loss at which the warm-up ends early; none: never", None)
    likelihood_steps: int = setting("causal only: rounds of maximum likelihood before the adversarial ones", 0, ge=0)
    likelihood_rate: float | None = setting(
        "peak learning rate of maximum likelihood, with 50 warm-up rounds and cosine decay",
        None,
        gt=0,
        le=1,
    )
    fixed_latents: bool = setting(
        "use the same latents, those of the first batch_size samples, in every step of both networks", False
    )
    fixed_batch: bool = setting(
        "use the same real batch, the first batch_size training samples, in every critic step", False
    )
    noise: float = setting("standard deviation of instance noise at the start", 0.0, ge=0)
    noise_steps: int = setting("rounds of linear decay of the instance noise to 0; 0: no decay", 0, ge=0)
    steps: int | None = setting("total number of rounds, including those before a resume; none: no limit", None, ge=1)
    minutes: float | None = setting(
        "total training time in minutes, including the time before a resume; none: no limit", None, gt=0
    )
    seed: int = setting("random seed", 0, ge=0)
    device: str = setting("device to compute on", "auto", choices=("auto", "cpu", "cuda", "mps"))
    threads: int | None = setting(
        "threads to compute with on a CPU; auto: OMP_NUM_THREADS, or what a short trial before the run finds fastest",
        None,
        ge=1,
        le=4_096,
        auto=True,
    )
    engine: str = setting(
        "execution engine; graph: one CUDA graph per round; auto: graph on a GPU, otherwise eager",
        "auto",
        choices=_ENGINES,
    )
    precision: str = setting(
        "numeric precision; tf32: on a GPU; bf16: for the networks but not for the gradient penalty",
        "float32",
        choices=("float32", "tf32", "bf16"),
    )
    convolution: str = setting(
        "algorithm for 1-d convolutions during training; auto: the fastest for the given sizes",
        "direct",
        choices=_CONVOLUTIONS,
    )


@dataclass(frozen=True, kw_only=True)
class AveragingSettings:
    """The exponential moving average of the generator's weights."""

    decay: float = setting("decay of the moving average of the generator's weights; 0: no average", 0.0, ge=0, lt=1)


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How often and on how many samples the generator is evaluated."""

    every: int = setting("rounds between evaluations", ge=1, auto=True)
    samples: int | None = setting(
        "samples generated per evaluation; auto: as many as validation items, at most 10,000",
        None,
        ge=1,
        le=10_000_000,
        auto=True,
    )
    overlap: str = setting(
        "whether rounds go on while an evaluation is measured, with the same results; auto: on a GPU",
        "auto",
        choices=("auto", "always", "never"),
    )
    orders: int = setting("largest n of the n-gram divergences: JS-1 to JS-n", 4, ge=1, le=8)
    criterion: str = setting(
        "for text: measure that selects the best model and decides on early stopping; js: JS-n of evaluation.orders; "
        "composite: mean of JS-4, JS-6 and JS-8, and the share of distinct strings",
        "js",
        choices=_CRITERIA,
    )
    patience: int | None = setting(
        "early stopping: stop after this many evaluations without improvement; none: never", None, ge=1
    )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which weights a trained model generates with."""

    weights: str = setting(
        "weights to generate with: the moving average or the latest", "average", choices=("average", "latest")
    )


@dataclass(frozen=True, kw_only=True)
class RefinementSettings:
    """What follows training, for text: an n-gram model and a refiner for the final model."""

    fuse: bool = setting("choose an n-gram model that strings are drawn by too, as the command fuse does", False)
    new: float = setting(
        "wanted share of strings that are not training lines, for the n-gram model and the refiner", 0.8, ge=0, le=1
    )
    minutes: float | None = setting(
        "minutes of training a refiner, as the command refine does, after those of training.minutes; none: no refiner",
        None,
        gt=0,
    )
    steps: int | None = setting("training steps of the refiner instead of minutes; reproducible", None, ge=1)
    rounds: int = setting("classifiers of the refiner, each trained on what the previous ones accepted", 1, ge=1, le=8)


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """How often metrics are logged."""

    every: int = setting("rounds between records in metrics.jsonl", ge=1)
    diagnostics: int = setting("rounds between diagnostics, such as critic slopes and scores; 0: none", 0, ge=0)
    tensorboard: bool = setting("also write TensorBoard event files; needs the package tensorboard", False)
    wandb: bool = setting("also send records to Weights & Biases; needs the package wandb", False)
    mlflow: bool = setting("also send records to MLflow; needs the package mlflow", False)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run. Build one with `recipe` and change it with `override`."""

    domain: str = setting("kind of data", "text", choices=DATA_KINDS)
    recipe: str = setting("recipe that the settings started from", "")
    description: str = setting("description of the recipe", "")
    source: str = setting("source of the recipe's numbers", "")
    plugins: tuple[str, ...] = setting("file names of the plugins in use; recorded automatically", ())
    initial_model: str = setting("model file whose weights the run began with; recorded automatically", "")
    initial_model_sha256: str = setting("SHA-256 of that file; recorded automatically", "")
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
    refinement: RefinementSettings = dataclasses.field(default_factory=RefinementSettings)
    log: LogSettings
