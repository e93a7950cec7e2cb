"""What visitors ask for is generated exactly, at the price that the decoder names, and never for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.studio.generation import MAX_STRINGS, Wish, harvest
from seqgan_wgp.text.constrained.constraints import Constraints
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import stream


@pytest.fixture
def model(catalogue: Catalogue) -> Model:
    return catalogue.model("tiny")


def test_without_wishes_they_are_the_strings_of_generate(model: Model) -> None:
    found = harvest(model, Wish(n=700, seed=5))
    assert found.strings == model.generate(700, seed=5)
    assert (found.nats_lost, found.candidates, found.refined, found.complete) == (None, 700, None, True)
    assert found.summary() == "700 strings"


def test_every_constraint_holds_and_costs_what_the_decoder_says(model: Model) -> None:
    asked = {"prefix": "b", "suffix": "n", "charset": "abn", "regex": "b[a-z]+n", "mask": "?1?l?l?l"}
    constraints = Constraints(**asked, contains=("a",), length=(4, 6), sets=("bd",))  # type: ignore[arg-type]
    wish = Wish(n=20, **asked, contains="a", length="4-6", sets=("bd",))  # type: ignore[arg-type]
    found = harvest(model, wish)
    assert len(found.strings) == 20 and all(constraints.satisfied_by(string) for string in found.strings)
    ((block, _at),) = stream(model.text_model(), Request(n=20, constraints=constraints))
    assert block.given_up_N is not None
    assert found.nats_lost == pytest.approx(block.given_up_N.mean()) and found.nats_lost is not None
    assert found.nats_lost > 0
    assert f"{found.nats_lost:.4g} nats" in found.summary()


def test_filters_keep_what_passes(model: Model, tmp_path: Path) -> None:
    plain = list(dict.fromkeys(model.generate(400)))
    (tmp_path / "known.txt").write_text(f"{plain[0]}\n{plain[1]}\n")
    found = harvest(model, Wish(n=5, unique=True, not_in=str(tmp_path / "known.txt")))
    assert found.strings == plain[2:7] and found.complete
    assert f"of {found.candidates:,} candidates passed" in found.summary() and found.candidates >= 7


def test_a_search_ends_in_time(model: Model) -> None:
    found = harvest(model, Wish(n=10, valid="json"), seconds=0)
    assert not found.complete and found.candidates > 0
    assert "took too long" in found.summary()


def test_drawing_takes_the_temperature_and_argmax_does_not(model: Model) -> None:
    drawn = harvest(model, Wish(n=30, decode="sample", temperature=0.5)).strings
    assert drawn == model.generate(30, decode="sample", temperature=0.5)
    assert harvest(model, Wish(n=30, decode="argmax", temperature=0.5)).strings == model.generate(30)


@pytest.mark.parametrize(
    "bad",
    [
        Wish(n=0),
        Wish(n=MAX_STRINGS + 1),
        Wish(seed=-1),
        Wish(length="x"),
        Wish(regex="("),
        Wish(prefix="é"),
        Wish(refine=True),
        Wish(decode="no"),
        Wish(valid="no"),
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused(model: Model, bad: Wish) -> None:
    with pytest.raises(ConfigError):
        harvest(model, bad)
