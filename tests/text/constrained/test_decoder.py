"""Decoded strings are allowed, and are the best that are allowed: equal to brute force over all strings."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.decoder import MAX_ROWS, compile_constraints
from seqgan_wgp.text.constrained.log_probs import best_score, score, table_of
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN, Vocabulary

from .making import ABC, IDS, LENGTH, SIZE, STRINGS, all_constraints, padded


def tables(seed: int, kind: str, count: int = 2) -> torch.Tensor:
    """Return (N, L, V) probabilities: of a softmax; few different values, for ties; many zeros."""
    noise = np.random.default_rng(seed)
    if kind == "softmax":
        return torch.from_numpy(noise.normal(0, 3, (count, LENGTH, SIZE)).astype(np.float32)).softmax(dim=-1)
    values = {"ties": [0.125, 0.25, 0.5], "zeros": [0.0, 0.0, 0.0, 0.5, 1e-45]}[kind]
    return torch.from_numpy(noise.choice(values, (count, LENGTH, SIZE)).astype(np.float32))


def logs_of(table_LV: torch.Tensor) -> list[list[float]]:
    """The definition, written plainly: natural logs as multiples of 2**-30; 0 counts as 2**-150."""
    return [[round(math.log(max(p, 2.0**-150)) * 2**30) / 2**30 for p in row] for row in table_LV.tolist()]


def scored(logs: list[list[float]], ids: tuple[int, ...]) -> float:
    """Sum from the end, since the order must not matter."""
    ended = (*ids, PAD)[:LENGTH]
    return sum(logs[place][ended[place]] for place in reversed(range(len(ended))))


def best(logs: list[list[float]], strings: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the best string; of several the one with the lowest ids, a pad being the lowest."""
    return min(strings, key=lambda ids: (-scored(logs, ids), ids))


@given(all_constraints(), st.integers(0, 2**32), st.sampled_from(["softmax", "ties", "zeros"]))
@settings(max_examples=300)
def test_every_string_is_the_best_that_is_allowed(constraints: Constraints, seed: int, kind: str) -> None:
    """Random sets of constraints; those that no string fulfils are refused, and no others."""
    allowed = [ids for string, ids in STRINGS.items() if constraints.satisfied_by(string)]
    if not allowed:
        with pytest.raises(ConfigError):
            compile_constraints(constraints, ABC, LENGTH)
        return
    decoder = compile_constraints(constraints, ABC, LENGTH)
    if not constraints:
        return
    probabilities_NLV = tables(seed, kind)
    decoded = decoder.decode(probabilities_NLV)
    for row, table_LV in enumerate(probabilities_NLV):
        logs = logs_of(table_LV)
        expected = best(logs, allowed)
        assert decoded.ids_NL[row].tolist() == padded(expected)
        assert decoded.log_probability_N[row] == scored(logs, expected)
        assert decoded.given_up_N[row] == scored(logs, best(logs, IDS)) - scored(logs, expected) >= 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prefix": "b"}, "ba"),
        ({"suffix": "c"}, "ac"),
        ({"contains": ("cb",)}, "cb"),
        ({"contains": ("cb", "bc")}, "bcb"),
        ({"mask": "?1b?l", "sets": ("bc",)}, "bba"),
        ({"length": (1, 1)}, "a"),
        ({"length": (4, None)}, "aaaa"),
        ({"charset": "bc"}, "bb"),
        ({"regex": "(ca|b){2}"}, "bb"),
        ({"prefix": "c", "suffix": "c"}, "cc"),
        ({"prefix": "ab", "suffix": "bc", "length": (3, 3)}, "abc"),
    ],
)
def test_known_answers(given: dict[str, Any], expected: str) -> None:
    """Everywhere a is likelier than b and b than c; the end is likely from the third position on."""
    row = {"pad": 0.02, "unknown": 0.08, "a": 0.5, "b": 0.3, "c": 0.1}
    late = row | {"pad": 0.45, "a": 0.25, "b": 0.15, "c": 0.07}
    table_1LV = torch.tensor([[list(part.values()) for part in (row, row, late, late)]])
    decoded = compile_constraints(Constraints(**given), ABC, LENGTH).decode(table_1LV)
    assert ABC.decode(decoded.ids_NL) == [expected]
    rows = [row, row, late, late]
    terms = [rows[place][name] for place, name in enumerate([*expected, "pad"][:LENGTH])]
    assert decoded.log_probability_N[0] == pytest.approx(math.log(math.prod(terms)), abs=1e-6)
    assert decoded.given_up_N[0] == pytest.approx(math.log(0.5 * 0.5 * 0.45) - math.log(math.prod(terms)), abs=1e-6)


