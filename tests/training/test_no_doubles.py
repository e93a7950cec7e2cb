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
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.evaluation.scores import one_hot_scores
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import stream
from seqgan_wgp.training.diagnostics.collect import diagnose

from .stand_ins import LENGTH, trainer_of

CPU = torch.device("cpu")


class NoDoubles(TorchFunctionMode):
    """Takes the CPU for a device without double precision, and what was moved by `.cpu()` for what is on the host.

    So are tensors that are made without a device, and whatever is made of tensors on the host alone. What `to` is given
    a device for has been moved there, as networks are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on_host: dict[int, Tensor] = {}  # with the tensors, since the id of one that is gone may become another's

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        kwargs = kwargs or {}
        out, moved = function(*args, **kwargs), function is Tensor.cpu
        placed = function is Tensor.to and any(isinstance(each, torch.device) for each in (*args, *kwargs.values()))
        if moved or placed:
            out = out.view_as(out)  # another tensor, which alone is there
        # What a copy is given beside the tensor are those that have been copied before.
        inputs = _tensors(args[:1] if function is Tensor.__deepcopy__ else (args, kwargs))
        alone = kwargs.get("device") is None and all(id(tensor) in self._on_host for tensor in inputs)
        on_host = moved or (alone and not placed)
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
        lambda x: torch.zeros(2, dtype=torch.float64).to(x.device),
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


@pytest.mark.parametrize("name", ["fast", "causal", "mnist-wgan", "mnist-wgan-bn", "toy-wgan-gp"])
def test_a_diagnosis_needs_none(name: str) -> None:
    with NoDoubles():
        trainer = trainer_of(name)
        trainer.round()
        found = diagnose(trainer.train_state)
    assert found == diagnose(trainer.train_state)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("fast", {}), ("fast", {"corpus.label": "group"}), ("causal", {}), ("mnist-wgan-bn", {}), ("toy-wgan-gp", {})],
    ids=str,
)
def test_rounds_and_samples_need_none(name: str, settings: dict[str, object]) -> None:
    with NoDoubles():
        trainer = trainer_of(name, settings)
        trainer.round()
        assert len(trainer.samples()) == trainer.domain.samples
        assert trainer._likelihood().keys() <= {"nll"}


def test_strings_under_constraints_of_a_causal_network_need_none() -> None:
    trainer = trainer_of("causal")
    model = Model(trainer.config, trainer.domain.spec, {}, model_tensors(trainer.state()), CPU)
    known = trainer.domain.spec.to_text(trainer.domain.batch(np.arange(1)).numpy())[0][0]
    with NoDoubles():
        blocks = [block for block, _ in stream(model.text_model(), Request(n=2, constraints=Constraints(prefix=known)))]
    strings = [string for block in blocks for string in trainer.domain.spec.to_text(block.ids_NL)]
    assert [string[0] for string in strings] == [known, known]


def test_a_model_needs_none() -> None:
    trainer = trainer_of("fast")
    model = Model(trainer.config, trainer.domain.spec, {}, model_tensors(trainer.state()), CPU)
    with NoDoubles():
        ids_NL = np.concatenate(list(model.samples(3)))
        assert ids_NL.shape == (3, LENGTH)
        assert one_hot_scores(model, ids_NL).dtype == np.float64
        assert len(list(model.score(model.generate(3)))) == 3
        assert model.interpolate(0, 1, 4).shape == (4, LENGTH)
        assert model.invert(trainer.domain.spec.to_text(ids_NL)[0] or "一").latent_Z.dtype == torch.float32
