"""Export a generator to ONNX, with everything needed to turn its output into strings.

The metadata of the file is that of a model file, each entry JSON: config, step, metrics and, for text, the tokenizer
and facts about the corpus. The entry `noise`, {"stream": s, "block": b}, is added: item k is row k mod b of a batch of
b latents. Their numbers are those of `utils.counter_rng` for (seed, s, k, column), normal or uniform according to
config.generator.latent_distribution. The generator of a model with labels has a second input, the number of the label
of each item; {"label_stream": s} is then part of `noise`, and the facts about the corpus have the labels with their
counts, whose order by name is that of the numbers.

Shape suffixes: B batch, Z latent.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import operator
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from ... import config as configs
from ...domains import DOMAINS
from ...errors import ConfigError
from ...model import Model
from ...text.fusion.fusion import PART as FUSION
from ...text.refinement.refiner import PART as REFINER
from ...training.labels import LABEL_STREAMS, labels_of, with_label
from ...training.latents import block_size_of
from ...utils.atomic_files import new_file
from ...utils.counter_rng import Stream
from ...utils.installed import check_installed
from .onnx_runtime import FORMAT, LABEL, LATENT, NOISE

OPSET = 18
"""Version of the ONNX operators: the first that torch's exporter writes."""

MAX_BYTES = 2**31 - 2**20
"""Largest size of the weights in one ONNX file; protocol buffers are limited to 2 GiB."""


def check_onnx() -> None:
    """Raise ConfigError when the packages that write ONNX are not installed."""
    check_installed("ONNX", "onnx", "onnxscript", extra="onnx")


def write_onnx(model: Model, path: str | Path) -> None:
    """Write a model's generator as ONNX: (B, Z) float32 latents to (B, ...) critic inputs, for any B.

    With labels it has the further input (B,) int64, the numbers of the labels.

    The weights are those that the model uses to generate. Weight normalization is folded into the weights. The same
    model gives the same bytes with the same versions of torch and onnx.

    Args:
        model: a model of any kind of data; for text the graph outputs (B, L, V) probabilities.
        path: the file; an existing one is replaced atomically.

    Raises:
        ConfigError: onnx or onnxscript is not installed, or the weights are too large for one file.
        OSError: the file cannot be written.
    """
    check_onnx()
    generator = folded(model)
    size = sum(tensor.nbytes for tensor in generator.state_dict().values())
    if size > MAX_BYTES:
        raise ConfigError(f"the generator has {size:,} bytes of weights, but an ONNX file can hold {MAX_BYTES:,}")
    onnx: Any = importlib.import_module("onnx")
    with new_file(Path(path)) as file:
        labelled = labels_of(model.spec) is not None
        output = DOMAINS[model.config.domain].output_name
        proto = _graph(generator, model.config.generator.latent, output, labelled=labelled)
        onnx.helper.set_model_props(proto, metadata(model))
        onnx.checker.check_model(proto, full_check=True)
        file.write(proto.SerializeToString(deterministic=True))


_LEFT_OUT = (FUSION, REFINER)
"""Parts of a model that an exported file has nothing of."""


def metadata(model: Model) -> dict[str, str]:
    """Return the metadata of an exported file: name -> text, in order."""
    facts = {
        "format_version": configs.FORMAT_VERSION,
        "config": configs.to_dict(model.config),
        NOISE: {"stream": int(Stream.SAMPLE_LATENT), "block": block_size_of(model.config), **_label_stream(model)},
        **{name: value for name, value in model.facts.items() if name not in _LEFT_OUT},
    }
    written = {name: json.dumps(value) for name, value in facts.items()}
    return dict(sorted({"format": FORMAT, **written}.items()))


def _label_stream(model: Model) -> dict[str, int]:
    return {} if labels_of(model.spec) is None else {"label_stream": int(LABEL_STREAMS[Stream.SAMPLE_LATENT])}


def folded(model: Model) -> nn.Module:
    """Return a copy of the generator on the CPU, with weight normalization folded into plain weights."""
    plain, _critic = model.spec.networks(model.config)
    values = {name: operator.attrgetter(name)(model.generator) for name in plain.state_dict()}
    plain.load_state_dict(values)
    return plain.eval().requires_grad_(False)


@final
class _WithLabels(nn.Module):
    """A generator whose labels are an input of their own."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latent_BZ: Tensor, label_B: Tensor) -> Tensor:
        """Return what the generator does for latents with these labels."""
        out: Tensor = self.generator(with_label(latent_BZ, label_B))
        return out


def _graph(generator: nn.Module, latent: int, output: str, *, labelled: bool) -> Any:
    """Return the graph as a ModelProto, without the source locations that torch records in it."""
    # Two latents: the exporter would take a batch of one for a fixed size.
    inputs = {LATENT: torch.zeros(2, latent)}
    if labelled:
        inputs[LABEL] = torch.zeros(2, dtype=torch.int64)
    batch = torch.export.Dim("batch")
    with _quiet():
        program = torch.onnx.export(
            _WithLabels(generator).eval() if labelled else generator,
            tuple(inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    assert program is not None
    proto: Any = program.model_proto
    graph = proto.graph
    for noted in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del noted.metadata_props[:]
    return proto


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress messages of torch's exporter about itself and missing packages."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
