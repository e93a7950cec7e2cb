"""Nothing is computed in double precision on the device, since there are devices without it, Apple's among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from seqgan_wgp.model import Model, model_tensors
from seqgan_wgp.text.evaluation.scores import critic_scores
from seqgan_wgp.training.diagnostics.collect import diagnose

from .stand_ins import LENGTH, trainer_of

CPU = torch.device("cpu")


class NoDoubles(TorchFunctionMode):
    """Takes the CPU for a device without double precision, and what was moved by `.cpu()` for what is on the host.

    So are tensors that are made without a device, and whatever is made of tensors on the host alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on_host: dict[int, Tensor] = {}  # with the tensors, since the id of one that is gone may become another's

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        kwargs = kwargs or {}
        out, moved = function(*args, **kwargs), function is Tensor.cpu
        if moved:
            out = out.view_as(out)  # another tensor, which alone is on the host
        inputs = _tensors((args, kwargs))
        on_host = moved or (kwargs.get("device") is None and all(id(tensor) in self._on_host for tensor in inputs))
        for tensor in _tensors(out):
            if on_host:
                self._on_host[id(tensor)] = tensor
            elif tensor.dtype == torch.float64:
                raise TypeError(f"{function} makes a float64 tensor on the device")
        return out


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


@pytest.fixture
def no_doubles() -> Iterator[None]:
    with NoDoubles():
        yield


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.double(),
        lambda x: x.to(torch.float64),
        lambda x: torch.tensor([0.5], dtype=torch.float64, device=x.device),
        lambda x: torch.zeros_like(x, dtype=torch.float64),
        lambda x: x.cpu() + x.double(),
        lambda x: x.sum(dtype=torch.float64),
    ],
)
def test_what_makes_doubles_on_the_device_is_found(wrong: Callable[[Tensor], Tensor]) -> None:
    x = torch.ones(3)
    with pytest.raises(TypeError, match="float64"), NoDoubles():
        wrong(x)


@pytest.mark.usefixtures("no_doubles")
def test_doubles_on_the_host_are_no_fault() -> None:
    x = torch.ones(3, device=CPU)
    assert (x.cpu().double() * torch.tensor(0.5, dtype=torch.float64)).sum().item() == 1.5


@pytest.mark.parametrize("name", ["fast", "mnist-wgan", "mnist-wgan-bn", "toy-wgan-gp"])
def test_a_diagnosis_needs_none(name: str) -> None:
    trainer = trainer_of(name)
    trainer.round()
    with NoDoubles():
        found = diagnose(trainer.train_state)
    assert found == diagnose(trainer.train_state)


@pytest.mark.parametrize("name", ["fast", "mnist-wgan-bn", "toy-wgan-gp"])
def test_rounds_and_samples_need_none(name: str) -> None:
    with NoDoubles():
        trainer = trainer_of(name)
        trainer.round()
        assert len(trainer.samples()) == trainer.domain.samples


def test_a_model_needs_none() -> None:
    trainer = trainer_of("fast")
    model = Model(trainer.config, trainer.domain.spec, {}, model_tensors(trainer.state()), CPU)
    with NoDoubles():
        ids_NL = np.concatenate(list(model.samples(3)))
        assert ids_NL.shape == (3, LENGTH)
        assert critic_scores(model, ids_NL).dtype == np.float64
        assert len(list(model.score(model.generate(3)))) == 3
        assert model.interpolate(0, 1, 4).shape == (4, LENGTH)
        assert model.invert(trainer.domain.spec.to_text(ids_NL)[0] or "一").latent_Z.dtype == torch.float32
