"""A GPU that is not there: tensors on it have shapes, types and a device, but no numbers.

So it takes no GPU to find an operation on tensors of two devices, one that the host must wait for (`.item()`, a boolean
index), and a copy between host and device within what a CUDA graph records. It is torch's PrivateUse1 device, which
needs no driver, with tensors of torch's FakeTensorMode.

What it cannot find: types that CUDA has no kernels for, wrong numbers, and what capture alone refuses.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from seqgan_wgp.config.schema import AlgorithmSettings
from seqgan_wgp.training import optimizers

NAME = "fakegpu"


class CopyBetweenDevices(AssertionError):
    """Something was copied between host and device where nothing may be."""


class NoCopies(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses copies between host and device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in ("_to_copy", "copy_", "_copy_from"):
            tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
            if len({tensor.device.type for tensor in tensors}) > 1:
                raise CopyBetweenDevices(f"{func} between host and device")
        return out


class _Mode(FakeTensorMode):  # type: ignore[no-untyped-call]
    avoid_device_init = True  # there is nothing to initialise


@functools.cache
def _registered() -> torch.library.Library:
    """Make the device known to torch, once in a process; return what keeps the definition alive."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    # torch has no rule for what Adam's fused step with a rate in a tensor returns: nothing, for it works in place.
    library = torch.library.Library("aten", "IMPL", "Meta")  # type: ignore[no-untyped-call]
    library.impl("_fused_adam_.tensor_lr", lambda *_args, **_named: None)  # type: ignore[no-untyped-call]
    return library


def _moved(network: nn.Module, device: torch.device) -> nn.Module:
    """Do what `nn.Module.to` does, which exchanges what lies behind a tensor, as fake ones do not allow."""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(parameter.detach().to(device), parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to(device)
    return network


def _deep_copy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    copy = tensor.detach().clone()
    memo[id(tensor)] = made = nn.Parameter(copy, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copy
    return made


def _adam(settings: AlgorithmSettings, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return Adam as it is on a GPU; its rate is looked at when it is made, for which alone the host would wait."""
    algorithm = optimizers._adam(dataclasses.replace(settings, lr_decay_steps=0), parameters)
    if settings.lr_decay_steps:
        for group in algorithm.param_groups:
            group["lr"] = torch.tensor(group["lr"], device=parameters[0].device)
    return algorithm


@contextlib.contextmanager
def fake_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """Give the device. Within, all tensors are without numbers, on the CPU too."""
    try:
        _registered()
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f"this torch cannot have a device that is not there: {error}")
    monkeypatch.setattr(nn.Module, "to", _moved)
    monkeypatch.setattr(Tensor, "pin_memory", lambda self, *_: self)
    monkeypatch.setattr(FakeTensor, "__deepcopy__", _deep_copy, raising=False)
    monkeypatch.setattr(optimizers, "_on_gpu", lambda _parameters: True)
    monkeypatch.setitem(optimizers.OPTIMIZERS, "adam", _adam)
    # In this thread alone: threads of the autograd engine would want the device's streams.
    with _Mode(allow_non_fake_inputs=True), torch.autograd.set_multithreading_enabled(False):
        yield torch.device(NAME, 0)
