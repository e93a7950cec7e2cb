"""Critics whose slope is known, and a domain without text, for tests of the mathematics."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqgan_wgp.config import Config
from seqgan_wgp.nn.layers import relu


class LinearCritic(nn.Module):
    """f(x) = <w, x> + b with |w| = slope over all axes of a sample: its gradient has that norm everywhere."""

    def __init__(self, slope: float, event_shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__()
        weight = torch.randn(event_shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        self.weight = nn.Parameter(slope * weight / weight.norm())
        self.bias = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weight).flatten(1).sum(dim=1) + self.bias


class PointSpec:
    """Points of the plane; says nothing of text."""

    event_shape: tuple[int, ...] = (2,)

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(config.training.seed)
        return _Mlp(config.generator.latent, 2), _Scores()

    def embed(self, ids: Tensor) -> Tensor:
        return ids.to(torch.float32)

    def decode(self, fake: Tensor) -> npt.NDArray[np.integer]:
        return fake.round().to(torch.int64).numpy()

    def to_text(self, samples: npt.NDArray[np.integer]) -> list[str]:
        return [str(tuple(row)) for row in samples.tolist()]

    def to_facts(self) -> dict[str, Any]:
        return {}


class PointDomain:
    """Integer points around (4, -3): what the trainer must learn without knowing what they are."""

    spec = PointSpec()
    size = 2_000
    held_out_size = 500
    samples = 600
    criterion = "distance"

    def __init__(self) -> None:
        noise = np.random.default_rng(0).integers(-1, 2, (self.size + self.held_out_size, 2))
        points = torch.from_numpy(noise + np.array([4, -3]))
        self.points, self.apart = points[: self.size], points[self.size :]

    def batch(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        return self.points[torch.from_numpy(indices_B)]

    def held_out(self, indices_B: npt.NDArray[np.int64]) -> Tensor:
        return self.apart[torch.from_numpy(indices_B)]

    def score(self, samples: npt.NDArray[np.integer], *, half: str = "validation") -> dict[str, float]:
        del half
        return {"distance": float(np.linalg.norm(samples.mean(axis=0) - [4, -3]))}


class _Mlp(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(inputs, 16), nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(relu(self.first(x)))
        return out


class _Scores(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = _Mlp(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        score_B: Tensor = self.body(x)[:, 0]
        return score_B


class NormedForm(PointSpec):
    """Points from a generator with batch norm."""

    def networks(self, config: Config) -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(config.training.seed)
        return _Normed(config.generator.latent), _Scores()


class NormedDomain(PointDomain):
    """The same points, learnt with batch norm in the generator."""

    spec = NormedForm()


class _Normed(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(inputs, 16), nn.BatchNorm1d(16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(relu(self.norm(self.first(x))))
        return out
