"""Represent tokens of several characters as single code points, so that text is an array of numbers for any unit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, one_line

FIRST = 0xF0000
"""Tokens stand as the private code points from here on."""

MAX_TOKENS = 0xFFFE
"""Private code points that there are from FIRST on."""

UNKNOWN_TOKEN_SYMBOL = chr(FIRST + MAX_TOKENS)
"""Stands for a token that an open unit does not know; no text may hold this code point."""

PieceSplit = Callable[[str], Sequence[str]]
"""line -> pieces that joined give the line."""


class TokenSymbols:
    """Writes each token as one code point of its own, and back; all other characters stand for themselves.

    A piece of several characters that is no token is spelt out.

    Args:
        tokens: strings of two characters or more; shorter ones stand for themselves.
        split: splits a line into pieces; a piece that is a token becomes one code point.

    Raises:
        ConfigError: too many tokens, none, or one with a line feed in it.
    """

    def __init__(self, tokens: Iterable[str], split: PieceSplit) -> None:
        longer = sorted({token for token in tokens if len(token) > 1})
        self._check(longer)
        self._split = split
        self.symbols = {token: chr(place) for place, token in enumerate(longer, FIRST)}
        """Token -> its code point."""

        self._tokens = {ord(symbol): token for token, symbol in self.symbols.items()}

    def _check(self, longer: Sequence[str]) -> None:
        if not 0 < len(longer) <= MAX_TOKENS:
            raise ConfigError(
                f"a unit has {len(longer):,} tokens of two characters or more",
                f"give it 1 to {MAX_TOKENS:,}; without any it would be the unit char",
            )
        if any("\n" in token for token in longer):
            raise ConfigError("a unit has a token with a line feed in it", "line feeds end lines: leave the token out")

    @property
    def longest(self) -> int:
        """Characters of the longest token, at least 1."""
        return max(map(len, self.symbols), default=1)

    def encode(self, line: str) -> str:
        """Return a line with one code point for each unit.

        Raises:
            ConfigError: `split` fails or does not give the line back, or the line holds a code point of a token.
        """
        if line and max(line) >= chr(FIRST) and self._has_symbols(line):
            raise ConfigError("the text holds private code points that stand for the unit's tokens", "take them out")
        try:
            pieces = list(self._split(line))
            joined = "".join(pieces)
        except ConfigError:
            raise
        except Exception as error:  # whatever a user's function raises
            raise ConfigError(
                f"the unit fails to split {line[:40]!r}: {type(error).__name__}: {one_line(error)}",
                "correct the plugin",
            ) from error
        if joined != line:
            raise ConfigError(
                f"the unit splits {line[:40]!r} into pieces that give {joined[:40]!r}", "correct the plugin"
            )
        return "".join(map(self._symbol, pieces))

    def decode(self, symbols: str) -> str:
        """Return the text that code points, one for each unit, stand for; an unknown token becomes U+FFFD."""
        return symbols.translate(self._tokens)

    def _symbol(self, piece: str) -> str:
        return self.symbols.get(piece, piece)

    def _has_symbols(self, line: str) -> bool:
        return any(ord(character) in self._tokens for character in line)


class OpenTokens(TokenSymbols):
    """The tokens of a unit that a regular expression defines, as far as a vocabulary has them.

    Every match is a unit, and so is what stands between two matches. A unit that is not known is one unknown symbol.

    Args:
        tokens: the units that are known.
        pattern: regular expression of a unit, as the `tokenizers` package reads it.
    """

    def __init__(self, tokens: Iterable[str], pattern: str) -> None:
        self.pattern = pattern
        super().__init__(tokens, pattern_split(pattern))
        self._tokens[ord(UNKNOWN_TOKEN_SYMBOL)] = "\N{REPLACEMENT CHARACTER}"

    def _check(self, longer: Sequence[str]) -> None:
        if len(longer) > MAX_TOKENS:
            raise ConfigError(f"a vocabulary has {len(longer):,} tokens", f"{MAX_TOKENS:,} are the most")

    def _symbol(self, piece: str) -> str:
        return piece if len(piece) == 1 else self.symbols.get(piece, UNKNOWN_TOKEN_SYMBOL)

    def _has_symbols(self, line: str) -> bool:
        return any(chr(FIRST) <= character <= UNKNOWN_TOKEN_SYMBOL for character in line)


class FoundTokens(OpenTokens):
    """Open tokens that grow: each new unit that is met becomes a token, in the order of meeting.

    Raises:
        ConfigError: while encoding: there are more than MAX_TOKENS.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__((), pattern)

    def _symbol(self, piece: str) -> str:
        if len(piece) == 1:
            return piece
        known = self.symbols.get(piece)
        if known is None:
            if len(self.symbols) == MAX_TOKENS:
                raise ConfigError(
                    f"the text has more than {MAX_TOKENS:,} different units of two characters or more",
                    "leave corpus.unit and corpus.unit_pattern out, to learn characters",
                )
            known = self.symbols[piece] = chr(FIRST + len(self.symbols))
            self._tokens[ord(known)] = piece
        return known

    def hash_keys(self, code_points: int) -> npt.NDArray[np.uint64]:
        """Return a table (code_points,): a number for each code point that depends on the text of the unit alone.

        So hashes of lines do not depend on the order in which units were met.
        """
        keys = np.arange(code_points, dtype=np.uint64)
        for token, symbol in self.symbols.items():
            digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            keys[ord(symbol)] = int.from_bytes(digest, "little")
        return keys


def pattern_split(pattern: str) -> PieceSplit:
    r"""Return the function that splits a line at the matches of a regular expression.

    Args:
        pattern: as the `tokenizers` package reads it (the syntax of Oniguruma, with `\X` and `\p{L}`).

    Raises:
        ConfigError: the pattern is no regular expression; or, while splitting, it takes too many steps.
    """
    # Imported here: most models have units that need no pattern, and are used without the package.
    from tokenizers import Regex, pre_tokenizers

    try:
        each = pre_tokenizers.Split(Regex(pattern), "isolated")
    except Exception as error:  # noqa: BLE001  (the package raises no other class)
        raise ConfigError(
            f"{pattern!r} is not a regular expression of units: {one_line(error)}",
            r"write it in the syntax of Oniguruma, e.g. --set 'corpus.unit_pattern=\p{L}+|.'",
        ) from None

    def split(line: str) -> Sequence[str]:
        try:
            return [piece for piece, _place in each.pre_tokenize_str(line)]
        except BaseException as error:  # a panic of the library is no Exception
            if type(error).__name__ != "PanicException":
                raise
            raise ConfigError(
                f"the regular expression {pattern!r} takes too many steps on {line[:40]!r}",
                "write it without repetitions within repetitions",
            ) from None

    return split
