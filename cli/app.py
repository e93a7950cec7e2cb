"""The command line application: registers all commands and their shared options."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import seqgan_wgp
from seqgan_wgp.utils.malloc import keep_memory

from .commands.compare import compare
from .commands.corpora import corpora
from .commands.evaluate import evaluate
from .commands.export import export
from .commands.fuse import fuse
from .commands.generate import generate
from .commands.info import info
from .commands.inspect import inspect
from .commands.interpolate import interpolate
from .commands.mnist import mnist
from .commands.models import models
from .commands.recipes import recipes
from .commands.refine import refine
from .commands.report import report
from .commands.resume import resume
from .commands.score import score
from .commands.similar import similar
from .commands.studio import studio
from .commands.theory import theory
from .commands.train import train
from .torchrun import check_alone
from .ui.console import debugging, interrupt_on_signals, show_warnings

app = typer.Typer(
    name="seqgan-wgp",
    help="Train a GAN (generative adversarial network) on the lines of a text file and generate new lines like them. "
    "Also trains on images and on points in the plane.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    train,
    mnist,
    resume,
    report,
    compare,
    generate,
    interpolate,
    fuse,
    refine,
    score,
    similar,
    studio,
    export,
    inspect,
    evaluate,
    theory,
    recipes,
    corpora,
    models,
    info,
):
    app.command()(command)


_STEADY = frozenset({"evaluate", "fuse", "refine", "score", "theory"})
"""Commands whose every step needs the memory that the last has freed. So do training and the generation of more than
one block, which see to it themselves."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"seqgan-wgp {seqgan_wgp.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error above its message.")] = False,
) -> None:
    del version
    if context.invoked_subcommand in _STEADY:
        keep_memory()
    if debug:
        context.with_resource(debugging())
    if context.invoked_subcommand and "WORLD_SIZE" in os.environ:  # started by torchrun
        check_alone(context.invoked_subcommand)


def main() -> None:
    """Run the command line."""
    # How many turns the threads of a parallel loop spin while they wait for each other. By default GNU OpenMP spins for
    # long, which costs seconds per step as soon as another program needs a core; a short wait costs nothing.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    show_warnings()
    interrupt_on_signals()
    app()


if __name__ == "__main__":
    main()
