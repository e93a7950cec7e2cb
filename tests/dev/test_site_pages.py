"""The generated pages of the site name every command, option, setting and public name, and links are mended."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import seqgan_wgp
from cli.app import app
from dev.site_pages import ROOT, api_page, bounds, commands_page, example_pages, linked, settings_page
from seqgan_wgp.config import Config
from seqgan_wgp.config.serialization import list_settings


def test_the_page_of_commands_has_every_option() -> None:
    page, group = commands_page(), typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        part = page.partition(f"## `seqgan-wgp {name}`\n")[2].partition("\n## ")[0]
        assert part
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
        assert [option for option in options if option not in part] == []


def test_the_list_of_commands_has_their_first_sentences_whole() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    listed = commands_page().partition("**Commands**")[2].partition("## ")[0]
    assert "* `mnist`: Train a generator on MNIST or on your own images.\n" in listed
    said = re.findall(r"^\* `(\w+)`: (.*)$", listed, re.MULTILINE)
    assert [name for name, _ in said] == list(group.commands)
    assert all(sentence.endswith(".") and not sentence.endswith("...") for _, sentence in said)


def test_the_page_of_settings_has_each_with_its_meaning_in_a_table_of_its_section() -> None:
    page, known = settings_page(), list_settings(Config)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(known)
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    (row,) = (row for row in rows if row.startswith("| `generator.width`"))
    assert known["generator.width"].metadata["doc"] in row and "at least 1" in row and "`auto`" in row
    for section in ("corpus", "generator", "critic", "training", "evaluation"):
        assert f"\n## {section}\n\n| setting |" in page


def test_bounds_are_said_in_words() -> None:
    known = list_settings(Config)
    assert bounds(known["corpus.errors"]) == "`strict`, `replace`, `skip`"
    assert bounds(known["corpus.length"]) == "at least 1, at most 4,096, or auto"
    assert bounds(known["corpus.encoding"]) == ""


def test_the_page_of_the_api_names_what_is_public_where_it_is_defined() -> None:
    page = api_page()
    homes = [line.removeprefix("::: ") for line in page.splitlines() if line.startswith("::: ")]
    names = {home.rpartition(".")[2] for home in homes} | set(re.findall(r"^      heading: (\w+)$", page, re.MULTILINE))
    assert set(seqgan_wgp.__all__) - names == {"__version__", "register"}
    assert "seqgan_wgp.model.Model" in homes and "seqgan_wgp.registry.decorators" in homes


@pytest.mark.parametrize("script", sorted((ROOT / "docs" / "examples").glob("*.py")), ids=lambda file: file.stem)
def test_an_example_is_a_page_and_a_notebook_with_the_same_code(script: Path) -> None:
    made = example_pages(script)
    page, notebook = made[f"examples/{script.stem}.md"], json.loads(made[f"examples/{script.stem}.ipynb"])
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 4 and [cell for cell in code if cell not in page] == []
    assert page.startswith("# ") and "jupytext:" not in page and f"({script.stem}.ipynb)" in page


def test_links_are_mended() -> None:
    assert linked("[dev/LOG.md](../dev/LOG.md)", "training.md") == "[dev/LOG.md](dev/LOG.md)"
    assert linked("[docs/a-b.md](a-b.md#x)", "training.md") == "[a b](a-b.md#x)"
    assert linked("[one](examples/student.py)", "index.md") == "[one](examples/student.md)"
    assert linked("[x](docs/files.md)", "CHANGELOG.md") == "[x](files.md)"
    assert linked("[x](../docs/files.md)", "dev/LOG.md") == "[x](../files.md)"
