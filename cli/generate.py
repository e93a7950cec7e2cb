"""seqgan-wgp generate: strings from a model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from . import options
from .console import guarded

if TYPE_CHECKING:
    from seqgan_wgp.model import Model


@guarded
def generate(
    model: Annotated[Path, typer.Argument(help="A run's folder or a model file.", metavar="MODEL")],
    n: Annotated[int, typer.Option("-n", help="Strings or images to generate.", metavar="N")] = 10,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File, in place of stdout.", metavar="FILE")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the latents: the same seed, the same strings.", metavar="S")] = 0,
    format_: Annotated[str, typer.Option("--format", help="txt, jsonl or csv.", metavar="FORMAT")] = "txt",
    device: options.Device = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
) -> None:
    """Print N new strings, one a line; of images, write a grid to FILE.png, or the pixels to FILE.npy."""
    from seqgan_wgp.errors import ConfigError, did_you_mean
    from seqgan_wgp.text.generation import FORMATS, HEADERS

    if n < 1:
        raise ConfigError(f"-n is {n}, but it must be at least 1")
    if seed < 0:
        raise ConfigError(f"--seed is {seed}, but it must not be negative")
    if format_ not in FORMATS:
        known = f"it is one of: {', '.join(FORMATS)}"
        raise ConfigError(f"--format is {format_!r}{did_you_mean(format_, FORMATS)}", known)
    if output is not None and output.exists() and not output.is_file():
        raise ConfigError(f"{output}: is a folder or a device, not a file", "choose another -o, or redirect stdout")
    if output is not None and output.exists() and not overwrite:
        raise ConfigError(f"{output}: exists already", "choose another -o, or give --overwrite to replace it")

    from seqgan_wgp.model import Model

    line = FORMATS[format_]
    loaded = Model.load(model, device=device or "auto")
    if loaded.config.domain == "image":
        _write_images(loaded, n, seed, output)
        return
    with _opened(output) as file:
        file.write(HEADERS.get(format_, ""))
        for string in loaded.stream(n, seed=seed):
            file.write(line(string) + "\n")
        file.flush()


def _write_images(model: Model, n: int, seed: int, output: Path | None) -> None:
    """Write a grid of images as PNG, or all of them as one array of bytes."""
    import numpy as np

    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.images.pictures import grid, write_npy, write_png

    if output is None or output.suffix.lower() not in (".png", ".npy"):
        raise ConfigError("this is a model of images", "name a picture, -o grid.png, or an array, -o images.npy")
    images_NCHW = np.concatenate(list(model.samples(n, seed=seed))).astype(np.uint8)
    try:
        if output.suffix.lower() == ".png":
            write_png(grid(images_NCHW), output)
        else:
            write_npy(images_NCHW, output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror})", "choose another -o") from None


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Give stdout as UTF-8, or a file that gets its name only when it is whole."""
    if output is None:
        if isinstance(sys.stdout, type(sys.__stdout__)):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        yield sys.stdout
        return
    from seqgan_wgp.errors import ConfigError

    temporary = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        file = temporary.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror})", "choose another -o") from None
    try:
        with file:
            yield file
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
