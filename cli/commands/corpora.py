"""seqgan-wgp corpora: what comes with the package."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ..ui.console import guarded


@guarded
def corpora() -> None:
    """List the bundled corpora."""
    from seqgan_wgp.text.readers.bundled import bundled

    table = Table("corpus", "lines", "what it is", "licence", box=None, pad_edge=False)
    for entry in bundled().values():
        table.add_row(entry.name, f"{entry.lines:,}", entry.description, entry.licence)
    Console().print(table)
