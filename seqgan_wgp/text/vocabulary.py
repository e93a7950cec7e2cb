"""The vocabulary: single code points or bytes, a padding and an unknown symbol, defined by a `tokenizers` file.

`tokenizer.json` is the definition, readable by any program that knows the format. The fast path is a look-up table over
all code points, id = table[unit]; tests check that both agree. A unit with tokens is represented by one code point per
token. The file then has the tokens and their ids. If a pattern defines the unit, the file has the pattern too; else the
unit splits text into tokens.

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, ConfigError
from ..registry import UNITS
from ..utils.file_schema import SchemaError, is_unicode, parse_json
from ..utils.token_symbols import FIRST, OpenTokens, TokenSymbols

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, UNKNOWN = 0, 1
PAD_TOKEN, UNKNOWN_TOKEN = "[PAD]", "[UNK]"
CODE_POINTS = 0x110000
MAX_CHARACTERS = 0xFFFE
"""Of a vocabulary: ids have at most two bytes, and two of them are the pad's and the unknown's."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""How an unknown symbol is printed: never as the text of its token."""


BYTES = "".join(map(chr, range(256)))
"""The alphabet of bytes: byte k is represented by code point k."""


@final
class Vocabulary:
    """Characters and their ids: 0 is padding, 1 is unknown, then the characters in order of code point.

    Args:
        characters: the alphabet, without repetition. It is sorted here, so the order does not matter.
        unit: "char"; "byte", where the characters are BYTES and strings are encoded as UTF-8; or a unit with tokens,
            which are represented by code points among the characters.
        tokens: the tokens of a unit that a pattern defines; None: the unit's own.

    Raises:
        ConfigError: unknown unit, for example because its plugin is not loaded.
    """

    def __init__(self, characters: str, unit: str = "char", tokens: TokenSymbols | None = None) -> None:
        self.unit, entry = unit, UNITS[unit]
        self.is_byte, self.plural, self.tokens = entry.is_byte, entry.plural, tokens or entry.tokens
        self.characters = "".join(sorted(characters))
        self.size = len(self.characters) + 2
        self.dtype = np.dtype(np.uint8 if self.size <= 256 else np.uint16)
        code_points = np.frombuffer(self.characters.encode("utf-32-le", "surrogatepass"), np.uint32)
        self.table = np.full(CODE_POINTS, UNKNOWN, self.dtype)
        self.table[code_points] = np.arange(2, self.size, dtype=self.dtype)
        self._code_points = np.concatenate([np.array([0, ord(REPLACEMENT)], np.uint32), code_points])

    @classmethod
    def of_bytes(cls) -> Vocabulary:
        """Return the vocabulary of all bytes, which has no unknown strings."""
        return cls(BYTES, "byte")

    @classmethod
    def of_texts(cls, texts: Iterable[str], unit: str, pattern: str) -> Vocabulary:
        """Return the vocabulary of a unit that a pattern defines, given the text of each unit.

        Raises:
            ConfigError: the pattern is no regular expression, or there are too many texts.
        """
        known = set(texts)
        tokens = OpenTokens(known, pattern)
        return cls("".join(tokens.symbols.get(text, text) for text in known), unit, tokens)

    def table_for(self, tokens: TokenSymbols | None) -> npt.NDArray[np.integer]:
        """Return the table from code points, as `tokens` writes them, to ids; a unit that is not known has id 1."""
        if not (isinstance(tokens, OpenTokens) and self.tokens is not None):
            return self.table
        table = self.table.copy()
        table[FIRST:] = UNKNOWN
        for token, symbol in tokens.symbols.items():
            own = self.tokens.symbols.get(token)
            table[ord(symbol)] = UNKNOWN if own is None else self.table[ord(own)]
        return table

    def encode(self, strings: Sequence[str], length: int) -> npt.NDArray[np.integer]:
        """Return (N, L) ids: longer strings cropped, shorter ones padded, unknown characters as id 1."""
        return self.encode_symbols(self.symbols(strings), length)

    def symbols(self, strings: Sequence[str]) -> Sequence[str]:
        """Return strings with one code point for each unit."""
        if self.is_byte:
            return [string.encode("utf-8", "surrogatepass").decode("latin-1") for string in strings]
        return strings if self.tokens is None else [self.tokens.encode(string) for string in strings]

    def encode_symbols(self, strings: Sequence[str], length: int) -> npt.NDArray[np.integer]:
        """Return (N, L) ids of strings with one code point for each unit, the result of `symbols`."""
        ids_NL = np.full((len(strings), length), PAD, self.dtype)
        sizes_N = np.fromiter((min(len(string), length) for string in strings), np.int64, len(strings))
        joined = "".join(string[:length] for string in strings).encode("utf-32-le", "surrogatepass")
        ids_NL[np.arange(length) < sizes_N[:, None]] = self.table[np.frombuffer(joined, np.uint32)]
        return ids_NL

    def decode(self, ids_NL: npt.NDArray[np.integer]) -> list[str]:
        r"""Return the strings of (N, L) ids: each ends at its first pad; an unknown becomes U+FFFD.

        A byte that is not valid UTF-8 is written as \xNN.
        """
        pad_NL = np.asarray(ids_NL) == PAD
        sizes_N = np.where(pad_NL.any(axis=1), pad_NL.argmax(axis=1), pad_NL.shape[1])
        text = self._code_points[np.asarray(ids_NL)].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
        length = pad_NL.shape[1]
        strings = [text[row * length : row * length + size] for row, size in enumerate(sizes_N.tolist())]
        if self.is_byte:
            return [_from_bytes(string) for string in strings]
        return strings if self.tokens is None else [self.tokens.decode(string) for string in strings]

    @property
    def texts(self) -> list[str]:
        """The text of each of `characters`: the character itself, or the token that it represents."""
        return [character if self.tokens is None else self.tokens.decode(character) for character in self.characters]

    def tokenizer(self, length: int) -> Tokenizer:
        """Return the `tokenizers` object that defines the ids; cuts and pads to `length`.

        For a unit with fixed tokens it takes the longest token at each position; the unit may split differently.

        Raises:
            ConfigError: a token has the name of the padding or unknown symbol.
        """
        # Imported here: exported models run without this package, and strings can be read and written without it.
        from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

        tokenizer = Tokenizer(models.WordLevel(self._tokens(), unk_token=UNKNOWN_TOKEN))
        # Not a dot, which does not match a line feed.
        longer = sorted((text for text in self.texts if len(text) > 1), key=len, reverse=True)
        of_tokens = "|".join([*map(re.escape, longer), r"[\s\S]"])
        pattern = self.tokens.pattern if isinstance(self.tokens, OpenTokens) else of_tokens
        each = pre_tokenizers.Split(Regex(pattern), "isolated")
        tokenizer.pre_tokenizer, tokenizer.decoder = each, decoders.Fuse()
        if self.is_byte:
            to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([to_bytes, each])
            tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([PAD_TOKEN, UNKNOWN_TOKEN])
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length, pad_id=PAD, pad_token=PAD_TOKEN)
        return special_tokens_as_text(tokenizer)

    def to_json(self, length: int) -> str:
        """Return the text of tokenizer.json."""
        return str(self.tokenizer(length).to_str(pretty=True))

    @classmethod
    def from_json(cls, text: str, unit: str = "char") -> Vocabulary:
        """Read the text of tokenizer.json.

        Args:
            text: of the file.
            unit: unit of the corpus; required for a unit with tokens.

        Raises:
            CheckpointError: the text is not a tokenizer of this package.
            ConfigError: unknown unit, for example because its plugin is not loaded.
        """
        try:
            tree = parse_json(text)
        except (SchemaError, TypeError):
            raise CheckpointError("the tokenizer cannot be read") from None
        return cls.from_tree(tree, unit)

    @classmethod
    def from_tree(cls, tree: Any, unit: str = "char") -> Vocabulary:
        """Return the vocabulary of a tokenizer.json that has been parsed; see `from_json`."""
        entry = UNITS[unit]
        tokens = entry.tokens
        try:
            ids, decoder = tree["model"]["vocab"], tree["decoder"]["type"]
            texts = sorted((token for token in ids if token not in (PAD_TOKEN, UNKNOWN_TOKEN)), key=ids.__getitem__)
            characters = texts if tokens is None else [tokens.symbols.get(text, text) for text in texts]
            if len(characters) > MAX_CHARACTERS or not all(map(is_unicode, characters)):
                raise ValueError("they are too many, or no characters")
            if decoder == "ByteLevel":
                vocabulary = cls.of_bytes()
            elif entry.pattern is not None:
                vocabulary = cls.of_texts(texts, unit, tree["pre_tokenizer"]["pattern"]["Regex"])
            else:
                vocabulary = cls("".join(characters), "char" if tokens is None else unit)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ConfigError):
            raise CheckpointError("the tokenizer cannot be read") from None
        if ids != vocabulary._tokens():
            raise CheckpointError("the tokenizer is not a vocabulary of single code points in order, or of bytes")
        return vocabulary

    def _tokens(self) -> dict[str, int]:
        written = _written_bytes() if self.is_byte else self.texts
        if PAD_TOKEN in written or UNKNOWN_TOKEN in written:
            raise ConfigError(f"a token of the unit {self.unit!r} is {PAD_TOKEN} or {UNKNOWN_TOKEN}", "leave it out")
        return {PAD_TOKEN: PAD, UNKNOWN_TOKEN: UNKNOWN} | {token: place for place, token in enumerate(written, 2)}


