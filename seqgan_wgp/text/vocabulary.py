"""The vocabulary: single code points, a pad and an unknown, defined by a `tokenizers` file.

`tokenizer.json` is the definition, readable by any program that knows the format. The hot path is a look-up table
over all code points, equal to it by test: id = table[code point].

Shape suffixes: N strings, L length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from ..errors import CheckpointError

PAD, UNKNOWN = 0, 1
PAD_TOKEN, UNKNOWN_TOKEN = "[PAD]", "[UNK]"
CODE_POINTS = 0x110000
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""How an unknown prints: never as the text of its token."""


class Vocabulary:
    """Characters and their ids: 0 pads, 1 is unknown, then the characters in order of code point.

    Args:
        characters: the alphabet, without repetition; sorted here, so the order of a corpus does not matter.
    """

    def __init__(self, characters: str) -> None:
        self.characters = "".join(sorted(characters))
        self.size = len(self.characters) + 2
        self.dtype = np.dtype(np.uint8 if self.size <= 256 else np.uint16)
        code_points = np.frombuffer(self.characters.encode("utf-32-le", "surrogatepass"), np.uint32)
        self.table = np.full(CODE_POINTS, UNKNOWN, self.dtype)
        self.table[code_points] = np.arange(2, self.size, dtype=self.dtype)
        self._code_points = np.concatenate([np.array([0, ord(REPLACEMENT)], np.uint32), code_points])

    def encode(self, strings: Sequence[str], length: int) -> npt.NDArray[np.integer]:
        """Return (N, L) ids: longer strings cropped, shorter ones padded, unknown characters as id 1."""
        ids_NL = np.full((len(strings), length), PAD, self.dtype)
        sizes_N = np.fromiter((min(len(string), length) for string in strings), np.int64, len(strings))
        joined = "".join(string[:length] for string in strings).encode("utf-32-le", "surrogatepass")
        ids_NL[np.arange(length) < sizes_N[:, None]] = self.table[np.frombuffer(joined, np.uint32)]
        return ids_NL

    def decode(self, ids_NL: npt.NDArray[np.integer]) -> list[str]:
        """Return the strings of (N, L) ids: each ends at its first pad; an unknown becomes U+FFFD."""
        pad_NL = np.asarray(ids_NL) == PAD
        sizes_N = np.where(pad_NL.any(axis=1), pad_NL.argmax(axis=1), pad_NL.shape[1])
        text = self._code_points[np.asarray(ids_NL)].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
        length = pad_NL.shape[1]
        return [text[row * length : row * length + size] for row, size in enumerate(sizes_N.tolist())]

    def tokenizer(self, length: int) -> Tokenizer:
        """Return the `tokenizers` object that defines the ids; cuts and pads to `length`."""
        ids = {PAD_TOKEN: PAD, UNKNOWN_TOKEN: UNKNOWN}
        ids |= {character: place for place, character in enumerate(self.characters, start=2)}
        tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN_TOKEN))
        # A dot would not do: it matches no line feed.
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        tokenizer.decoder = decoders.Fuse()
        tokenizer.add_special_tokens([PAD_TOKEN, UNKNOWN_TOKEN])
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length, pad_id=PAD, pad_token=PAD_TOKEN)
        return literal(tokenizer)

    def to_json(self, length: int) -> str:
        """Return the text of tokenizer.json."""
        return str(self.tokenizer(length).to_str(pretty=True))

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read the text of tokenizer.json. Raises CheckpointError when it is not one of ours."""
        try:
            ids = json.loads(text)["model"]["vocab"]
            characters = sorted(
                (token for token in ids if token not in (PAD_TOKEN, UNKNOWN_TOKEN)), key=ids.__getitem__
            )
            vocabulary = cls("".join(characters))
        except (KeyError, TypeError, ValueError):
            raise CheckpointError("the tokenizer is not readable") from None
        if ids != {PAD_TOKEN: PAD, UNKNOWN_TOKEN: UNKNOWN} | {c: i for i, c in enumerate(vocabulary.characters, 2)}:
            raise CheckpointError("the tokenizer is not a vocabulary of single code points in order")
        return vocabulary


def literal(tokenizer: Tokenizer) -> Tokenizer:
    """Make a tokenizer read "[PAD]" in a line as five characters. The flag is not kept in tokenizer.json."""
    tokenizer.encode_special_tokens = True
    return tokenizer
