"""The contract of every registry entry, by the helpers that plugins use; and that the helpers find what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp import register
from seqgan_wgp.registry import CONSTRAINTS, CRITICS, GENERATORS, LOSSES, OPTIMIZERS, UNITS, unload_plugin
from seqgan_wgp.testing import check_critic, check_generator, check_loss, check_optimizer, check_penalty, check_unit

HERE = "test_testing.py"
NETWORKS = {"generator": (GENERATORS, check_generator), "critic": (CRITICS, check_critic)}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for source in (HERE, __name__):
        unload_plugin(source)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_keeps_its_contract(name: str) -> None:
    check_loss(name)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_every_constraint_keeps_its_contract(name: str) -> None:
    check_penalty(name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_keeps_its_contract(name: str) -> None:
    check_optimizer(name)


UNIT_LINES = {
    "smiles": ["CCl", "C[C@@H](N)C(=O)O"],
    "grapheme": ["e\u0301te", "👨‍👩‍👧 🇩🇪", "नमस्ते"],
    "word": ["a cat, it's 42", "well-known"],
    "codon": ["ATGGCCTA", "A"],
    "pattern": ["NaCl2", "x"],
}


@pytest.mark.parametrize("name", [name for name in UNITS if name not in ("char", "byte")])
def test_every_unit_keeps_its_contract(name: str) -> None:
    check_unit(name, UNIT_LINES[name], "[A-Z][a-z]?|." if name == "pattern" else "")


@pytest.mark.parametrize(
    ("part", "data", "name"),
    [(part, data, name) for part, (by_data, _) in NETWORKS.items() for data in by_data for name in by_data[data]],
)
def test_every_network_keeps_its_contract(part: str, data: str, name: str) -> None:
    NETWORKS[part][1](name, data=data)


def loss(critic: Callable[[Tensor, Tensor], Any], generator: Callable[[Tensor], Any]) -> type:
    return type("Mine", (), {"critic": staticmethod(critic), "generator": staticmethod(generator)})


def difference(real_B: Tensor, fake_B: Tensor) -> Tensor:
    return fake_B.mean() - real_B.mean()


@pytest.mark.parametrize(
    ("critic", "generator", "sentence"),
    [
        (lambda real_B, fake_B: fake_B - real_B, lambda fake_B: -fake_B.mean(), "critic gives shape"),
        (difference, lambda fake_B: fake_B.exp().mean(), "generator is inf for scores of about 10000"),
        (difference, lambda fake_B: (0 * fake_B).sum(), "generator has no gradient in fake scores"),
        (difference, lambda fake_B: fake_B[0], "in another order"),
    ],
)
def test_a_loss_that_breaks_its_contract_is_found(
    critic: Callable[[Tensor, Tensor], Any], generator: Callable[[Tensor], Any], sentence: str
) -> None:
    register.loss("mine")(loss(critic, generator))
    with pytest.raises(AssertionError, match=sentence):
        check_loss("mine")


def test_a_penalty_that_breaks_its_contract_is_found() -> None:
    @register.penalty("mixing")
    def mixing(view: Any, _uniform: Any) -> Tensor:
        slope_B: Tensor = view.slopes(view.real)
        return slope_B + slope_B.mean()

    with pytest.raises(AssertionError, match="register it with mixes_samples=True"):
        check_penalty("mixing")

    @register.penalty("restless")
    def restless(view: Any, _uniform: Any) -> Tensor:
        slope_B: Tensor = view.slopes(view.real)
        return slope_B * torch.rand(())

    with pytest.raises(AssertionError, match="is another at the same draws"):
        check_penalty("restless")


def test_a_network_that_breaks_its_contract_is_found() -> None:
    @register.critic("mixing", data="toy")
    class Mixing(nn.Module):
        def __init__(self, _settings: Any) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            score_B: Tensor = self.layer(x - x.mean(dim=0))[:, 0]
            return score_B

    with pytest.raises(AssertionError, match="the score of a sample depends on other samples"):
        check_critic("mixing", data="toy")

    @register.generator("flat", data="toy")
    class Flat(nn.Module):
        def __init__(self, settings: Any) -> None:
            super().__init__()
            self.layer, self.idle = nn.Linear(settings.latent, 2), nn.Parameter(torch.ones(1))

        def forward(self, latent_BZ: Tensor) -> Tensor:
            point_B2: Tensor = self.layer(latent_BZ)
            return point_B2

    with pytest.raises(AssertionError, match="idle has no part in what comes out"):
        check_generator("flat", data="toy")


def test_an_optimizer_that_breaks_its_contract_is_found() -> None:
    register.optimizer("backwards")(
        lambda settings, parameters: torch.optim.SGD(parameters, lr=settings.learning_rate, maximize=True)
    )
    with pytest.raises(AssertionError, match="20 steps took"):
        check_optimizer("backwards")
