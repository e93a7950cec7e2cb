"""Open the corpus that a command was given, with progress on stderr while it is read and used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import messages
from .progress_bar import Working

if TYPE_CHECKING:
    from seqgan_wgp.text.readers.source import Source


@contextmanager
def inputs_with_progress(corpus: list[str] | None) -> Iterator[tuple[Source | None, Working, Callable[[int], None]]]:
    """Open the corpus, if any, and yield it with two callbacks that show progress: by steps and by bytes read.

    Raises CorpusError when the corpus cannot be opened.
    """
    from seqgan_wgp.text.readers.open import open_inputs

    source = open_inputs(corpus) if corpus else None
    with Working(messages()) as working:

        def on_bytes(done: int) -> None:
            if source is not None:
                working(f"reading {source.label}", done / source.size if source.size else 0.0)

        yield source, working, on_bytes
