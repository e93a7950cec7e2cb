"""What a command wrote is read again as the strings that they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.text.generation.formats import FORMATS, SCORES, LineEncoder, header, record_lines
from seqgan_wgp.text.generation.reread import check_rereadable, reread
from seqgan_wgp.text.vocabulary import Vocabulary

ALPHABETS = {
    "plain": "abcé🚀",
    "of tables": 'ab,";\t|',
    "odd": "a\r\n\x85\u2028\ufeff\x1b",
    "with NUL": "a\0",
    "bytes": "",
}
LOSSY = {
    ("txt", "of tables"),
    ("txt", "odd"),
    ("txt", "with NUL"),
    ("txt", "bytes"),
    ("csv", "with NUL"),
    ("csv", "bytes"),
    ("csv-safe", "with NUL"),
    ("csv-safe", "bytes"),
}


def vocabulary_of(alphabet: str) -> Vocabulary:
    return Vocabulary(alphabet) if alphabet else Vocabulary.of_bytes()


@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ALPHABETS)
def test_strings_come_back_unless_their_format_is_refused(
    name: str, format_: str, scores: bool, tmp_path: Path
) -> None:
    vocabulary = vocabulary_of(ALPHABETS[name])
    if (format_, name) in LOSSY:
        with pytest.raises(ConfigError, match=f"--format {format_} cannot represent") as caught:
            check_rereadable(vocabulary, format_)
        assert caught.value.remedy == "give --format jsonl"
        return
    check_rereadable(vocabulary, format_)
    ids_NL = np.random.default_rng(0).integers(0, min(vocabulary.size, 9), (700, 4)).astype(vocabulary.dtype)
    strings = vocabulary.decode(ids_NL)
    file = tmp_path / "out.gz"  # an ending that is nobody's business
    head = header(format_, *SCORES if scores else ()).encode()
    numbers_N = np.linspace(-1, 1, len(strings))
    lines = (
        record_lines(strings, dict.fromkeys(SCORES, numbers_N.tolist()), format_)
        if scores
        else LineEncoder(vocabulary, format_).lines(ids_NL)
    )
    file.write_bytes(head + lines)
    blocks = list(reread(file, format_, len(strings), scores=scores, unit=vocabulary.unit))
    found = [string for block in blocks for string in block.strings()]
    if vocabulary.unit == "byte":
        found = [string.encode("latin-1").decode() for string in found]
    assert found == strings


def test_a_file_without_strings_has_none(tmp_path: Path) -> None:
    assert list(reread(tmp_path / "none", "csv", 0, scores=False, unit="char")) == []


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    file.write_bytes(b"a\nb\n")
    with pytest.raises(CheckpointError, match="has 2 strings, but its index expects 3"):
        list(reread(file, "txt", 3, scores=False, unit="char"))
    for format_ in ("jsonl", "csv"):
        with pytest.raises(CheckpointError, match="out.txt: ") as caught:
            list(reread(file, format_, 2, scores=False, unit="char"))
        assert "--set" not in str(caught.value)
