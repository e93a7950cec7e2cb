"""Fine-tuning: begin a run of text with the weights of a trained model.

The new run has the model's settings and networks. Their first and last layers have a row for each symbol: those of
symbols that both alphabets have are kept, new symbols have rows as in an untrained model, the others are dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, final

import torch
from torch import Tensor

from .. import config as configs
from ..config import Config
from ..config.recipes import read_settings
from ..config.serialization import each_setting, merged
from ..errors import ConfigError
from ..model import Model
from ..text.domain import TextSpec, networks
from ..text.generation.formats import printable
from ..text.readers.column_spec import listed
from ..text.vocabulary import Vocabulary
from ..training.build import build_generator_and_critic, seeded_construction
from ..training.domain import DataSpec
from ..utils.tensor_file import find_model_file, read_tensor_file

SYMBOLS_NAMED = 20
"""Largest number of symbols that a note names."""

_LIKE_A_RECIPE = ("field", "separator", "weights", "label", "format", "encoding", "errors", "hex", "limit", "overflow")
_SIZES = "held_out", "held_out_max", "max_alphabet"

_PARTS = ("generator", "average", "critic")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StartingModel:
    """A trained model whose weights a new run begins with."""

    path: Path
    """The file."""

    sha256: str
    """Of the file."""

    config: Config
    spec: TextSpec
    tensors: Mapping[str, Tensor]
    """PART.NAME of the networks."""

    def settings(self, overrides: Mapping[str, object] | None = None, *, file: Path | None = None) -> Config:
        """Return the settings of a run that begins with this model.

        They are those of the model, its learning rates among them. What belongs to its corpus, or to the length of its
        training, is as in the recipe `fast`, or `causal` for a model that was trained by maximum likelihood.

        Args:
            overrides: dotted setting -> value.
            file: TOML with settings, applied before `overrides`.

        Raises:
            ConfigError: an unknown setting or a bad value, or a length that is not the model's.
        """
        own = self.config
        fresh = configs.recipe("causal" if own.training.likelihood_steps else "fast")
        changes: dict[str, object] = {f"corpus.{name}": getattr(fresh.corpus, name) for name in _LIKE_A_RECIPE + _SIZES}
        changes |= {
            "initial_model": str(self.path),
            "initial_model_sha256": self.sha256,
            "training.batch_size": "auto",
            "training.steps": fresh.training.steps,
            "training.likelihood_steps": fresh.training.likelihood_steps,
            "training.minutes": None,
            "training.threads": None,
            "training.device": "auto",
            "evaluation.every": "auto",
            "evaluation.samples": fresh.evaluation.samples,
            "objective.penalty_every": "auto",
        }
        settings, named = configs.override(own, changes), set(overrides or {})
        if file is not None:
            given, _ = read_settings(file)
            named |= dict(each_setting(given)).keys()
            settings = configs.from_dict(merged(configs.to_dict(settings), given))
        settings = configs.replace_end(configs.override(settings, overrides or {}), named)
        if settings.corpus.length != self.spec.length:
            raise ConfigError(
                f"corpus.length is {settings.corpus.length}, but the strings of {self.path} have {self.spec.length} "
                "positions, and its layers have weights for each",
                "leave corpus.length out, or train without --from",
            )
        return settings

    def initial(self, spec: DataSpec, config: Config) -> InitialWeights:
        """Return the weights that a run begins with, and what became of the alphabet.

        Args:
            spec: of the new corpus.
            config: settings of the run.

        Raises:
            ConfigError: the corpus has other labels than the model, the networks have other sizes than the model's, or
                a layer that cannot take another alphabet.
        """
        found = cast("TextSpec", spec)
        vocabulary, own = found.vocabulary, self.spec.vocabulary
        if found.label_names != self.spec.label_names:
            raise ConfigError(
                f"{self.path} has the labels {listed(self.spec.label_names)}, and the corpus has "
                f"{listed(found.label_names)}",
                "take a model and a corpus with the same labels, or both without",
            )
        kept = Alphabets(own, vocabulary)
        here = build_generator_and_critic(config, found)
        with seeded_construction(config.training.seed):
            plain = networks(config, found.length, vocabulary.size, len(found.label_names))
            wider = networks(config, found.length, vocabulary.size + 1, len(found.label_names))
        tensors: dict[str, Tensor] = {}
        for part, sources, network in (
            ("generator", ("generator", "average"), 0),
            ("average", ("average", "generator"), 0),
            ("critic", ("critic",), 1),
        ):
            source = next((name for name in sources if any(key.startswith(f"{name}.") for key in self.tensors)), part)
            sizes = [{name: value.shape for name, value in of[network].state_dict().items()} for of in (plain, wider)]
            for name, fresh in here[network].state_dict().items():
                old = self.tensors.get(f"{source}.{name}")
                if old is None:
                    raise self._unfit(f"it has no {source}.{name}")
                shapes = zip(*(of.get(name, ()) for of in sizes), strict=True)
                axes = [axis for axis, (size, grown) in enumerate(shapes) if size != grown]
                tensors[f"{part}.{name}"] = self._taken(old.to(fresh.dtype), fresh, axes, kept, f"{part}.{name}")
        return InitialWeights(tensors=tensors, notes=(f"weights: those of {self.path}", *kept.notes))

    def _taken(self, old: Tensor, fresh: Tensor, axes: list[int], kept: Alphabets, name: str) -> Tensor:
        """Return a tensor of the new networks with what it has in common with the model's."""
        if not axes or kept.same:
            if old.shape != fresh.shape:
                raise self._unfit(f"{name} has the shape {tuple(old.shape)}, in the run {tuple(fresh.shape)}")
            return old.clone()
        (axis, *more) = axes
        if more or fresh.shape[axis] != kept.sizes[1] or old.shape[axis] != kept.sizes[0]:
            raise ConfigError(
                f"{self.path} has another alphabet than the corpus, and its layer {name} does not have one row for "
                "each symbol",
                "take a model of the recipe fast or paper, or a corpus with the alphabet of the model",
            )
        if old.select(axis, 0).shape != fresh.select(axis, 0).shape:
            raise self._unfit(f"{name} has the shape {tuple(old.shape)}, in the run {tuple(fresh.shape)}")
        return fresh.clone().index_copy_(axis, kept.new, old.index_select(axis, kept.old))

    def _unfit(self, reason: str) -> ConfigError:
        return ConfigError(
            f"the settings do not fit the networks of {self.path}: {reason}",
            "leave out the settings of generator and critic",
        )


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class InitialWeights:
    """What a run begins with."""

    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...]
    """What became of the model's symbols, a line each."""


