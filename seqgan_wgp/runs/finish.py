"""The last phase of a run of text: choose an n-gram model and train a refiner, as the settings say.

The phase writes the final model anew at its end, whole or not at all. A run that is interrupted in it is resumed with
it, from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, final

from ..config import Config
from ..model import Model
from ..text.corpus.dataset import open_corpus
from ..text.fusion.choose import FusionOptions
from ..text.refinement.train import RefineOptions
from .folder import RunFolder
from .fuse import fused
from .refine import refined

OnPhase = Callable[[str], object]
"""Called at the beginning of each part of the phase with its description."""


@final
class _Stopped(Exception):
    """The phase was told to stop."""


def finish(run: RunFolder, config: Config, should_stop: Callable[[], bool], on_phase: OnPhase) -> bool:
    """Do what `refinement` asks for with a run's final model; return False if it was interrupted.

    Args:
        run: the run, trained and locked.
        config: its settings.
        should_stop: called all along; if it returns True, the model stays as training left it.
        on_phase: see OnPhase.
    """
    settings = config.refinement
    judged = settings.minutes is not None or settings.steps is not None
    if not settings.fuse and not judged:
        return True

    def check(*_progress: object) -> None:
        if should_stop():
            raise _Stopped

    model, corpus = Model.load(run.model, device=config.training.device), open_corpus(run.path)
    seed = config.training.seed
    try:
        if settings.fuse:
            on_phase("choosing an n-gram model")
            model = fused(
                model, corpus, FusionOptions(new=settings.new, seed=seed), cast("Callable[[float], object]", check)
            )
        if judged:
            on_phase("training a refiner")
            options = RefineOptions(
                minutes=settings.minutes,
                steps=settings.steps,
                rounds=settings.rounds,
                new=settings.new,
                seed=seed,
            )
            model = refined(model, corpus, options, check)
    except _Stopped:
        return False
    model.save(run.model)
    return True
