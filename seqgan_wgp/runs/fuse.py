"""Fusion of a trained model with an n-gram model of its corpus, which is kept in its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..model import Model
from ..text.causal_generator import CausalGenerator
from ..text.corpus.dataset import Corpus
from ..text.fusion.choose import ORDERS, FusionOptions, choose_fusion
from ..utils.progress import OnBytes, OnNote, ignore_bytes, ignore_note
from .rewrite import rewritten


def fuse(
    model: Model | str | Path,
    corpus: Any = None,
    *,
    new: float = 0.8,
    different: float = 0.95,
    order_most: int = ORDERS[-1],
    seed: int = 0,
    best: bool = False,
    device: str = "auto",
    on_progress: Callable[[float], object] = lambda _share: None,
    on_bytes: OnBytes = ignore_bytes,
    on_note: OnNote = ignore_note,
) -> Model:
    """Choose an n-gram model that a model's strings are drawn by too, and return the model with it.

    From then on the model decodes by "fusion" unless told otherwise. An order and weights count only if their strings
    are new and different enough, and nearer to the validation half than argmax, by the mean of JS-4, JS-6 and JS-8. Of
    those within 5 % of the least distance, the one with the fewest new strings is taken; the test half is not looked
    at. If there is none, the model has no fusion. A refiner that it had is dropped, since it learnt from other strings.
    Where a folder or a file is named, the model there is written anew.

    Args:
        model: a run's folder, a model file, or a loaded model, which is left as it is.
        corpus: the text, as `train` takes it; None: what the run prepared.
        new: least share of strings that are not training lines, on the validation half.
        different: least share of distinct strings.
        order_most: highest order of the n-gram model; a lower one makes a smaller file.
        seed: of the strings that are measured.
        best: take the run's best model.
        device: "auto", "cpu", "cuda" or "mps"; of a loaded model, where it is.
        on_progress: told which share is done.
        on_bytes: told how much of a corpus has been read.
        on_note: told what kind of file a named corpus is.

    Raises:
        ConfigError: a number out of bounds, a model of something else than text or of the network causal, an alphabet
            that is too large, or a run that is in use.
        CheckpointError: no such model, or its corpus is gone and none is named.
        CorpusError: `corpus` cannot be read, or the model knows none of its characters.
        OSError: the file cannot be written.
    """
    options = FusionOptions(new=new, different=different, order_most=order_most, seed=seed)
    return rewritten(
        model,
        corpus,
        lambda loaded, text: fused(loaded, text, options, on_progress),
        command="fuse",
        best=best,
        device=device,
        on_bytes=on_bytes,
        on_note=on_note,
    )


def fused(model: Model, corpus: Corpus, options: FusionOptions, on_progress: Callable[[float], object]) -> Model:
    """Return a model of a corpus with the fusion that is best by the options; see `fuse`."""
    if isinstance(model.generator, CausalGenerator):
        raise ConfigError(
            "fuse is for generators in one shot, and one of the network causal sees the characters before already",
            "generate with it as it is",
        )
    found, _argmax = choose_fusion(model.tables, corpus, options, on_progress)
    return model.with_fusion(found)
