"""Run an exported generator without torch: the same strings for the same seed, with numpy and onnxruntime.

    from seqgan_wgp.runs.export.onnx_runtime import OnnxGenerator
    print(OnnxGenerator("names.onnx").generate(10))

Shape suffixes: B batch, N strings, Z latent, L length, V vocabulary.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from ...config import FORMAT_VERSION
from ...errors import CheckpointError, ConfigError, one_line
from ...text.vocabulary import Vocabulary
from ...utils.counter_rng import normal_numpy, uniform_numpy
from ...utils.file_schema import parse_json
from ...utils.installed import check_installed

FORMAT = "seqgan_wgp"
LATENT = "latent"
"""Name of the graph's input."""

LABEL = "label"
"""Name of its second input, if the model has labels."""

NOISE = "noise"
"""Metadata entry that defines the latents of generated items; see `runs.export.onnx`."""

_REMEDY = "give a file that seqgan-wgp export has written"
_ERRORS = 3
"""Least severity of messages that onnxruntime writes to stderr: errors. Lower ones are hints for developers of
graphs."""


@final
class OnnxGenerator:
    """A generator in an ONNX file written by `export`. String k depends only on the file, the seed and k.

    The strings are those of `Model.generate` with decode argmax: n-gram model and refiner are not exported. onnxruntime
    and torch round differently in the last digits, so a string can differ where two characters are almost equally
    likely.

    Args:
        path: the file.
        threads: number of threads per operator; 0: chosen by onnxruntime.
        providers: execution providers of onnxruntime, by name.

    Attributes:
        facts: metadata of the file: config, step, metrics and, for text, tokenizer and corpus.
        output_shape: shape of one critic input; for text (L, V).
        labels: the labels that strings can be asked for by; empty for a model without.

    Raises:
        ConfigError: onnxruntime is not installed.
        CheckpointError: no such file, a damaged or foreign file, or a newer format.
    """

    def __init__(
        self, path: str | Path, *, threads: int = 0, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        check_installed("ONNX", "onnxruntime", extra="onnx")
        self.path = Path(path)
        if not self.path.is_file():
            raise CheckpointError(f"{self.path}: no such file", _REMEDY)
        self._session = _session(self.path, threads, providers)
        self.facts = _facts(self.path, self._session.get_modelmeta().custom_metadata_map)
        try:
            settings, noise = self.facts["config"]["generator"], self.facts[NOISE]
            self._latent, self._distribution = int(settings["latent"]), str(settings["latent_distribution"])
            self._stream, self._block = int(noise["stream"]), int(noise["block"])
            counts = self.facts.get("corpus", {}).get("labels", {})
            self.labels = sorted(counts)
            self._label_bounds = _bounds([float(counts[name]) for name in self.labels])
            self._label_stream = int(noise["label_stream"]) if counts else 0
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.path}: its metadata is incomplete: {error} is missing", _REMEDY) from None
        self._vocabulary = _vocabulary(self.path, self.facts)
        self.output_shape: tuple[int, ...] = tuple(self._session.get_outputs()[0].shape[1:])

    def generate(self, n: int, *, seed: int = 0, start: int = 0, label: str | None = None) -> list[str]:
        """Return `n` strings.

        Args:
            n: number of strings, 0 or more.
            seed: random seed of the latents.
            start: index of the first string.
            label: of all strings; None: labels by their shares of the training lines.

        Raises:
            ConfigError: a negative number, an unknown label, or a generator of another kind of data.
        """
        return list(self.stream(n, seed=seed, start=start, label=label))

    def stream(self, n: int, *, seed: int = 0, start: int = 0, label: str | None = None) -> Iterator[str]:
        """Yield the strings of `generate` one by one, in constant memory."""
        if self._vocabulary is None:
            domain = self.facts["config"]["domain"]
            raise ConfigError(f"{self.path}: generates {domain!r} data, not strings", "use points()")
        for probabilities_BLV in self.points(n, seed=seed, start=start, label=label):
            yield from self._vocabulary.decode(probabilities_BLV.argmax(axis=-1))

    def points(
        self, n: int, *, seed: int = 0, start: int = 0, label: str | None = None
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the generator's outputs, float32 (B, *output_shape), in order and in parts.

        For text these are probabilities (B, L, V), for images pixels as the critic takes them. Blocks are the same as
        in `training.latents.generate`, so an item does not depend on what else is generated.
        """
        if n < 0 or start < 0 or seed < 0:
            raise ConfigError(f"n (={n}), start (={start}) and seed (={seed}) must not be negative")
        if label is not None and label not in self.labels:
            known = f"it knows: {', '.join(self.labels)}" if self.labels else "leave it out"
            raise ConfigError(f"{self.path}: does not know the label {label!r}", known)
        block = self._block
        for number in range(start // block, math.ceil((start + n) / block)):
            index_B = np.arange(number * block, (number + 1) * block)
            inputs: dict[str, npt.NDArray[Any]] = {LATENT: self._latents(seed, index_B)}
            if self.labels:
                inputs[LABEL] = self._numbers(seed, index_B, label)
            (point_B,) = self._session.run(None, inputs)
            yield point_B[max(start - number * block, 0) : start + n - number * block]

    def _latents(self, seed: int, index_B: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the (B, Z) latents of items: normal, or uniform in [-1, 1)."""
        if self._distribution == "uniform":
            return 2 * uniform_numpy(seed, self._stream, index_B, self._latent) - 1
        return normal_numpy(seed, self._stream, index_B, self._latent)

    def _numbers(self, seed: int, index_B: npt.NDArray[np.int64], label: str | None) -> npt.NDArray[np.int64]:
        """Return the numbers (B,) of the labels of items; see `training.labels.LabelShares`."""
        if label is not None:
            return np.full(len(index_B), self.labels.index(label), np.int64)
        uniform_B = uniform_numpy(seed, self._label_stream, index_B, 1)[:, 0]
        return np.searchsorted(self._label_bounds, uniform_B, side="right").astype(np.int64)


def _bounds(counts: Sequence[float]) -> npt.NDArray[np.float32]:
    """Return the numbers in [0, 1) between which labels are drawn by their counts."""
    total = math.fsum(counts)
    return np.array(list(accumulate(count / total for count in counts))[:-1], np.float32)


def _session(path: Path, threads: int, providers: Sequence[str]) -> Any:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, _ERRORS
    try:
        return runtime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # noqa: BLE001  (onnxruntime's errors have no other common class)
        raise CheckpointError(f"{path}: onnxruntime cannot load it ({one_line(error)})", _REMEDY) from None


def _facts(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: is an ONNX file, but not one of seqgan_wgp", _REMEDY)
    try:
        facts = {name: parse_json(text) for name, text in metadata.items() if name != "format"}
        version = int(facts["format_version"])
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path}: its metadata cannot be read", _REMEDY) from None
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: has format {version}, and this version of seqgan_wgp reads up to {FORMAT_VERSION}",
            "install a newer seqgan_wgp",
        )
    return facts


def _vocabulary(path: Path, facts: Mapping[str, Any]) -> Vocabulary | None:
    if "tokenizer" not in facts:
        return None
    try:
        return Vocabulary.from_json(facts["tokenizer"], facts.get("corpus", {}).get("unit", "char"))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error.message}", _REMEDY) from None
