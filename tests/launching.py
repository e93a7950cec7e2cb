"""Starting several processes that train together, as torchrun does, but within a second."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

# Loaded once by a server that forks; the second is what optimizers load when the first one is made.
_PRELOADED = ["tests.training.processes", "torch._dynamo", "cli.commands.train", "seqgan_wgp.runs.train"]
_PATIENCE_SECONDS = 300


def launch(count: int, target: Callable[..., None], *arguments: object, **environment: str) -> list[ForkServerProcess]:
    """Start a target in so many processes, with the environment that torchrun would give them.

    Args:
        count: processes.
        target: a function of a module.
        arguments: its arguments.
        environment: more of it.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    common = {
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        **environment,
    }
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    processes = []
    for rank in range(count):
        own = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        process = context.Process(target=_as_one_of_many, args=(own, target, arguments))
        process.start()
        processes.append(process)
    return processes


def _as_one_of_many(environment: dict[str, str], target: Callable[..., None], arguments: tuple[object, ...]) -> None:
    os.environ.update(environment)
    target(*arguments)


def ended(processes: list[ForkServerProcess]) -> list[int | None]:
    """Wait for processes and return what they exited with; those that hang are killed."""
    for process in processes:
        process.join(_PATIENCE_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def command(arguments: list[str], folder: Path, checkpoint_seconds: float, folders: list[str] | None = None) -> None:
    """Run the command line in a process of `launch`; what it prints goes to files: out-RANK and err-RANK.

    Args:
        arguments: of the command line.
        folder: for the files.
        checkpoint_seconds: between checkpoints.
        folders: the working folder of each process.
    """
    from cli.app import main
    from seqgan_wgp.runs import session

    rank = os.environ["RANK"]
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{name}-{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    if folders is not None:
        os.chdir(folders[int(rank)])
    session.FIRST_CHECKPOINT_SECONDS = session.CHECKPOINT_SECONDS = checkpoint_seconds
    sys.argv = ["seqgan-wgp", *arguments]
    main()
