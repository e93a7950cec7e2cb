"""seqgan-wgp corpora: list the bundled corpora."""

from __future__ import annotations

from rich.table import Table

from ..ui.console import guarded, results


@guarded
def corpora() -> None:
    """List the corpora that come with the package."""
    from seqgan_wgp.text.readers.bundled import bundled

    table = Table("corpus", "lines", "description", "licence", box=None, pad_edge=False)
    for entry in bundled().values():
        table.add_row(entry.name, f"{entry.lines:,}", entry.description, entry.licence)
    results().print(table)