@given(st.integers(0, 2**32), st.sampled_from(["softmax", "ties", "zeros"]))
def test_without_constraints_it_is_the_likeliest_id_at_each_position(seed: int, kind: str) -> None:
    probabilities_NLV = tables(seed, kind, count=5)
    decoded = compile_constraints(Constraints(), ABC, LENGTH).decode(probabilities_NLV)
    assert decoded.ids_NL.tolist() == probabilities_NLV.argmax(dim=-1).tolist()
    assert decoded.ids_NL.dtype == ABC.dtype
    assert decoded.given_up_N.tolist() == [0.0] * 5
    for row, table_LV in enumerate(probabilities_NLV):
        ids = decoded.ids_NL[row].tolist()
        ended = tuple(ids[: ids.index(PAD)] if PAD in ids else ids)
        assert decoded.log_probability_N[row] == scored(logs_of(table_LV), ended)


@given(st.integers(0, 2**32))
def test_an_empty_constraint_gives_the_best_string_for_nothing(seed: int) -> None:
    probabilities_NLV = tables(seed, "softmax")
    decoded = compile_constraints(Constraints(prefix=""), ABC, LENGTH).decode(probabilities_NLV)
    for row, table_LV in enumerate(probabilities_NLV):
        assert decoded.ids_NL[row].tolist() == padded(best(logs_of(table_LV), IDS))
    assert decoded.given_up_N.tolist() == [0.0, 0.0]


def test_the_probabilities_of_all_strings_sum_to_one() -> None:
    every = [ids for size in range(LENGTH + 1) for ids in itertools.product(range(1, SIZE), repeat=size)]
    table_1LV = table_of(tables(3, "softmax", count=1), logs=False)
    ids_NL = np.array([padded(ids) for ids in every])
    scores_N = score(np.repeat(table_1LV, len(every), axis=0), ids_NL)
    assert np.exp(scores_N).sum() == pytest.approx(1, abs=1e-6)
    behind_NL = ids_NL.copy()
    behind_NL[:, 1:][(ids_NL == PAD)[:, :-1]] = 3
    assert score(np.repeat(table_1LV, len(every), axis=0), behind_NL).tolist() == scores_N.tolist()
    known_N = ~(ids_NL == UNKNOWN).any(axis=1) & (ids_NL[:, 0] != PAD)
    assert best_score(table_1LV)[0] == scores_N[known_N].max()


@given(all_constraints().filter(bool), st.integers(0, 2**32))
@settings(max_examples=50)
def test_logs_are_as_good_as_probabilities(constraints: Constraints, seed: int) -> None:
    try:
        decoder = compile_constraints(constraints, ABC, LENGTH)
    except ConfigError:
        return
    probabilities_NLV = tables(seed, "softmax")
    one = decoder.decode(probabilities_NLV)
    other = decoder.decode(probabilities_NLV.double().log(), logs=True)
    assert one.ids_NL.tolist() == other.ids_NL.tolist()
    assert one.log_probability_N.tolist() == other.log_probability_N.tolist()


def test_logs_tell_apart_what_is_zero_as_a_probability() -> None:
    decoder = compile_constraints(Constraints(mask="?l", charset="bc"), ABC, 1)
    logits = torch.tensor([[[0.0, 0.0, 900.0, 100.0, 300.0]]])
    assert ABC.decode(decoder.decode(logits.softmax(dim=-1)).ids_NL) == ["b"]
    decoded = decoder.decode(logits.log_softmax(dim=-1), logs=True)
    assert ABC.decode(decoded.ids_NL) == ["c"]
    assert decoded.given_up_N.tolist() == [600.0]