def _from_bytes(string: str) -> str:
    known = string.split(REPLACEMENT)
    return REPLACEMENT.join(part.encode("latin-1").decode("utf-8", "backslashreplace") for part in known)


def _written_bytes() -> list[str]:
    """Return the printable characters that the `tokenizers` format uses for bytes 0 to 255.

    A byte that is printable in Latin-1 represents itself; the others follow from U+0100 on, in order.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def special_tokens_as_text(tokenizer: Tokenizer) -> Tokenizer:
    """Make a tokenizer read "[PAD]" in a line as five characters. tokenizer.json does not store this flag."""
    tokenizer.encode_special_tokens = True
    return tokenizer


def mask_after_pad(ids_NL: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.integer[Any]]:
    """Return (N, L) ids with padding after the first pad of each row, in the same integer type."""
    pad_NL = ids_NL == PAD
    size_N = pad_NL.argmax(axis=1)
    size_N[(size_N == 0) & ~pad_NL[:, 0]] = ids_NL.shape[1]  # without padding
    narrow = np.min_scalar_type(ids_NL.shape[1])
    kept_NL = np.arange(ids_NL.shape[1], dtype=narrow) < size_N.astype(narrow)[:, None]
    masked_NL: npt.NDArray[np.integer[Any]] = ids_NL * kept_NL
    return masked_NL
