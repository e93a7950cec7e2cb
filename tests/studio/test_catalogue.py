"""Visitors can choose what the catalogue offers and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.utils.bundled_models import bundled_models

from ..runs.untrained import TOY, made


def test_corpora_are_the_given_one_and_the_bundled_ones(catalogue: Catalogue, tiny_corpus: Path) -> None:
    assert next(iter(catalogue.corpora())) == "tiny.txt" and catalogue.corpora()["tiny.txt"] == str(tiny_corpus)
    assert catalogue.corpora()["words"] == "words"


def test_models_are_the_given_one_and_runs_of_text_the_newest_first(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "tiny", tmp_path / "older")
    shutil.copytree(runs / "tiny", tmp_path / "newer")
    os.utime(tmp_path / "older" / "model.safetensors", (1, 1))
    shutil.copytree(runs / "tiny", tmp_path / "images")
    config = tmp_path / "images" / "config.json"
    config.write_text("{}")
    (tmp_path / "empty").mkdir()
    bundled = [*bundled_models()]
    assert list(Catalogue(tmp_path, model=runs / "tiny").models()) == ["tiny", "newer", "older", *bundled]
    assert list(Catalogue(tmp_path / "nothing").models()) == bundled and "words" in bundled
    assert len(Catalogue(tmp_path).model("words").generate(3)) == 3


def test_a_model_is_the_best_of_its_run_and_is_loaded_once(catalogue: Catalogue, runs: Path) -> None:
    assert catalogue.model("tiny") is catalogue.model("tiny")
    assert catalogue.model("tiny").generate(3) == Model.load(runs / "tiny", best=True).generate(3)


def test_a_file_that_has_changed_is_loaded_anew(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "tiny", tmp_path / "tiny")
    catalogue = Catalogue(tmp_path)
    first = catalogue.model("tiny")
    os.utime(tmp_path / "tiny" / "best.safetensors", (1, 1))
    assert catalogue.model("tiny") is not first


@pytest.mark.parametrize("name", [None, "", "other", "../tiny", "/etc/passwd"])
def test_nothing_else_can_be_named(catalogue: Catalogue, name: str | None) -> None:
    with pytest.raises(ConfigError, match="choose a model"):
        catalogue.model(name)


def test_a_model_that_has_gone_or_has_no_strings_is_refused(tmp_path: Path) -> None:
    from seqgan_wgp.config import recipe

    file = tmp_path / "gone.safetensors"
    with pytest.raises(CheckpointError, match="no longer there"):
        Catalogue(tmp_path, model=file).model("gone.safetensors")
    points = made(recipe("toy", {"generator.width": 8, "critic.width": 8}), TOY)
    points.save(file)
    with pytest.raises(ConfigError, match="text models"):
        Catalogue(tmp_path, model=file).model("gone.safetensors")
