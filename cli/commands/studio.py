"""seqgan-wgp studio: train, generate, explore and compare in a browser."""

from __future__ import annotations

import contextlib
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ..ui.console import guarded, messages


@guarded
def studio(
    thing: Annotated[
        str | None,
        typer.Argument(
            help="A run folder or model file to explore, or a corpus to train on.",
            metavar="[RUN|MODEL|CORPUS]",
            show_default="the runs in --runs and the bundled corpora",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. 127.0.0.1 is this machine only; with any other address, visitors need a token.",
            metavar="HOST",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on.", metavar="PORT", min=1, max=65_535, show_default="7860, or the next free one"
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="Password that visitors must give.",
            metavar="TOKEN",
            show_default="none on this machine; elsewhere a new one, printed",
        ),
    ] = None,
    runs: Annotated[
        Path, typer.Option(help="Folder whose runs the studio offers, and where it puts new ones.", metavar="DIR")
    ] = Path("runs"),
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Train, generate, explore and compare in a browser.

    Prints the address. Ctrl-C stops the studio and saves the run that is training.
    Runs are ordinary run folders, as train and resume make them.
    """
    from seqgan_wgp.studio.app import load_gradio
    from seqgan_wgp.studio.server import Server, opened, token_for

    load_gradio()
    secret = token_for(host, token)
    command = [sys.executable, "-m", __name__.partition(".commands")[0]]
    server = Server(opened(thing, runs, command), host, port, secret)
    try:
        typer.echo(server.address)
        if secret is not None and token is None:
            messages().print(f"token: {secret}", markup=False, soft_wrap=True)
        if not no_open:
            webbrowser.open(server.address)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()
    finally:
        server.close()
