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
"""The commands that many processes do together."""


def check_alone(command: str) -> None:
    """End unless a command may be one of many processes: it would do its work so many times, to the same files.

    The first process says so and fails. The others end well: as soon as one fails torchrun ends all, and the first is
    to have its say.
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
    """Give the processes that torchrun has started for this command; an error in one ends all, with one message."""
    from seqgan_wgp.training.distributed.rendezvous import join

    world = join()
    try:
        yield world
    except typer.Exit:
        world.leave()
        raise
    except BaseException as error:
        if world.size > 1:  # torchrun tells all to end as soon as one does, which this one is doing
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not world.should_report(error):
            raise typer.Exit(exit_code(error)) from None
        if isinstance(error, SeqganError) and not (world.first or isinstance(error, ProcessGroupError)):
            error.message = f"process {world.rank}: {error.message}"
        raise
    world.leave()
