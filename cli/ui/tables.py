"""Print tables: wrapped to fit a terminal, one row per line elsewhere. Control characters are escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_RIGHT_TO_LEFT = ("R", "AL", "AN")

_GAP = "  "


def plain(string: str) -> str:
    r"""Return a string with characters escaped that move the cursor or change the writing direction, e.g. \u202e."""
    from seqgan_wgp.text.generation.formats import printable

    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) == "Cf" else character
        for character in printable(string)
    )


def foreign(console: Console, string: str) -> str:
    r"""Return a string of a corpus in a form that is safe in a table.

    Control characters, and those that change the writing direction, are escaped, e.g. \x1b. On a terminal,
    right-to-left text is isolated, so that the text around it stays in place; files get no invisible characters.
    """
    shown = plain(string)
    runs_left = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in shown)
    return f"{_ISOLATE}{shown}{_END}" if runs_left and console.is_terminal else shown


def show_table(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0, sentences: bool = False
) -> None:
    """Print a table.

    Args:
        console: the console on stdout.
        heads: the column headers.
        rows: the cells of each row.
        right: number of last columns that are right-aligned.
        sentences: on a terminal every column may be wrapped, not only the last one.
    """
    if console.is_terminal:
        console.print(_drawn(heads, rows, right, sentences))
        return
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            blank + cell if k >= len(row) - right else cell + blank
            for k, (cell, blank) in enumerate(zip(row, blanks, strict=True))
        ]
        console.print(Text(_GAP.join(cells).rstrip()), soft_wrap=True)


def _drawn(heads: Sequence[str], rows: Sequence[Sequence[str]], right: int, sentences: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
    for k, head in enumerate(heads):
        number, last = k >= len(heads) - right, k == len(heads) - 1
        whole = not (last or sentences)
        table.add_column(Text(head), justify="right" if number else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
