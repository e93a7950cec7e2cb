"""Train what a row of `equal_time` asks for in so much processor time, and keep the model of each mark on the way.

A run goes on from one mark to the next, and its clock is kept beside it, so that stopping and going on costs nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

import seqgan_wgp
from seqgan_wgp import Model
from seqgan_wgp import config as configs
from seqgan_wgp.config.serialization import parse_assignments
from seqgan_wgp.registry import GENERATORS
from seqgan_wgp.runs.folder import RunFolder, open_run, read_config
from seqgan_wgp.runs.fuse import fuse
from seqgan_wgp.runs.outcome import INTERRUPTED
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.corpus.dataset import Corpus, open_corpus
from seqgan_wgp.text.domain import TextDomain
from seqgan_wgp.training.trainer import Trainer

CPU = torch.device("cpu")

REFINED_SHARE = 0.25
"""Of an entry's time, what its refiner is trained for if the entry does not say."""

PACED = 8, 40
"""Steps after which the pace of a recipe is looked at, from and to."""

EVALUATED_SHARE = 0.06
"""Of the time of a recipe that trains by likelihood, what is left for evaluations and checkpoints."""

UNBOUNDED = 1_000_000.0
"""Minutes that no run reaches: its time ends it."""

Settings: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A recipe with changes, with or without an n-gram model and a refiner."""

    text: str
    plain: str
    """The text without what comes after training."""

    recipe: str
    settings: Settings
    fused: bool
    refined: float
    """Share of the time that trains the refiner; 0: there is none."""

    @classmethod
    def of(cls, text: str) -> Entry:
        """Read NAME or NAME:KEY=VALUE,..., with +fuse, +refine or both behind it; +refine=SHARE sets the share."""
        unrefined, refine, share = text.partition("+refine")
        plain = unrefined.removesuffix("+fuse")
        name, _, changes = plain.partition(":")
        settings = parse_assignments([change for change in changes.split(",") if change])
        refined = float(share.removeprefix("=") or REFINED_SHARE) if refine else 0.0
        return cls(text=text, plain=plain, recipe=name, settings=settings, fused=unrefined != plain, refined=refined)

    def trained_seconds(self, minutes: float) -> float:
        """Return how long the recipe itself is trained."""
        return 60 * minutes * (1 - self.refined)

    @property
    def slug(self) -> str:
        """A name for files, the same whatever comes after training."""
        return "".join(character if character.isalnum() or character in "-." else "_" for character in self.plain)


class Workshop:
    """Where recipes are trained on one corpus: a folder with a run for each, and the models of its marks.

    Args:
        corpus: a text file or the name of a bundled corpus.
        folder: for all of it.
        seed: of training.
        settings: for every recipe.
    """

    def __init__(self, corpus: str, folder: Path, seed: int, settings: Settings) -> None:
        self.corpus, self.folder, self.seed, self.settings = corpus, folder, seed, settings
        folder.mkdir(parents=True, exist_ok=True)

    def config(self, entry: Entry, extra: Settings) -> configs.Config:
        """Return an entry's settings; the end is the one of its time."""
        ends = {"training.steps": None, "training.minutes": UNBOUNDED}
        fixed = {**ends, "training.seed": self.seed, "training.device": "cpu"}
        return configs.recipe(entry.recipe, {**fixed, **self.settings, **extra, **entry.settings})

    def corpus_at(self, entry: Entry) -> Corpus:
        """Return the prepared corpus, in the way of an entry's recipe; a folder of its own keeps it."""
        run = self._run(entry, "corpus", {})
        return open_corpus(run.path)

    def model(self, entry: Entry, minutes: float) -> tuple[Path, dict[str, Any]]:
        """Return the file of the model that an entry has after its time, trained now or before, and what it took."""
        seconds = entry.trained_seconds(minutes)
        made = self._trained(entry, seconds)
        if entry.fused:
            made = self._after(made, "fused", lambda file, out: fused(file, self.corpus, out))
        if entry.refined:
            refining = entry.refined * 60 * minutes
            name = "refined" if entry.refined == REFINED_SHARE else f"refined-{refining:g}"
            made = self._after(made, name, lambda file, out: refined(file, self.corpus, refining, out))
        return made

    def _after(
        self, made: tuple[Path, dict[str, Any]], name: str, make: Callable[[Path, Path], dict[str, Any]]
    ) -> tuple[Path, dict[str, Any]]:
        """Return the file of a model with what comes after its training, made now or before."""
        file, facts = made
        return self._kept(
            Path(f"{file}".removesuffix(".safetensors") + f"-{name}"), lambda out: facts | make(file, out)
        )

    def _trained(self, entry: Entry, seconds: float) -> tuple[Path, dict[str, Any]]:
        planned = GENERATORS["text"][self.config(entry, {}).generator.network].has_likelihood
        train = self._train_planned if planned else self._train_on
        return self._kept(self.folder / f"{entry.slug}-{self.seed}-{seconds:g}", lambda out: train(entry, seconds, out))

    def _kept(self, stem: Path, make: Callable[[Path], dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
        file, facts = Path(f"{stem}.safetensors"), Path(f"{stem}.json")
        if not facts.is_file():
            found = make(file)
            facts.write_text(json.dumps(found), encoding="utf-8")
        return file, json.loads(facts.read_text(encoding="utf-8"))

    def _run(self, entry: Entry, name: str, extra: Settings) -> RunFolder:
        path = self.folder / f"{entry.slug}-{self.seed}-{name}"
        if not (path / "config.json").is_file():
            found, config = scan_data(self.corpus, self.config(entry, extra))
            create(found, config, path, overwrite=path.exists())
        return open_run(path)

    def _train_on(self, entry: Entry, seconds: float, out: Path) -> dict[str, Any]:
        """Go on with the run of the entry until it has had its time; if it has had more, begin another."""
        clock = RunClock(run := self._run(entry, "run", {}), seconds)
        if clock.used > seconds:
            clock = RunClock(run := self._run(entry, f"{seconds:g}-run", {}), seconds)
        ended = clock.train()
        return facts_of(run, out) | {"trained_seconds": clock.used, "ended": ended}

    def _train_planned(self, entry: Entry, seconds: float, out: Path) -> dict[str, Any]:
        """Train the entry in a run of its own, for as many likelihood steps as fit into the time."""
        name = f"{seconds:g}-run"
        path = self.folder / f"{entry.slug}-{self.seed}-{name}"
        steps = 0
        if not (path / "config.json").is_file():
            steps = max(1, int(seconds * (1 - EVALUATED_SHARE) / self._pace(entry)))
        run = self._run(entry, name, {"training.likelihood_steps": steps, "training.steps": steps})
        clock = RunClock(run, seconds)
        ended = clock.train()
        return facts_of(run, out) | {"trained_seconds": clock.used, "ended": ended}

    def _pace(self, entry: Entry) -> float:
        """Return the processor seconds of a likelihood step."""
        extra: Settings = {"training.likelihood_steps": 10_000, "training.steps": 10_000}
        run = self._run(entry, "pace", extra)
        config = read_config(run)
        trainer = Trainer.from_config(TextDomain(open_corpus(run.path), config, CPU), config, CPU)
        first, last = PACED
        for _ in range(first):
            trainer.round()
        began = time.process_time()
        for _ in range(last - first):
            trainer.round()
        return (time.process_time() - began) / (last - first)


class RunClock:
    """A run's processor time over all calls, kept beside it.

    Args:
        run: to train.
        seconds: of processor time in all, after which it stops.
    """

    def __init__(self, run: RunFolder, seconds: float) -> None:
        self.run, self.seconds, self.file = run, seconds, Path(f"{run.path}.clock")
        self.before = float(self.file.read_text(encoding="utf-8")) if self.file.is_file() else 0.0
        self.used, self.noted = self.before, self.before

    def train(self) -> str:
        """Train until the time is over or the recipe ends, and return why it ended."""
        if self.used >= self.seconds:
            return INTERRUPTED
        began = time.process_time()

        def over() -> bool:
            self.used = self.before + time.process_time() - began
            if self.used - self.noted > 10:  # a run that is killed goes on from its checkpoint, and pays for it
                self._note()
            return self.used >= self.seconds

        reason = run_training(self.run, should_stop=over).reason
        self.used = self.before + time.process_time() - began
        self._note()
        return reason

    def _note(self) -> None:
        self.file.write_text(f"{self.used}", encoding="utf-8")
        self.noted = self.used


def facts_of(run: RunFolder, out: Path) -> dict[str, Any]:
    """Copy the model that the validation half chose, the latest where there was no evaluation; return its facts."""
    chosen = run.best if run.best.is_file() else run.model
    shutil.copyfile(chosen, out)
    return {"step": Model.load(run.path, device="cpu").facts["step"], "chosen_step": Model.load(out).facts["step"]}


def fused(file: Path, corpus: str, out: Path) -> dict[str, Any]:
    """Choose an n-gram model for a model's strings, and write the model with it."""
    began = time.process_time()
    found = fuse(Model.load(file, device="cpu"), corpus)
    found.save(out)
    return {"fuse_seconds": time.process_time() - began, "fused": found.fusion is not None}


def refined(file: Path, corpus: str, seconds: float, out: Path) -> dict[str, Any]:
    """Train a refiner for about so much processor time, by the pace of a short one, and write the model with it.

    On a busy machine the pace changes. A refiner that took a tenth more than its time is trained anew with fewer steps.
    """
    model = Model.load(file, device="cpu")

    def timed(steps: int) -> tuple[Model, float]:
        began = time.process_time()
        return seqgan_wgp.refine(model, corpus, steps=steps), time.process_time() - began

    _, short = timed(10)
    _, longer = timed(60)  # with one evaluation more, as every 50 steps have
    steps = max(10, int(50 * (seconds - short) / max(longer - short, 1e-3)))
    found, taken = timed(steps)
    while taken > 1.1 * seconds and steps > 10:
        steps = max(10, int(steps * seconds / taken))
        found, taken = timed(steps)
    found.save(out)
    return {"refine_steps": steps, "refine_seconds": taken}
