"""seqgan-wgp corpora: list the bundled corpora."""

from __future__ import annotations

from ..ui.console import guarded, results
from ..ui.tables import show_table


@guarded
def corpora() -> None:
    """List the corpora that come with the package."""
    from seqgan_wgp.text.readers.bundled import bundled

    rows = [(entry.name, f"{entry.lines:,}", entry.description, entry.licence) for entry in bundled().values()]
    show_table(results(), ("corpus", "lines", "description", "licence"), rows, sentences=True)
