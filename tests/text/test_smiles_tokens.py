"""The unit `smiles`: atoms and brackets are one position each, and every text comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqgan_wgp.config.schema import CorpusSettings
from seqgan_wgp.registry import UNITS
from seqgan_wgp.testing import check_unit
from seqgan_wgp.text.corpus.scan import scan
from seqgan_wgp.text.readers.open import open_source
from seqgan_wgp.text.vocabulary import Vocabulary

LINES = ["CCl", "C[C@@H](N)C(=O)O", "c1cc[nH]c1", "[O-][N+](=O)c1ccccc1Br", "C%12CCCCC%12", "[13CH4]", "[Cl+7]", "Clc"]

SIZES = {"CCl": 2, "C[C@@H](N)C(=O)O": 11, "c1cc[nH]c1": 7, "C%12CCCCC%12": 8, "[2H]O": 2, "[Cl+7]": 5, "Sc": 2, "": 0}


def test_the_unit_keeps_its_promises() -> None:
    check_unit("smiles", LINES)


@pytest.mark.parametrize(("molecule", "size"), SIZES.items())
def test_symbols_are_counted(molecule: str, size: int) -> None:
    tokens = UNITS["smiles"].tokens
    assert tokens is not None
    assert len(tokens.encode(molecule)) == size


@given(st.text(st.sampled_from("[]()CNOclBrn123%+-@H=#") | st.characters(exclude_categories=["Cs", "Co"])))
def test_every_text_comes_back(text: str) -> None:
    tokens = UNITS["smiles"].tokens
    assert tokens is not None
    assert tokens.decode(tokens.encode(text)) == text


def test_ids_are_those_of_the_tokenizer_file() -> None:
    found = scan(open_source([f"{one}{other}" for one in LINES for other in LINES]), CorpusSettings(unit="smiles"))
    vocabulary = found.vocabulary
    assert {"Cl", "Br", "[C@@H]", "[nH]", "%12"} <= set(vocabulary.texts)
    ids_NL = vocabulary.encode(LINES, 16)
    assert vocabulary.decode(ids_NL) == LINES
    tokenizer = Tokenizer.from_str(vocabulary.to_json(16))
    assert [tokenizer.encode(line).ids for line in LINES] == ids_NL.tolist()
    again = Vocabulary.from_json(vocabulary.to_json(16), "smiles")
    assert again.texts == vocabulary.texts


def test_real_molecules_come_back(shared_data: Callable[[str], Path]) -> None:
    molecules = shared_data("smiles/qm9.txt").read_text().split()[::100]
    tokens = UNITS["smiles"].tokens
    assert tokens is not None
    assert [tokens.decode(tokens.encode(molecule)) for molecule in molecules] == molecules
