"""MkDocs hooks: the pages that are made when the site is built, so that they say what the code says.

`make docs` calls them. They add the reference of commands (from Typer), of settings (from the schema) and of the Python
API (the public names, filled in by mkdocstrings), each example as a page and as a notebook, and the documents of the
repository's top level that pages link to.
"""

from __future__ import annotations

import importlib
import math
import operator
import re
from collections.abc import Collection
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click

import seqgan_wgp
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.config.fields import AUTO
from seqgan_wgp.config.serialization import list_settings

ROOT = Path(__file__).parents[1]

# Pages link to them as they lie in the repository, one folder above docs/.
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "dev/LOG.md")

_LEAD = {
    "settings": "Every setting of a run. `--set NAME=VALUE` changes one, and a TOML file for `--config` has them by "
    "section ([training](../training.md#settings)). A setting without a default gets its value from the recipe. The "
    "last column shows the values of `fast`; `seqgan-wgp recipes NAME` prints those of any recipe with their sources.",
    "api": "The names of `seqgan_wgp`. [Python](../python.md) shows how they work together.",
}


def commands_page() -> str:
    """Return Markdown that describes every command with its arguments and options, from the command line itself."""
    from cli.app import app  # here, since it is importable only in the repository

    group: Any = typer.main.get_command(app)
    for command in group.commands.values():
        # Otherwise the list of commands has only the beginnings of their first paragraphs.
        command.short_help = " ".join(command.help.partition("\n\n")[0].split())
    return get_docs_for_click(obj=group, ctx=typer.Context(group), name="seqgan-wgp", title="Commands")


def bounds(field: Field[Any]) -> str:
    """Return what a setting may be, in words."""
    rules = field.metadata
    choices: Collection[str] = rules["choices"]
    if choices:
        return ", ".join(f"`{name}`" for name in choices)
    signs = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
    parts = [f"{word} {rules[key]:,}" for key, word in signs if math.isfinite(rules[key])]
    parts += ["odd"] if rules["odd"] else []
    parts += ["or auto"] if rules["auto"] else []
    return ", ".join(parts)


def shown(value: object, *, auto: bool) -> str:
    """Return a value as it is written in `--set`."""
    if value is MISSING:
        return ""
    if auto and value in (AUTO, None):
        return "`auto`"
    named = {None: "`none`", "": "empty", True: "`true`", False: "`false`"}
    return named[value] if isinstance(value, bool | str | None) and value in named else f"`{value}`"


def settings_page() -> str:
    """Return Markdown with a table of the settings of each section, from their declarations."""
    text, section, fast = ["# Settings", "", _LEAD["settings"]], None, recipe("fast")
    for dotted, field in list_settings(Config).items():
        if dotted.rpartition(".")[0] != section:
            section = dotted.rpartition(".")[0]
            text += ["", f"## {section or 'run'}", "", "| setting | meaning | values | default | in fast |"]
            text += ["| --- | --- | --- | --- | --- |"]
        auto = field.metadata["auto"]
        values = [shown(value, auto=auto) for value in (field.default, operator.attrgetter(dotted)(fast))]
        cells = (f"`{dotted}`", field.metadata["doc"], bounds(field), *values)
        text.append("| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |")
    return "\n".join(text) + "\n"


def api_page() -> str:
    """Return Markdown that has mkdocstrings describe every public name where it is defined."""
    text = ["# Python API", "", _LEAD["api"]]
    for name in seqgan_wgp.__all__:
        value = getattr(seqgan_wgp, name)
        home = getattr(value, "__module__", None)
        if home is not None and hasattr(value, "__qualname__"):
            text += ["", f"::: {home}.{value.__qualname__}"]
            if value is Config:  # its signature is the table of settings, as code
                text += ["    options:", "      show_signature: false"]
            elif value.__qualname__ != name:  # defined under another name
                text += ["    options:", f"      heading: {name}"]
    return "\n".join([*text, "", "## Extension", "", "::: seqgan_wgp.registry.decorators", ""])


def example_pages(script: Path) -> dict[str, str]:
    """Return an example, a script whose comments are Markdown cells, as a page and as a notebook: path -> content."""
    jupytext: Any = importlib.import_module("jupytext")  # without types
    notebook = jupytext.read(script)
    name = f"examples/{script.stem}"
    page = jupytext.writes(notebook, fmt="md", config=None).split("---\n", 2)[-1]
    note = f"\n[This page as a notebook]({script.stem}.ipynb). It needs `pip install seqgan-wgp` and nothing else.\n"
    title, _, rest = page.lstrip().partition("\n")
    return {f"{name}.md": f"{title}\n{note}{rest}", f"{name}.ipynb": jupytext.writes(notebook, fmt="ipynb")}


def generated() -> dict[str, str]:
    """Return all pages and files that are not in docs/: path in the site -> content."""
    made = {
        "reference/commands.md": commands_page(),
        "reference/settings.md": settings_page(),
        "reference/api.md": api_page(),
    }
    for name in OUTSIDE:
        made[name] = (ROOT / name).read_text(encoding="utf-8")
    for script in sorted((ROOT / "docs" / "examples").glob("*.py")):
        made |= example_pages(script)
    return made


def linked(text: str, place: str) -> str:
    """Return a page's Markdown with links that lead out of docs/ or name a file mended for the site.

    Args:
        text: the page.
        place: where it lies in the site.
    """
    if place in OUTSIDE:  # they lie beside docs/, not in it
        return re.sub(r"\]\((?:\.\./)?docs/", "](../" if "/" in place else "](", text)
    text = re.sub(r"\]\(\.\./(CHANGELOG|CONTRIBUTING|dev/LOG)\.md", r"](\1.md", text)
    text = re.sub(r"\]\(((?:\.\./)?examples/\w+)\.py\)", r"](\1.md)", text)
    # "see [docs/metrics.md](metrics.md)" reads well in a clone; on the site a page has a name.
    return re.sub(r"\[(?:docs/)?([\w-]+)\.md\]\(", lambda match: f"[{match[1].replace('-', ' ')}](", text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    for name, content in generated().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Mend the links of a page."""
    return linked(markdown, page.file.src_uri)
