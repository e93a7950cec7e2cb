"""Run a command in several processes started by torchrun; only the first prepares data, writes files and prints."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from seqgan_wgp.errors import ProcessGroupError, SeqganError
from seqgan_wgp.training.distributed.rendezvous import processes_started

from .ui.console import exit_code, fail

if TYPE_CHECKING:
    from seqgan_wgp.training.distributed.process_group import ProcessGroup


COMMANDS = ("train", "mnist", "resume")
"""The commands that can run in several processes."""


def check_alone(command: str) -> None:
    """Exit if a command cannot run in several processes, since each would do the same work and write the same files.

    The first process prints the error and fails. The others exit with 0: torchrun ends all processes as soon as one
    fails, and the first must have time to print.
    """
    size = processes_started()
    if command in COMMANDS or size == 1:
        return
    if os.environ["RANK"] != "0":
        raise typer.Exit
    fail(
        f"torchrun has started {size} processes of {command}, which runs in one process only",
        f"start it without torchrun; to generate in parallel, run generate MODEL -n N --shard I/{size} in each process",
    )


@contextlib.contextmanager
def together() -> Iterator[ProcessGroup]:
    """Yield the process group that torchrun started. An error in one process ends all, with one message."""
    from seqgan_wgp.training.distributed.rendezvous import join

    world = join()
    try:
        yield world
    except typer.Exit:
        world.leave()
        raise
    except BaseException as error:
        if world.size > 1:  # torchrun ends all processes as soon as one ends, as this one is about to
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not world.should_report(error):
            raise typer.Exit(exit_code(error)) from None
        if isinstance(error, SeqganError) and not (world.first or isinstance(error, ProcessGroupError)):
            error.message = f"process {world.rank}: {error.message}"
        raise
    world.leave()
