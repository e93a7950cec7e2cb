"""The commands, names and tree in the README and in docs/ are those of the repository."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import seqgan_wgp
from cli.app import app
from seqgan_wgp.config import recipe, recipe_names
from seqgan_wgp.config.serialization import parse_assignments

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDER = ROOT / "docs"
PAGES = {file.relative_to(FOLDER).as_posix(): file.read_text("utf-8") for file in sorted(FOLDER.rglob("*.md"))}
DOCS = "\n".join(PAGES.values())


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of Markdown: language and content."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def inline(text: str) -> list[str]:
    """Return what Markdown has between backticks on one line."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


BLOCKS, INLINE = blocks(README + DOCS), inline(README + DOCS)


def group() -> TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def invocations() -> list[list[str]]:
    """Return the arguments of every seqgan-wgp that README and docs call, without comments, pipes and redirections."""
    found = []
    for line in [line for _, block in BLOCKS for line in block.splitlines()] + INLINE:
        words = shlex.split(re.split(r"\s[|>#]", line)[0]) if "seqgan-wgp " in line else []
        if words and Path(words[0]).name == "seqgan-wgp":
            found.append(words[1:])
    commands = "|".join(group().commands)
    return found + [shlex.split(text) for text in INLINE if re.match(rf"({commands}) ", text)]


def table(text: str, head: str) -> list[str]:
    """Return the first word of each row of the table whose first column has this head."""
    rows = text.partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.sub(r"[`|\[\]]", " ", row).split()[0] for row in rows]


def tree() -> set[str]:
    """Return the paths of the tree in docs/architecture.md; those of folders end with a slash."""
    block = next(text for _, text in blocks(PAGES["architecture.md"]) if text.startswith("seqgan_wgp/"))
    paths, folders = set(), [""]
    for line in block.splitlines():
        name = line.split()[0]
        folders[(len(line) - len(line.lstrip())) // 2 + 1 :] = [name]
        paths.add("".join(folders))
    return paths


@pytest.mark.parametrize("words", invocations(), ids=" ".join)
def test_commands_are_understood(words: list[str]) -> None:
    group().commands[words[0]].make_context(words[0], words[1:])


def test_commands_and_options_are_there() -> None:
    assert len(invocations()) >= 4
    commands = [group(), *group().commands.values()]
    known = {option for command in commands for part in command.params for option in part.opts}
    ours = (text for text in INLINE if not text.startswith("python -m "))
    flags = {word for text in ours for word in text.split() if re.fullmatch(r"--?[a-z][a-z-]*", word)}
    assert flags >= {"--set", "--config"}
    assert flags <= known | {"--help", "--version"}


def test_the_tables_are_complete() -> None:
    assert set(table(PAGES["start.md"], "command")) == set(group().commands)
    assert set(table(PAGES["training.md"], "recipe")) == set(recipe_names())


def test_settings_are_there() -> None:
    given = {shlex.split(text)[1] for text in INLINE if text.startswith("--set ")}
    assert given
    for assignment in sorted(given):  # alone, since units exclude each other
        assert recipe("fast", dict(parse_assignments([assignment])))


def test_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_python_names_are_public() -> None:
    trees = [ast.parse(block) for language, block in BLOCKS if language == "python"]
    names = [
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "seqgan_wgp"
    ]
    assert {"train", "Model"} <= set(names)
    assert set(names) <= set(seqgan_wgp.__all__)


def test_the_tree_names_every_folder() -> None:
    listed = tree()
    assert [path for path in sorted(listed) if not (ROOT / path).exists()] == []
    folders = {f"{path.parent.relative_to(ROOT).as_posix()}/" for path in (ROOT / "seqgan_wgp").rglob("__init__.py")}
    assert folders <= listed


def links() -> list[tuple[Path, str]]:
    """Return each relative link or picture of the documents, with the document that it stands in."""
    documents = [*ROOT.glob("*.md"), *FOLDER.rglob("*.md"), ROOT / "corpora" / "README.md"]
    found = [(file, link) for file in documents for link in re.findall(r"\]\(([^)\s]+)\)", file.read_text("utf-8"))]
    return [(file, link) for file, link in found if "://" not in link]


@pytest.mark.parametrize(("file", "link"), links(), ids=str)
def test_links_lead_to_files(file: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = file.parent / path if path else file
    assert target.exists()
    heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE) if anchor else []
    assert not anchor or anchor in [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]


def test_every_page_is_reached_from_the_readme() -> None:
    pages = [(file.resolve(), (file.parent / link.partition("#")[0]).resolve()) for file, link in links()]
    reached: set[Path] = set()
    ahead = {ROOT / "README.md"}
    while ahead:
        reached |= ahead
        ahead = {target for file, target in pages if file in ahead} - reached
    assert {FOLDER / name for name in PAGES} <= reached


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    named = re.findall(r"[\w/-]+\.md$", navigation, flags=re.MULTILINE)
    examples = {f"examples/{file.stem}.md" for file in (FOLDER / "examples").glob("*.py")}
    generated = examples | {f"reference/{name}.md" for name in ("api", "commands", "settings")}
    outside = {"dev/LOG.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    assert set(named) == set(PAGES) | generated | outside and len(named) == len(set(named))


def test_every_table_of_results_has_its_date_and_its_section_a_command() -> None:
    results = PAGES["results.md"]
    for page in (results, README):
        tables = re.findall(r"^(\|.*\n)(?:\|.*\n)+\n(.*)$", page, flags=re.MULTILINE)
        measured = [head for head, after in tables if not re.match(r"Measured on 20\d\d-\d\d-\d\d\b", after)]
        assert measured == []
    sections = [part for part in re.split(r"^## ", results, flags=re.MULTILINE)[1:] if "\n| --- |" in part]
    assert sections and [part.partition("\n")[0] for part in sections if not blocks(part)] == []
