"""A Space is a folder with an app, what it requires, the model and a card: all of it or nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seqgan_wgp import __version__
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export.space import write_space
from seqgan_wgp.studio import server

from ..untrained import TEXT, TOY, made

FILES = {"app.py", "requirements.txt", "model.safetensors", "README.md"}


@pytest.fixture(scope="module")
def model(tiny_config: Callable[..., Config]) -> Model:
    return made(tiny_config(), TEXT)


def test_it_has_all_that_a_space_needs(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "sub" / "names: new"
    write_space(model, folder)
    assert {file.name for file in folder.iterdir()} == FILES
    assert Model.load(folder).generate(5) == model.generate(5)
    assert (folder / "requirements.txt").read_text() == f"seqgan-wgp[studio]=={__version__}\n"
    _, head, body = (folder / "README.md").read_text().split("---\n", 2)
    lines = head.splitlines()
    assert {'title: "names: new"', 'sdk: "gradio"', 'app_file: "app.py"'} == set(lines)
    assert model.generate(1)[0] in body and "library_name" not in head
    named = set(re.findall(r"[\w.]+\.(?:py|txt|json|safetensors)\b", body))
    assert named == FILES - {"README.md"} and "from_pretrained" not in body


def test_the_app_calls_what_there_is(model: Model, tmp_path: Path) -> None:
    write_space(model, tmp_path / "space")
    tree = ast.parse((tmp_path / "space" / "app.py").read_text())
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert "serve_model" in names
    assert callable(server.serve_model)
    studio = server.opened(str(tmp_path / "space" / "model.safetensors"), tmp_path / "space", None)
    assert next(iter(studio.catalogue.models())) == "model.safetensors" and studio.queue is None
    studio.close()


def test_only_a_space_is_replaced_and_only_if_asked(model: Model, tmp_path: Path) -> None:
    write_space(model, tmp_path / "space")
    with pytest.raises(ConfigError, match="is there already"):
        write_space(model, tmp_path / "space")
    (tmp_path / "space" / "README.md").write_text("mine")
    write_space(model, tmp_path / "space", overwrite=True)
    assert (tmp_path / "space" / "README.md").read_text() != "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "app.py").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("other", "file"):
        with pytest.raises(ConfigError, match="choose another folder"):
            write_space(model, tmp_path / place, overwrite=True)
    assert (tmp_path / "other" / "app.py").read_text() == "mine"


def test_a_model_without_strings_is_refused(tmp_path: Path) -> None:
    points = made(recipe("toy", {"generator.width": 8, "critic.width": 8}), TOY)
    with pytest.raises(ConfigError, match="text models"):
        write_space(points, tmp_path / "space")
    assert list(tmp_path.iterdir()) == []
