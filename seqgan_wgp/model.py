"""A trained generator and critic, in one file that needs no code and no flags.

Shape suffixes: B batch, N strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from . import config as configs
from .adversarial.domain import Form
from .adversarial.trainer import generate, latents
from .config import Config
from .devices import pick_device
from .domains import DOMAINS
from .errors import CheckpointError, ConfigError, SeqganError, one_line
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
        generator, critic = form.networks(config)
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

    def samples(self, n: int, *, seed: int = 0, start: int = 0) -> Iterator[npt.NDArray[np.integer]]:
        """Yield what the strings of `generate` are made of, in order, some at a time: for text (N, L) ids.

        Measures take these: a string ends at its first pad, and what the generator put behind it counts too.
        """
        if n < 0 or start < 0 or seed < 0:
            raise ConfigError(f"n (={n}), start (={start}) and seed (={seed}) must not be negative")
        seeded = configs.override(self.config, {"training.seed": seed})

        def latent(index_B: Tensor) -> Tensor:
            return latents(seeded, Stream.SAMPLE_LATENT, index_B)

        for fake in generate(self.generator, latent, start, n, self.device):
            yield self.form.decode(fake)


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
