"""A process of a run that writes nothing: it does its part of every step beside the first one, which keeps the run."""

from __future__ import annotations

from collections.abc import Callable

from ..config import Config
from ..domains import DOMAINS
from ..training.distributed.process_group import ProcessGroup
from ..training.trainer import Trainer
from ..utils.devices import pick_device
from . import checkpoint
from .folder import RunFolder
from .outcome import INTERRUPTED, Outcome


def follow(run: RunFolder, config: Config, world: ProcessGroup, should_stop: Callable[[], bool]) -> Outcome:
    """Train beside the first process until all end; return how, without what the first has measured.

    Args:
        run: in a folder that this machine sees too.
        config: that of the first process.
        world: of which this is not the first.
        should_stop: asked after every step.
    """
    device = pick_device(config.training.device)
    domain = DOMAINS[config.domain].domain(run.path, config, device)
    trainer = Trainer.from_config(domain, config, device, world)
    if run.checkpoint.is_file():
        tensors, facts = checkpoint.load(run.checkpoint)
        trainer.load_state(tensors, step=facts["step"], seconds=facts["seconds"])
    for _ in trainer.run(should_stop):
        pass
    reason = world.shared(str)
    if reason != INTERRUPTED:
        trainer.samples()  # for the closing, of which the first process measures them all
    return Outcome(reason=reason, step=trainer.step, seconds=trainer.seconds)
