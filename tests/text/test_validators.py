"""Validators: known strings, and the package that one of them needs."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.registry import VALIDATORS, Validator
from seqgan_wgp.text.generation.filters import validity
from seqgan_wgp.text.vocabulary import Vocabulary


def says(name: str, string: str) -> bool:
    return bool(VALIDATORS[name].is_valid(string))


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("luhn", ["4539 1488 0343 6467", "79927398713", "00", "7992-7398-713"],
         ["", "0", "79927398710", "4539148803436468", "7992739871x", "\u0664\u0662"]),
        ("iban", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO9386011117947",
                  "MT84MALT011000012345MTLCAST001S"],
         ["", "DE", "DE89370400440532013001", "DE8937040044053201300", "de89370400440532013000",
          "XX89370400440532013000", "GBA2WEST12345698765432", "NO93860111179\u0664"]),
        ("ean13", ["4006381333931", "9780306406157", "0000000000000"],
         ["", "4006381333932", "400638133393", "40063813339311", "400638133393a", "\u0664006381333931"]),
        ("dna", ["A", "GATTACA", "acgt"], ["", "GATU", "AC GT", "N"]),
        ("protein", ["M", "MKTAYIAKQR", "acdefghiklmnpqrstvwy"], ["", "MKB", "M K", "MX", "MZ", "J", "O", "U"]),
        ("brackets", ["", "plain", "C1(C)C[NH]1", "{[()]}()", "a(b)c"], ["(", ")", ")(", "([)]", "{[}", "((a)"]),
        ("json", ["{}", '{"a": [1, null, "b"]}', "3.5", '"x"', " true "], ["", "{", "{a: 1}", "NaN", "[1,]", "'x'"]),
    ],
)  # fmt: skip
def test_known_strings(name: str, valid: list[str], invalid: list[str]) -> None:
    assert [string for string in valid if not says(name, string)] == []
    assert [string for string in invalid if says(name, string)] == []


def test_of_a_hundred_check_digits_one_is_right() -> None:
    assert sum(says("iban", f"DE{check:02}370400440532013000") for check in range(2, 99)) == 1


@pytest.mark.parametrize("digits", ["7992739871", "1", "453914880343646", "000001"])
def test_of_ten_check_digits_one_is_right(digits: str) -> None:
    assert sum(says("luhn", f"{digits}{check}") for check in range(10)) == 1


def test_json_that_is_nested_too_deeply_is_not_valid_and_no_error() -> None:
    assert not says("json", "[" * 100_000)


@pytest.mark.skipif(importlib.util.find_spec("rdkit") is None, reason="rdkit is not installed here")
def test_molecules() -> None:
    assert [string for string in ("C", "CC1CO1", "c1ccccc1", "N#CC=O") if not says("rdkit", string)] == []
    assert says("smiles", "CC1CO1") and not says("smiles", "C1CC")
    assert [string for string in ("", "C1CC", "C(", "F(C)C", "c1ccc1c") if says("rdkit", string)] == []


def test_a_package_that_is_missing_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="'rdkit' needs rdkit, which is not installed") as caught:
        validity("rdkit", Vocabulary("C"))
    assert caught.value.remedy == 'pip install "seqgan-wgp[chem]"'
    with pytest.raises(ConfigError, match="needs other") as caught:
        Validator(is_valid=str.isdigit, needs="other").check("mine")
    assert caught.value.remedy == 'pip install "other"'
    for name in ("luhn", "brackets", "json"):
        VALIDATORS[name].check(name)


def test_ids_are_judged_by_their_strings() -> None:
    vocabulary = Vocabulary("()")
    opened, closed = (2 + vocabulary.texts.index(character) for character in "()")
    rows = np.array([[opened, closed, 0], [opened, opened, closed], [closed, opened, 0]], np.uint8)
    assert validity("brackets", vocabulary)(rows).tolist() == [True, False, False]
