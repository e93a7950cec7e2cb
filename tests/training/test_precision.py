"""TF32 is allowed where a trainer's precision says so, while it computes, and nowhere and never else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from seqgan_wgp.training import latents
from seqgan_wgp.training.engines.eager import Engine
from seqgan_wgp.training.trainer import Trainer
from seqgan_wgp.utils.devices import matmul_precision

from .stand_ins import trainer_of

CUDA = torch.device("cuda")
ALLOWED = {"float32": False, "tf32": True, "bf16": True}

_KINDS = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]


def older() -> tuple[str, bool, bool]:
    """What torch's older getters say; they raise where flags disagree."""
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    return torch.get_float32_matmul_precision(), *flags


def newer() -> list[str]:
    return [kind.fp32_precision for kind in _KINDS]


def allowed() -> bool:
    """Whether products and convolutions may be rounded, by every getter; all must agree."""
    name, products, convolutions = older()
    by_kind = {value == "tf32" for value in newer()[:3]}
    assert {name == "high", products, convolutions} == by_kind
    return by_kind == {True}


@pytest.fixture(autouse=True)
def torchs_own() -> Iterator[None]:
    """Leave the flags as they were, and hold that the test did."""
    before = older(), newer()
    yield
    assert (older(), newer()) == before


@pytest.mark.parametrize("precision", ALLOWED)
def test_flags_are_set_within_and_put_back(precision: str) -> None:
    before = older(), newer()
    with matmul_precision(precision, CUDA):
        assert allowed() is ALLOWED[precision]
    assert (older(), newer()) == before


def test_flags_are_put_back_when_what_is_inside_fails() -> None:
    with pytest.raises(ZeroDivisionError), matmul_precision("tf32", CUDA):
        raise ZeroDivisionError


def test_scopes_nest() -> None:
    with matmul_precision("tf32", CUDA):
        with matmul_precision("float32", CUDA):
            assert not allowed()
        assert allowed()


@pytest.mark.parametrize("product", ["highest", "high", "medium"])
@pytest.mark.parametrize("convolution", [True, False])
def test_what_a_program_has_set_by_the_older_flags_is_put_back(product: str, convolution: bool) -> None:
    kept = older()
    torch.set_float32_matmul_precision(product)
    torch.backends.cudnn.allow_tf32 = convolution
    before = older(), newer()
    try:
        with matmul_precision("float32", CUDA):
            assert not allowed()
        assert (older(), newer()) == before
    finally:
        with matmul_precision("float32", CUDA):  # sets all flags, so that those of the test are gone
            pass
        torch.set_float32_matmul_precision(kept[0])
        torch.backends.cudnn.allow_tf32 = kept[2]
        for kind, value in zip(_KINDS, ("none", "tf32", "tf32", "none"), strict=True):
            kind.fp32_precision = value


def test_what_a_program_has_set_by_the_newer_flags_is_put_back() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"  # from now on the older getter raises
    try:
        before = newer()
        with matmul_precision("float32", CUDA):
            assert not allowed()
        assert newer() == before
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"


def test_on_other_devices_nothing_is_set() -> None:
    before = older(), newer()
    with matmul_precision("tf32", torch.device("cpu")):
        assert (older(), newer()) == before


class Seeing:
    """An engine that notes what is allowed whenever a critic step is computed."""

    def __init__(self, engine: Engine, seen: list[bool]) -> None:
        self.engine, self.seen = engine, seen
        self.takes_items, self.fell_back = engine.takes_items, engine.fell_back

    def critic_gradients(self, *args: Any) -> Any:
        self.seen.append(allowed())
        return self.engine.critic_gradients(*args)


def seeing(precision: str) -> tuple[Trainer, list[bool]]:
    trainer = trainer_of("toy-wgan-gp", {"training.precision": precision, "training.engine": "eager"})
    trainer.device = CUDA  # by which the flags go; the tensors are on the CPU
    seen: list[bool] = []
    trainer.train_state.engine = Seeing(trainer.train_state.engine, seen)
    return trainer, seen


def test_trainers_of_two_precisions_do_not_disturb_each_other() -> None:
    before = older(), newer()
    trainers = {precision: seeing(precision) for precision in ("tf32", "float32")}
    for _ in range(2):
        for trainer, _ in trainers.values():
            trainer.round()
            assert (older(), newer()) == before
    for precision, (_, seen) in trainers.items():
        assert set(seen) == {ALLOWED[precision]}


def test_between_the_records_of_a_run_the_flags_are_the_programs_own() -> None:
    before = older(), newer()
    trainer, seen = seeing("tf32")
    records = trainer.run()
    next(records)
    assert seen == [True] * len(seen) != []
    assert (older(), newer()) == before


def test_samples_are_generated_without_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def generator(latent_BZ: Tensor) -> Tensor:
        seen.append(allowed())
        return latent_BZ

    # As on a GPU, by which the flags go, while the tensors are on the CPU.
    monkeypatch.setattr(latents, "matmul_precision", lambda precision, _device: matmul_precision(precision, CUDA))
    with matmul_precision("tf32", CUDA):
        parts = latents.generate(generator, lambda index_B: index_B[:, None].float(), 0, 3, torch.device("cpu"))
        assert len(next(parts)) == 3
        assert allowed()
    assert seen == [False]