class Alphabets:
    """The symbols that two vocabularies have in common, and those of only one.

    Attributes:
        old, new: ids of common symbols in both, in the same order, int64 (K,).
        sizes: of both vocabularies.
        same: whether all ids mean the same symbols.
        notes: what is kept, new and dropped.
    """

    def __init__(self, old: Vocabulary, new: Vocabulary) -> None:
        old_ids = {text: place for place, text in enumerate(old.texts, 2)}
        pairs = [(0, 0), (1, 1)]
        pairs += [(old_ids[text], place) for place, text in enumerate(new.texts, 2) if text in old_ids]
        self.old, self.new = (torch.tensor(ids, dtype=torch.int64) for ids in zip(*pairs, strict=True))
        self.sizes, self.same = (old.size, new.size), old.texts == new.texts
        added = [text for text in new.texts if text not in old_ids]
        common = set(new.texts)
        dropped = [text for text in old.texts if text not in common]
        self.notes = (
            f"symbols kept: {len(pairs) - 2:,}; new: {_named(added)}; of the model but not in the corpus: "
            f"{_named(dropped)}",
        )


def _named(texts: list[str]) -> str:
    shown = " ".join(map(printable, texts[:SYMBOLS_NAMED]))
    more = " ..." if len(texts) > SYMBOLS_NAMED else ""
    return f"{len(texts):,} ({shown}{more})" if texts else "none"


def starting_model(path: str | Path) -> StartingModel:
    """Read the model that a run is to begin with: a run folder, whose latest weights are taken, or a model file.

    Raises:
        CheckpointError: there is no such model, it is damaged or needs a plugin that is not loaded.
        ConfigError: it is not a model of text.
    """
    file = find_model_file(Path(path))
    model = Model.load(file, device="cpu")
    spec = model.text_spec("--from")
    tensors, _facts = read_tensor_file(file)
    return StartingModel(
        path=file,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        config=model.config,
        spec=spec,
        tensors={name: value for name, value in tensors.items() if name.split(".")[0] in _PARTS},
    )
