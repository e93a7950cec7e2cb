"""The models and corpora that a visitor of the studio may choose. Nothing else on the machine can be named."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import final

from ..domains import DOMAINS
from ..errors import CheckpointError, ConfigError, SeqganError
from ..model import Model
from ..runs.folder import BEST, CONFIG, MODEL, RunFolder, read_config
from ..text.readers.bundled import bundled, bundled_with
from ..utils.bundled_models import bundled_models
from ..utils.tensor_file import read_facts

_KEPT = 4
"""Largest number of models in memory."""


@final
class Catalogue:
    """The corpora and models of a studio.

    Args:
        runs: folder of the runs that are made and offered; it need not exist.
        corpus: a further corpus, as `train` takes it; None: none.
        model: a further run folder or model file; None: none.
    """

    def __init__(self, runs: Path, corpus: str | None = None, model: Path | None = None) -> None:
        self.runs, self._corpus, self._model = runs, corpus, model
        self._loaded: OrderedDict[tuple[Path, int], Model] = OrderedDict()
        self._lock = Lock()

    def corpora(self) -> dict[str, str]:
        """Return shown name -> what `train` takes: the corpus that was given, and the bundled ones."""
        given = {} if self._corpus is None else {Path(self._corpus).name: self._corpus}
        return given | {name: name for name in bundled() if name not in given}

    def models(self) -> dict[str, Path]:
        """Return shown name -> run folder or model file: the given one, the runs from the newest on, the bundled."""
        found = {} if self._model is None else {self._model.name: self._model}
        folders = [folder for folder in self.runs.glob("*") if (folder / MODEL).is_file() and is_text_run(folder)]
        for folder in sorted(folders, key=lambda folder: (folder / MODEL).stat().st_mtime, reverse=True):
            found.setdefault(folder.name, folder)
        for model in bundled_models().values():
            found.setdefault(model.name, model.path)
        return found

    def comparable(self) -> list[str]:
        """Return the names of the models whose corpus is there: those with their run, and of the bundled corpora."""
        return [name for name, place in self.models().items() if (place / CONFIG).is_file() or _is_of_bundled(place)]

    def has_comparable(self) -> bool:
        """Return whether the first model, the given one if there is one, is among the comparable ones."""
        return next(iter(self.models()), None) in self.comparable()

    def place(self, name: str | None) -> Path:
        """Return where a model is. Raises ConfigError unless `models` has it."""
        known = self.models()
        if name not in known:
            raise ConfigError("choose a model first", "train one in the tab Train")
        return known[name]

    def run(self, name: str | None) -> Path | None:
        """Return the run folder of a model, or None for a bare file. Raises ConfigError as `place` does."""
        place = self.place(name)
        return place if (place / CONFIG).is_file() else None

    def model(self, name: str | None) -> Model:
        """Load a model, of a run the one with the best validation score; the last few are kept in memory.

        Raises:
            ConfigError: `models` does not have it, or it generates no strings.
            CheckpointError: the file is damaged.
        """
        place = self.place(name)
        best = place.is_dir() and (place / BEST).is_file()
        file = place / (BEST if best else MODEL) if place.is_dir() else place
        try:
            key = (file, file.stat().st_mtime_ns)
        except OSError:
            raise CheckpointError(f"{file.name}: is no longer there", "choose another model") from None
        with self._lock:
            if key not in self._loaded:
                model = Model.load(place, best=best)
                model.text_spec("the studio")
                self._loaded[key] = model
            self._loaded.move_to_end(key)
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
            return self._loaded[key]


def _is_of_bundled(place: Path) -> bool:
    """Return whether a model, by its file or its folder, learned from a bundled corpus."""
    try:
        facts = read_facts(place / MODEL if place.is_dir() else place)
    except SeqganError:
        return False
    return bundled_with(str(facts.get("corpus", {}).get("sha256"))) is not None


def is_text_run(folder: Path) -> bool:
    """Return whether a folder is a run whose model generates strings."""
    try:
        return DOMAINS[read_config(RunFolder(folder)).domain].has_strings
    except SeqganError:
        return False
