"""What all visitors of the studio share, and the functions behind its controls."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, final

from ..config import recipe
from ..config.serialization import parse_assignments
from ..errors import ConfigError
from ..text.inspection.inspect import inspect
from ..text.readers.open import open_inputs
from ..utils.progress import OnStep, ignore_step
from . import pages
from .catalogue import Catalogue
from .comparison import side_by_side
from .contributions import MAX_STRINGS as MAX_SCORED
from .contributions import explain
from .generation import Wish, harvest
from .progress import RunProgress, run_progress
from .training import ENDED, Job, Order, TrainingQueue

WALK_POINTS = 25
UPLOAD_MEGABYTES = 200


class RunView(NamedTuple):
    """What is shown of a run, as HTML."""

    status: str = ""
    """One line."""

    samples: str = ""
    curve: str = ""
    health: str = ""


@final
class Studio:
    """What all visitors share, and the functions behind the controls.

    Args:
        catalogue: the corpora and models on offer.
        queue: trains runs; None: this studio does not train.
    """

    def __init__(self, catalogue: Catalogue, queue: TrainingQueue | None) -> None:
        self.catalogue, self.queue = catalogue, queue
        self._drawing = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="seqgan-wgp-studio-")

    def close(self) -> None:
        """Save the run in training, and delete what was offered for download."""
        if self.queue is not None:
            self.queue.close()
        self._scratch.cleanup()

    def corpus(self, name: str | None, uploaded: str | None) -> str:
        """Return the chosen corpus as `train` takes it. Raises ConfigError for an unknown name or a large file."""
        if uploaded:
            if Path(uploaded).stat().st_size > UPLOAD_MEGABYTES << 20:
                raise ConfigError(
                    f"the file has more than {UPLOAD_MEGABYTES} MB",
                    "train on it from the command line: seqgan-wgp train",
                )
            return uploaded
        known = self.catalogue.corpora()
        if name not in known:
            raise ConfigError("choose a corpus or drop a file")
        return known[name]

    def inspected(self, name: str | None, uploaded: str | None) -> str:
        """Return what `inspect` says about a corpus, as HTML."""
        return pages.inspection_html(inspect(open_inputs([self.corpus(name, uploaded)]), recipe("fast")))

    def started(
        self,
        name: str | None,
        uploaded: str | None,
        chosen: str,
        minutes: float | None,
        steps: float | None,
        seed: float | None,
        settings: str | None = None,
    ) -> Job:
        """Put a run in the queue; it ends after the minutes, or after the rounds where these are above 0.

        `settings` has lines of the form KEY=VALUE. Raises ConfigError for anything that `train` would not take.
        """
        order = Order(
            corpus=self.corpus(name, uploaded),
            name=Path(uploaded or name or "").name,
            recipe=chosen,
            minutes=None if steps else minutes,
            steps=int(steps) if steps else None,
            seed=int(seed or 0),
            settings=parse_assignments([line.strip() for line in (settings or "").splitlines() if line.strip()]),
        )
        return self._queue().submit(order)

    def resumed(self, name: str | None, minutes: float | None) -> Job:
        """Put a run of the catalogue in the queue again, until it has been trained for these minutes in all."""
        run = self.catalogue.run(name)
        if run is None:
            raise ConfigError(f"{name} is a model file without its run, so it cannot be resumed")
        return self._queue().resume(run, minutes=minutes)

    def paused(self, job: Job | None) -> None:
        """Have a run save and stop."""
        if job is not None:
            self._queue().pause(job)

    def watched(self, job: Job | None) -> tuple[RunView, bool]:
        """Return what is known of a run in the queue, and whether it has ended."""
        if job is None:
            return RunView(), True
        state, ahead = self._queue().state(job)
        progress = run_progress(job.run)
        status = pages.status_html(state, ahead, progress, job.run.name, job.error)
        return self._view(status, progress), state in ENDED

    def recorded(self, name: str | None) -> RunView:
        """Return what a run of the catalogue has recorded."""
        run = self.catalogue.run(name)
        if run is None:
            raise ConfigError(f"{name} is a model file without its run, so there are no records of its training")
        progress = run_progress(run)
        return self._view(pages.status_html(None, 0, progress, run.name, ""), progress)

    def generated(self, name: str | None, wish: Wish, session: str) -> tuple[str, str, str]:
        """Return a summary and strings as HTML, and the path of a file with them."""
        found = harvest(self.catalogue.model(name), wish)
        file = Path(self._scratch.name) / f"strings-{''.join(filter(str.isalnum, session))}.txt"
        file.write_text("".join(f"{string}\n" for string in found.strings), encoding="utf-8", errors="surrogateescape")
        return f"<p>{escape(found.summary())}</p>", pages.strings_html(found.strings), str(file)

    def walked(self, name: str | None, start: str | None, end: str | None, *, by_text: bool) -> list[str]:
        """Return the strings on the way between two seeds or two texts."""
        model = self.catalogue.model(name)
        start, end = start or "", end or ""
        if by_text:
            return model.spec.to_text(model.interpolate(start, end, WALK_POINTS))
        if not (start.isdecimal() and end.isdecimal()):
            raise ConfigError("give two seeds, numbers of 0 or more", "or choose texts")
        return model.spec.to_text(model.interpolate(int(start), int(end), WALK_POINTS))

    def scored(self, name: str | None, text: str | None) -> str:
        """Return typed lines with the model's scores, coloured."""
        lines = [line for line in (text or "").splitlines() if line][:MAX_SCORED]
        return pages.explained_html(explain(self.catalogue.model(name), lines))

    def compared(self, names: Sequence[str], *, autoregressive: bool = False, on_step: OnStep = ignore_step) -> str:
        """Return some models side by side, with the baselines of their corpora, as HTML."""
        found = side_by_side(self.catalogue, list(names), autoregressive=autoregressive, on_step=on_step)
        return pages.comparison_html(found)

    def _view(self, status: str, progress: RunProgress) -> RunView:
        with self._drawing:  # matplotlib has one style for all threads
            curve = pages.curve_html(progress.curve)
        return RunView(status, pages.strings_html(progress.samples), curve, pages.health_html(progress))

    def _queue(self) -> TrainingQueue:
        if self.queue is None:
            raise ConfigError("this studio does not train", "run it on your own machine: seqgan-wgp studio")
        return self.queue