def test_how_many_strings_there_are_changes_nothing() -> None:
    """More than are worked on at a time, and each one alone."""
    count = MAX_ROWS + 300
    probabilities_NLV = tables(8, "softmax", count=count)
    decoder = compile_constraints(Constraints(contains=("ab",), regex="[abc]*c.?"), ABC, LENGTH)
    together = decoder.decode(probabilities_NLV)
    for row in (0, 1, MAX_ROWS - 1, MAX_ROWS, count - 1):
        alone = decoder.decode(probabilities_NLV[row : row + 1])
        assert alone.ids_NL[0].tolist() == together.ids_NL[row].tolist()
        assert alone.given_up_N[0] == together.given_up_N[row]
    none = decoder.decode(probabilities_NLV[:0])
    assert (none.ids_NL.shape, none.given_up_N.shape) == ((0, LENGTH), (0,))


def test_the_callers_table_stays_as_it_is() -> None:
    for logs in (False, True):
        table_NLV = tables(1, "zeros").double().log() if logs else tables(1, "zeros")
        before = table_NLV.clone()
        compile_constraints(Constraints(prefix="a"), ABC, LENGTH).decode(table_NLV, logs=logs)
        assert torch.equal(table_NLV, before)


def test_tables_that_do_not_fit_are_refused() -> None:
    decoder = compile_constraints(Constraints(prefix="a"), ABC, LENGTH)
    with pytest.raises(ValueError, match="shape"):
        decoder.decode(torch.ones(1, LENGTH + 1, SIZE))
    with pytest.raises(CheckpointError, match="not numbers"):
        decoder.decode(torch.full((1, LENGTH, SIZE), torch.nan))


# Impossible constraints


@pytest.mark.parametrize(
    ("given", "message", "remedy"),
    [
        ({"prefix": "abé"}, "--prefix 'abé': 'é' is not in the model's alphabet", "its characters are abc"),
        ({"suffix": "A"}, "--suffix 'A': 'A' is not in the model's alphabet", "abc"),
        ({"contains": ("a", "a\n")}, r"--contains 'a\n': '\n' is not in the model's alphabet", "abc"),
        ({"mask": "a?d"}, "--mask 'a?d': no character of ?d is in the model's alphabet", "abc"),
        ({"mask": "?1", "sets": ("xy",)}, "--mask '?1': no character of ?1 is in the model's alphabet", "abc"),
        ({"charset": "xyz"}, "--charset 'xyz': no character of xyz is in the model's alphabet", "abc"),
        ({"regex": "a[xyz]+"}, "--regex 'a[xyz]+': no character of [xyz] is in the model's alphabet", "abc"),
        ({"regex": "aé|x"}, "--regex 'aé|x': 'é' is not in the model's alphabet", "abc"),
        ({"regex": "[^abc]"}, "no character of [^abc] is in the model's alphabet", "abc"),
        ({"regex": r"\d\.|\\"}, r"--regex '\d\.|\\': no character of \d is in the model's alphabet", "abc"),
        ({"regex": ""}, "no string of 1 to 4 characters satisfies --regex ''", "relax it"),
        ({"regex": "(é?a){5}"}, "no string of 1 to 4 characters satisfies --regex '(é?a){5}'", "relax it"),
        ({"mask": "?l" * 5}, "no string of 1 to 4 characters satisfies --mask '?l?l?l?l?l'", "relax it"),
        ({"mask": ""}, "no string of 1 to 4 characters satisfies --mask ''", "relax it"),
        ({"length": (5, None)}, "no string of 1 to 4 characters satisfies --length 5-", "relax it"),
        ({"length": (0, 0)}, "no string of 1 to 4 characters satisfies --length 0", "relax it"),
        (
            {"prefix": "a", "suffix": "b", "length": (2, 3), "charset": "?l", "mask": "?l?l?l", "regex": "b.*"},
            "no string of 1 to 4 characters satisfies --prefix 'a' and --regex 'b.*'",
            "leave it out",
        ),
        (
            {"contains": ("aa", "bb", "cc"), "length": (1, 9)},
            "no string of 1 to 4 characters satisfies --contains 'aa' and --contains 'bb' and --contains 'cc'",
            "leave it out",
        ),
        ({"prefix": "aab", "length": (2, 2)}, "satisfies --length 2 and --prefix 'aab'", "leave it out"),
    ],
)
def test_what_nothing_fulfils_is_refused_and_why(given: dict[str, Any], message: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_constraints(Constraints(**given), ABC, LENGTH)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.message


def test_what_is_too_large_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"^--regex '.*': its automaton has more than 10,000 states"):
        compile_constraints(Constraints(prefix="a", regex=".*a.{20}"), ABC, 40)
    with pytest.raises(ConfigError, match=r"^--regex '.*': the constraints need too many states"):
        compile_constraints(Constraints(contains=("cc", "bb", "ca", "ba"), regex=".*a.{11}"), ABC, 150)


