"""Keep control characters of corpora, file names and models from a terminal, which would obey them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment

_LAYOUT = frozenset("\n\t")
"""Control characters that only move text on: line ends, and tabs between columns."""

_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e")
"""Characters that embed or override a writing direction, so that text reads as something else."""

_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")


def for_terminal(text: str) -> str:
    r"""Return a text whose control characters, but line feeds and tabs, are escaped, e.g. \x1b.

    Escaped are all C0 and C1 codes, halves of surrogate pairs, line and paragraph separators, and characters that
    override the writing direction. All other text stays exact.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    unsafe = unicodedata.category(character) in _CATEGORIES or character in _DIRECTIONS
    return character.encode("unicode_escape").decode() if unsafe and character not in _LAYOUT else character


class EscapingHook(RenderHook):
    """Escapes what a console prints; the console's own codes for colours and the cursor stay."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return what is printed instead."""
        return [_Escaped(renderable) for renderable in renderables]


@dataclass(frozen=True)
class _Escaped:
    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments: Iterable[Segment] = console.render(self.content, options)
        for segment in segments:
            yield segment if segment.control else Segment(for_terminal(segment.text), segment.style)


def escaping(console: Console) -> Console:
    """Return a console that escapes all that it prints."""
    console.push_render_hook(EscapingHook())
    return console
