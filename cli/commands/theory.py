"""seqgan-wgp theory: reproduce the experiments behind WGAN-GP."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..ui.console import guarded, messages

if TYPE_CHECKING:
    from rich.console import Console

    from seqgan_wgp.theory.experiments import Experiment

NAMES = ("lines", "gradients", "surfaces", "depth", "meaning")

_QUICK = 0.1
"""Share of the steps with --quick."""


@guarded
def theory(
    out: Annotated[Path, typer.Option(help="Folder for the figures.", metavar="DIR")] = Path("theory"),
    only: Annotated[
        str | None,
        typer.Option(
            help=f"Experiments to run, separated by commas: {', '.join(NAMES)}.",
            metavar="A,B,C",
            show_default="all",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="S")] = 0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Run only a tenth of the steps, which is too few for the checks to pass."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing figures in the folder.")] = False,
) -> None:
    """Run small experiments that show why WGAN-GP works, and compare them with theory.

    Prints tables and writes figures to the folder. Takes up to five minutes.
    """
    names = _asked(only)
    _check_seed(seed)
    _check_folder(out, names, overwrite=overwrite)
    import torch

    from seqgan_wgp.theory.experiments import EXPERIMENTS
    from seqgan_wgp.theory.figures import png

    torch.set_num_threads(1)  # a second thread slows down networks this small
    console, began = messages(), time.perf_counter()
    missed = 0
    for name in names:
        experiment, started = EXPERIMENTS[name], time.perf_counter()
        found = experiment.run(seed, _QUICK if quick else 1.0, functools.partial(_tell, console, name))
        _write(png(experiment.figure(found)), out / f"{name}.png")
        missed += _show(name, experiment, found)
        _tell(console, name, f"{out / name}.png, {time.perf_counter() - started:.0f} s")
    console.print(f"done after {time.perf_counter() - began:.0f} s", markup=False)
    if missed:
        console.print(f"[yellow]warning:[/] {missed} claims were not met" + " (--quick)" * quick)


def _tell(console: Console, name: str, what: str) -> None:
    console.print(f"{name}: {what}", markup=False)


def _asked(only: str | None) -> list[str]:
    """Return the names of the chosen experiments, in the order of NAMES."""
    from seqgan_wgp.errors import ConfigError, did_you_mean

    wanted = [name.strip() for name in only.split(",")] if only is not None else list(NAMES)
    for name in wanted:
        if name not in NAMES:
            raise ConfigError(
                f"there is no experiment {name!r}{did_you_mean(name, NAMES)}", f"choose one of: {', '.join(NAMES)}"
            )
    return [name for name in NAMES if name in wanted]


def _check_seed(seed: int) -> None:
    from seqgan_wgp.errors import ConfigError

    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed is {seed}, but it must be at least 0 and below 2**63")


def _check_folder(folder: Path, names: list[str], *, overwrite: bool) -> None:
    """Create the folder. Raises ConfigError when it has other files, or figures and no `overwrite`."""
    from seqgan_wgp.errors import ConfigError

    ours = {f"{name}.png" for name in NAMES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror})", "choose another --out") from None
    if there - ours:
        raise ConfigError(f"{folder}: contains other files, such as {min(there - ours)}", "choose another --out")
    replaced = sorted(there & {f"{name}.png" for name in names})
    if replaced and not overwrite:
        raise ConfigError(
            f"{folder}: {', '.join(replaced)} already exist there",
            "choose another --out, or give --overwrite to replace them",
        )


def _write(picture: bytes, path: Path) -> None:
    """Write a figure atomically."""
    from seqgan_wgp.utils.atomic_files import new_file

    with new_file(path) as file:
        file.write(picture)


def _show(name: str, experiment: Experiment, found: object) -> int:
    """Print the tables; return the number of failed checks."""
    from seqgan_wgp.theory import checks
    from seqgan_wgp.theory.tables import markdown

    tried = experiment.checks(found)
    typer.echo(f"## {name}: {experiment.question}\n")
    for table in (*experiment.tables(found), checks.checks_table(tried)):
        typer.echo(f"{table.title}:\n\n{markdown(table)}\n")
    return sum(not check.met for check in tried)