def test_a_long_alphabet_is_shown_in_part() -> None:
    vocabulary = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + 500))))
    with pytest.raises(ConfigError) as caught:
        compile_constraints(Constraints(prefix="a"), vocabulary, 4)
    assert caught.value.remedy.endswith(" and 400 more")


# Bytes

BYTES = Vocabulary.of_bytes()


def utf8_rows(length: int) -> npt.NDArray[np.integer]:
    """Return the (N, L) ids of all strings that fit, not the empty one."""
    texts = [chr(code_point) for code_point in range(0x800) if len(chr(code_point).encode()) <= length]
    texts += ["".join(pair) for pair in itertools.product(map(chr, range(0x80)), repeat=2)]
    return BYTES.encode([text for text in texts if len(text.encode()) <= length], length)


@pytest.mark.parametrize(
    "given",
    [
        {"prefix": ""},
        {"length": (1, 1)},
        {"length": (2, None)},
        {"prefix": "é"},
        {"suffix": "z"},
        {"charset": "?dßé"},
        {"mask": "?1", "sets": ("xé",)},
        {"mask": "?a?u"},
        {"regex": r"\w"},
        {"regex": r"[^\w]|ü"},
        {"contains": ("ж",)},
    ],
)
def test_over_bytes_it_is_the_best_utf8(given: dict[str, Any]) -> None:
    constraints = Constraints(**given)
    noise = np.random.default_rng(5)
    probabilities_NLV = torch.from_numpy(noise.normal(0, 2, (4, 2, BYTES.size)).astype(np.float32)).softmax(dim=-1)
    decoded = compile_constraints(constraints, BYTES, 2).decode(probabilities_NLV)
    rows_NL = utf8_rows(2)
    keep_N = np.array([constraints.satisfied_by(string) for string in BYTES.decode(rows_NL)])
    table_NLV = table_of(probabilities_NLV, logs=False)
    for row, table_LV in enumerate(table_NLV):
        scores_N = score(np.repeat(table_LV[None], keep_N.sum(), axis=0), rows_NL[keep_N])
        assert decoded.ids_NL[row].tolist() == rows_NL[keep_N][scores_N.argmax()].tolist()
        assert decoded.log_probability_N[row] == scores_N.max()
        assert decoded.given_up_N[row] == best_score(table_NLV)[row] - scores_N.max() >= 0


def test_constraints_over_bytes_speak_of_characters() -> None:
    constraints = Constraints(mask="?uß??漢?1", sets=("😀é",), contains=("ß?",), suffix="é", length=(5, 5))
    probabilities_NLV = torch.from_numpy(np.random.default_rng(0).random((50, 12, BYTES.size)).astype(np.float32))
    decoded = compile_constraints(constraints, BYTES, 12).decode(probabilities_NLV)
    strings = BYTES.decode(decoded.ids_NL)
    assert all(map(constraints.satisfied_by, strings))
    assert len({string[0] for string in strings}) > 10


def test_bytes_that_nothing_fulfils() -> None:
    with pytest.raises(ConfigError, match="no string of 1 to 3 bytes satisfies --prefix 'éé'"):
        compile_constraints(Constraints(prefix="éé"), BYTES, 3)
    with pytest.raises(ConfigError, match=r"no string of 1 to 9 bytes satisfies --prefix '\\udc80'"):
        compile_constraints(Constraints(prefix="\udc80"), BYTES, 9)
