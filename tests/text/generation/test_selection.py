"""From Python: constraints as keyword arguments, filters, and the order of probability."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqgan_wgp.config import Config
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.constrained.mask_file import masks_from
from seqgan_wgp.text.constrained.options import constraints_from
from seqgan_wgp.text.generation.filters import StringFilter
from seqgan_wgp.text.generation.mask_stream import mask_stream, plan_masks
from seqgan_wgp.text.generation.request import Request, StringBlock
from seqgan_wgp.text.generation.selection import (
    GenerateOptions,
    Selection,
    check_options,
    selected_records,
    selected_strings,
)
from seqgan_wgp.text.generation.stream import TextModel, stream
from seqgan_wgp.text.hashing.string_hashes import StringHashes
from seqgan_wgp.text.vocabulary import Vocabulary

from .making import text_model


@pytest.fixture
def model(tiny_config: Callable[..., Config]) -> TextModel:
    return text_model(tiny_config(), Vocabulary("abcde"))


@pytest.mark.parametrize(
    ("given", "constraints"),
    [
        ({}, None),
        ({"prefix": None, "regex": None, "contains": None}, None),
        ({"prefix": "a", "contains": "b"}, Constraints(prefix="a", contains=("b",))),
        ({"regex": "a.*", "without": ["x", "y"]}, Constraints(regex=("a.*",), without=("x", "y"))),
        ({"regex": ["a.*", ".*b"]}, Constraints(regex=("a.*", ".*b"))),
        ({"length": 5}, Constraints(length=(5, 5))),
        ({"length": "3-8"}, Constraints(length=(3, 8))),
        ({"length": (3, None)}, Constraints(length=(3, None))),
        ({"at_least": {"?d": 2, "ab": 1}}, Constraints(at_least=("?d:2", "ab:1"))),
        ({"at_least": "?d:2", "at_most": ["?u:1"]}, Constraints(at_least=("?d:2",), at_most=("?u:1",))),
        ({"mask": "?1", "sets": ["ab"]}, Constraints(mask="?1", sets=("ab",))),
        ({"without": "x", "ignore_case": True}, Constraints(without=("x",), ignore_case=True)),
    ],
)
def test_arguments_are_constraints(given: dict[str, Any], constraints: Constraints | None) -> None:
    assert constraints_from(given) == constraints


def test_an_unknown_argument_gets_a_suggestion() -> None:
    check_options({"prefix": "a", "seed": 1})
    with pytest.raises(ConfigError, match="there is no argument 'prefx'; did you mean 'prefix'") as caught:
        check_options({"prefx": "a"})
    assert {"at_least", "seed", "unique"} <= set(re.split(r"[ ,]+", caught.value.remedy))


def test_every_option_is_described_and_every_field_of_a_selection_is_an_option() -> None:
    text = (inspect.getdoc(Model.generate) or "").partition("Raises:")[0]
    listed = re.findall(r"^    (\w+(?:, \w+)*)(?: \(.*?\))?:", text, flags=re.MULTILINE)
    described = {name for names in listed for name in names.split(", ")}
    assert described == {"n", *GenerateOptions.__annotations__}
    assert {field.name for field in dataclasses.fields(Selection)} <= set(GenerateOptions.__annotations__)


def test_what_is_selected_is_what_a_plain_filter_leaves(model: TextModel) -> None:
    request = Request(n=2_000, seed=1)
    plain = [text for block, _at in stream(model, request) for text in model.spec.to_text(block.ids_NL)]
    known = plain[3:9]
    selection = Selection(unique=True, not_in=known, valid="brackets", keep_if=lambda text: "a" not in text)
    expected = [text for text in dict.fromkeys(plain) if text not in known and "a" not in text]
    assert list(selected_strings(model, Request(n=20, seed=1), selection)) == expected[:20]
    whole = list(selected_strings(model, Request(n=4, constraints=Constraints(length=(1, 1))), Selection(unique=True)))
    assert len(set(whole)) == 4
    ordered = Selection(order="probability")
    assert set(selected_strings(model, Request(n=5, constraints=Constraints(length=(1, 1))), ordered)) == set("abcde")


def test_masks_give_what_the_stream_of_their_plan_gives(model: TextModel, tmp_path: Path) -> None:
    lines = ["# two letters, then three of a, b", "?l?l", "ab,?1?1?1"]
    (tmp_path / "some.hcmask").write_text("\n".join(lines))
    drawn = model.spec.vocabulary.encode(["ab", "abb", "aba", "cd"], model.spec.length)
    plan = plan_masks(model, Constraints(without=("cc",)), masks_from(lines), [drawn], 9, each=False)
    sieve = StringFilter(StringHashes(model.spec.vocabulary, model.spec.length), unique=True)
    expected = [text for block, _at in mask_stream(model, Request(n=9), plan, sieve) for text in texts(model, block)]
    request = Request(n=9, constraints=Constraints(without=("cc",)))
    for masks in (lines, tmp_path / "some.hcmask"):
        assert list(selected_strings(model, request, Selection(masks=masks), lambda _n: [drawn])) == expected
    assert len(set(expected)) == 9
    each = list(selected_strings(model, replace(request, n=3), Selection(masks=lines, per_mask=True)))
    assert [len(text) for text in each] == [2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("constraints", [None, Constraints(prefix="a")])
def test_records_are_what_a_stream_with_scores_has(model: TextModel, constraints: Constraints | None) -> None:
    request = Request(n=700, seed=1, constraints=constraints)
    found = list(selected_records(model, request, Selection()))
    blocks = [block for block, _at in stream(model, replace(request, scores=True))]
    assert [record["text"] for record in found] == [text for block in blocks for text in texts(model, block)]
    for name, column in (("score", "score_N"), ("log_probability", "log_probability_N")):
        assert [record[name] for record in found] == [x for block in blocks for x in getattr(block, column).tolist()]
    assert {"constraint_cost" in record for record in found} == {constraints is not None}
    assert [record["text"] for record in found] == list(selected_strings(model, request, Selection()))


def texts(model: TextModel, block: StringBlock) -> list[str]:
    return model.spec.to_text(block.ids_NL)


def test_too_few_are_warned_of(model: TextModel, caplog: pytest.LogCaptureFixture) -> None:
    found = list(selected_strings(model, Request(n=9, constraints=Constraints(length=(1, 1))), Selection(unique=True)))
    assert set(found) == set("abcde") and "found 5 strings of 9 among" in caplog.text
    assert not list(selected_strings(model, Request(n=3), Selection(valid="luhn", tries=700)))
    assert "found 0 strings of 3 among 700 candidates" in caplog.text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"order": "best"}, "order is 'best'"),
        ({"tries": 0}, "tries is 0"),
        ({"valid": "lunh"}, "did you mean 'luhn'"),
        ({"per_mask": True}, "without masks"),
        ({"masks": ["?l"], "order": "probability"}, "cannot be combined"),
        ({"masks": []}, "has no mask"),
        ({"masks": ["?l", "?l?"]}, "line 2"),
    ],
)
def test_what_is_invalid_is_refused(given: dict[str, Any], says: str, model: TextModel) -> None:
    with pytest.raises(ConfigError, match=says):
        selected_strings(model, Request(n=1), Selection(**given))


@pytest.mark.parametrize(
    "request_", [Request(n=None), Request(n=1, constraints=Constraints(mask="?l")), Request(n=1, refine=True)]
)
def test_what_masks_cannot_be_combined_with_is_refused(request_: Request, model: TextModel) -> None:
    with pytest.raises(ConfigError, match="masks cannot be combined"):
        selected_strings(model, request_, Selection(masks=["?l"]))
