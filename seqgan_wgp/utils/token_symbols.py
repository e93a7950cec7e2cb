"""Tokens of several characters as single code points, so that text is an array of numbers whatever its unit is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import final

from ..errors import ConfigError, one_line

FIRST = 0xF0000
"""Tokens stand as the private code points from here on."""

TOKENS_MOST = 0xFFFE
"""Private code points that there are from FIRST on."""


@final
class TokenSymbols:
    """Writes each token as one code point of its own, and back; all other characters stand for themselves.

    Args:
        tokens: strings of two characters or more; shorter ones stand for themselves.
        split: line -> pieces that joined give the line; a piece that is a token becomes one code point.

    Raises:
        ConfigError: too many tokens, none, or one with a line feed in it.
    """

    def __init__(self, tokens: Iterable[str], split: Callable[[str], Sequence[str]]) -> None:
        longer = sorted({token for token in tokens if len(token) > 1})
        if not 0 < len(longer) <= TOKENS_MOST:
            raise ConfigError(
                f"a unit has {len(longer):,} tokens of two characters or more",
                f"give it 1 to {TOKENS_MOST:,}; without any it would be the unit char",
            )
        if any("\n" in token for token in longer):
            raise ConfigError("a unit has a token with a line feed in it", "line feeds end lines: leave the token out")
        self._split = split
        self.symbols = {token: chr(place) for place, token in enumerate(longer, FIRST)}
        """Token -> its code point."""

        self._tokens = {ord(symbol): token for token, symbol in self.symbols.items()}
        self.longest = max(map(len, longer))
        """Characters of the longest token."""

    def encode(self, line: str) -> str:
        """Return a line with one code point for each unit.

        Raises:
            ConfigError: `split` fails or does not give the line back, or the line holds a code point of a token.
        """
        if any(ord(character) in self._tokens for character in line):
            raise ConfigError("the text holds private code points that stand for the unit's tokens", "take them out")
        try:
            pieces = list(self._split(line))
            joined = "".join(pieces)
        except Exception as error:  # whatever a user's function raises
            raise ConfigError(
                f"the unit fails to split {line[:40]!r}: {type(error).__name__}: {one_line(error)}",
                "correct the plugin",
            ) from error
        if joined != line:
            raise ConfigError(
                f"the unit splits {line[:40]!r} into pieces that give {joined[:40]!r}", "correct the plugin"
            )
        return "".join([self.symbols.get(piece, piece) for piece in pieces])

    def decode(self, symbols: str) -> str:
        """Return the text that code points, one for each unit, stand for."""
        return symbols.translate(self._tokens)
