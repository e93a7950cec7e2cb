"""A trained generator and critic, in one file that needs no code and no flags.

Shape suffixes: B batch, N strings or images, Z latent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import config as configs
from .adversarial.domain import Form, Items
from .adversarial.pair import fresh_pair
from .adversarial.sampling import generate, latents
from .config import Config
from .devices import pick_device
from .domains import DOMAINS
from .errors import CheckpointError, ConfigError, SeqganError, one_line
from .interpolation import POINTS_MOST, walk
from .randomness import Stream
from .runs import checkpoint
from .runs.folder import MODEL

_WHOLE = "take a model.safetensors or best.safetensors that a run has written"
_PARTS = ("generator", "average", "critic")


class Model:
    """A trained model. Make one with `Model.load` or `seqgan_wgp.train`.

    Attributes:
        config: the run's settings.
        form: the kind of data, e.g. vocabulary and length.
        facts: what else the file says: step, seconds, corpus, metrics.
        generator: what samples come from: the moving average, or the latest weights where `model.weights` says so.
        critic: scores points of critic space.
        device: where both live.
    """

    def __init__(
        self, config: Config, form: Form, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
    ) -> None:
        self.config, self.form, self.facts, self.device = config, form, dict(facts), device
        self._tensors = dict(tensors)
        generator, critic = fresh_pair(form, config)
        part = "average" if config.model.weights == "average" else "generator"
        self.generator = _loaded(generator, tensors, part).to(device)
        self.critic = _loaded(critic, tensors, "critic").to(device)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto", weights: str | None = None) -> Model:
        """Load a model from a run's folder or a model file.

        Args:
            path: a folder with model.safetensors in it, or such a file of any name.
            device: "auto", "cpu", "cuda" or "mps".
            weights: "average" or "latest", in place of what the run was configured with.

        Raises:
            CheckpointError: no model there, a damaged file, one that is not ours, or one of a newer format.
            ConfigError: no such device.
        """
        path = Path(path)
        file = path / MODEL if path.is_dir() else path
        if path.is_dir() and not file.is_file():
            raise CheckpointError(f"{path}: there is no {MODEL} in this folder", "name a run's folder or a model file")
        place = pick_device(device)
        tensors, facts = checkpoint.load(file)
        try:
            config = configs.from_dict(facts.pop("config"))
            model = cls(config, DOMAINS[config.domain].form(facts), facts, tensors, place)
        except (SeqganError, KeyError, TypeError) as error:
            reason = error.message if isinstance(error, SeqganError) else f"it lacks {error}"
            raise CheckpointError(f"{file}: is not a whole model: {reason}", _WHOLE) from None
        if weights is None:
            return model
        return cls(configs.override(config, {"model.weights": weights}), model.form, facts, tensors, place)

    def save(self, path: str | Path) -> None:
        """Write the model to a file, whole or not at all. Raises OSError when it cannot be written."""
        checkpoint.save(Path(path), self._tensors, {"config": configs.to_dict(self.config), **self.facts})

    def generate(self, n: int, *, seed: int = 0, start: int = 0) -> list[str]:
        """Return `n` strings. String k depends on the model, the seed and k alone.

        Args:
            n: how many, 0 or more.
            seed: of the latents.
            start: number of the first string.
        """
        return list(self.stream(n, seed=seed, start=start))

    def stream(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[str]:
        """Yield the strings of `generate` one by one, in constant memory."""
        for samples in self.samples(n, seed=seed, start=start):
            yield from self.form.show(samples)

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[Items]:
        """Yield what the strings of `generate` are made of, in order, some at a time: for text (N, L) ids.

        Measures take these: a string ends at its first pad, and what the generator put behind it counts too.
        """
        if n < 0 or start < 0 or seed < 0:
            raise ConfigError(f"n (={n}), start (={start}) and seed (={seed}) must not be negative")
        for fake in generate(self.generator, self._latents(seed), start, n, self.device):
            yield self.form.decode(fake)

    def interpolate(self, a: int, b: int, n: int = 10) -> Items:
        """Return what `n` strings or images on the way between two seeds' latents are made of, e.g. (N, L) ids.

        The first is item 0 of `samples` with seed a, the last that with seed b, bit for bit. What lies between comes
        from points at even distances on the great circle through both latents; where latents are uniform, on the line.

        Args:
            a: seed of the first latent.
            b: seed of the last one, another.
            n: how many, both ends counted.

        Raises:
            ConfigError: a negative seed, twice the same, or `n` below 2 or above POINTS_MOST.
        """
        if min(a, b) < 0:
            raise ConfigError(f"seed {min(a, b)} is negative, and seeds are 0 or more")
        if a == b:
            raise ConfigError(f"from seed {a} to seed {b} there is no way to go", "name two different seeds")
        if not 2 <= n <= POINTS_MOST:
            raise ConfigError(f"n is {n:,}, but it must be 2, for both ends, to {POINTS_MOST:,}")
        first = torch.zeros(1, dtype=torch.int64, device=self.device)
        start_Z, end_Z = (self._latents(seed)(first)[0] for seed in (a, b))
        points_NZ = walk(start_Z, end_Z, n, self.config.generator.latent_distribution).to(self.device)
        way = generate(self.generator, lambda index_B: points_NZ[index_B.clamp(max=n - 1)], 0, n, self.device)
        items = np.concatenate([self.form.decode(fake) for fake in way])
        # A kernel may round otherwise for another place in the block, so the last item is generated as what it is.
        items[-1:] = next(self.samples(1, seed=b))
        return items

    def _latents(self, seed: int) -> Callable[[Tensor], Tensor]:
        """Return a function from item numbers (B,) to latents (B, Z)."""
        seeded = configs.override(self.config, {"training.seed": seed})
        return lambda index_B: latents(seeded, Stream.SAMPLE_LATENT, index_B)


def model_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a trainer's state that belong into a model file."""
    return {name: value for name, value in state.items() if name.split(".")[0] in _PARTS and ".optimizer." not in name}


def _loaded(network: nn.Module, tensors: Mapping[str, Tensor], part: str) -> nn.Module:
    own = {name.removeprefix(part + "."): value for name, value in tensors.items() if name.startswith(part + ".")}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise CheckpointError(f"the {part}'s weights do not fit the settings ({one_line(error)})") from None
    return network.eval().requires_grad_(False)
