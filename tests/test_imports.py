"""Packages import each other one way, the library draws nothing, and the tests are laid out as the library is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "seqgan_wgp"
TESTS = ROOT / "tests"

OTHERS = {name: ROOT / name for name in ("cli", "benchmarks", "dev", "docs")}
"""Folder of tests -> what it tests, where that is not part of the library."""

# Each part may import the parts before it; the kinds of data stand side by side.
LAYERS = [
    {"_version"},
    {"errors"},
    {"utils"},
    {"registry"},
    {"config"},
    {"nn"},
    {"training"},
    {"text", "images", "toy"},
    {"theory", "testing"},
    {"domains"},
    {"model"},
    {"runs"},
    {"studio"},
]


def allowed(part: str) -> set[str]:
    """Return the parts that a part of the library may import, itself among them."""
    below: set[str] = set()
    for layer in LAYERS:
        if part in layer:
            return below | {part}
        below |= layer
    raise AssertionError(f"{part} has no layer")


def imported(file: Path) -> set[str]:
    """Return the full names of the modules that a file imports."""
    package = ["seqgan_wgp", *file.relative_to(LIBRARY).parts[:-1]] if file.is_relative_to(LIBRARY) else []
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def test_arrows_go_one_way() -> None:
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        place = file.relative_to(LIBRARY)
        part = place.parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        ours = {name.split(".")[1] for name in imported(file) if name.startswith("seqgan_wgp.")}
        wrong += [f"{place} imports {name}" for name in ours - allowed(part)]
    assert wrong == []


def import_graph() -> dict[str, set[str]]:
    """Return which modules of the library each one imports: within functions and for types counts too."""
    names = {module_name(file): file for file in LIBRARY.rglob("*.py")}
    graph = {}
    for name, file in names.items():
        found = imported(file)
        found |= {one.rpartition(".")[0] for one in found}  # of `from .x import y`, x where y is no module
        graph[name] = (found & set(names)) - {name, "seqgan_wgp"}
    return graph


def module_name(file: Path) -> str:
    """Return the full name of the module that a file of the library is."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one node. Tarjan 1972."""
    place: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found = []

    def visit(node: str) -> None:
        place[node] = low[node] = len(place)
        path.append(node)
        for other in graph[node]:
            if other not in place:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in path:
                low[node] = min(low[node], place[other])
        if low[node] == place[node]:
            component = path[path.index(node) :]
            del path[path.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in place:
            visit(node)
    return found


def test_a_cycle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a", "f"}, "f": {"e"}}
    assert cycles(graph) == [["b", "c"], ["e", "f"]]


def test_no_files_import_each_other() -> None:
    assert cycles(import_graph()) == []


def test_the_top_level_has_few_entries() -> None:
    entries = {path.name for path in LIBRARY.iterdir() if not path.name.startswith((".", "__pycache__"))}
    assert len(entries - {"py.typed"}) <= 18, sorted(entries)  # the marker for type checkers is empty


def test_only_the_domains_know_which_kinds_of_data_there_are() -> None:
    kinds = {"image", "toy"}  # "text" is a word of its own
    wrong = []
    for folder in (LIBRARY, ROOT / "cli"):
        for file in folder.rglob("*.py"):
            place = file.relative_to(ROOT).parts
            if place[:2] in {("seqgan_wgp", "images"), ("seqgan_wgp", "toy"), ("seqgan_wgp", "theory")}:
                continue
            if place[-1] in ("domains.py", "kinds.py") or place[-2:] == ("registry", "tables.py"):
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            wrong += [
                f"{file.name}:{node.lineno} names {node.value!r}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in kinds
            ]
            wrong += [
                f"{file.name}:{node.lineno} compares a kind of data"
                for node in ast.walk(tree)
                if isinstance(node, ast.Compare)
                and ast.unparse(node).endswith((" == 'text'", " != 'text'"))
                and ".domain" in ast.unparse(node)
            ]
            wrong += [
                f"{file.name}:{node.lineno} asks for a spec's class"
                for node in ast.walk(tree)
                if place[:2] != ("seqgan_wgp", "text")
                and isinstance(node, ast.Call)
                and ast.unparse(node.func) == "isinstance"
                and ast.unparse(node.args[1]).endswith(("TextSpec", "ImageSpec", "ToySpec"))
            ]
    assert wrong == []


DRAWS = {"runs/progress.py"}
"""What shows the progress of a training when it is asked to."""


def test_the_library_never_prints_nor_imports_what_draws() -> None:
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        tops = {name.split(".")[0] for name in imported(file)}
        drawing = set() if file.relative_to(LIBRARY).as_posix() in DRAWS else {"rich"}
        wrong += [f"{file.name} imports {name}" for name in tops & ({"cli", "typer", "click"} | drawing)]
        calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
        wrong += [f"{file.name} prints" for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert wrong == []


def test_nothing_in_the_clone_imports_the_installed_command() -> None:
    # Two copies of the module would be loaded: the folder cli/ is installed as seqgan_wgp.cli.
    files = [file for folder in ("seqgan_wgp", "cli", "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    assert [file for file in files for name in imported(file) if name.startswith("seqgan_wgp.cli")] == []


def test_importing_the_package_loads_no_torch_and_every_public_name_is_there() -> None:
    program = """
import sys, seqgan_wgp
assert "torch" not in sys.modules and "numpy" not in sys.modules
for name in seqgan_wgp.__all__:
    assert getattr(seqgan_wgp, name) is not None, name
assert set(seqgan_wgp.__all__) <= set(dir(seqgan_wgp))
try:
    seqgan_wgp.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_tests_share_helpers_by_modules_of_their_own() -> None:
    # What one test file imports from another moves and breaks with it, and its fixtures are collected twice.
    wrong = []
    for file in TESTS.rglob("*.py"):
        modules = {part for name in imported(file) for part in name.split(".")}
        names = sorted(name for name in modules if name == "conftest" or name.startswith("test_"))
        wrong += [f"{file.relative_to(TESTS)} imports {name}" for name in names]
    assert wrong == []


def test_every_folder_of_tests_mirrors_a_folder_of_what_it_tests() -> None:
    wrong = []
    for folder in {file.parent for file in TESTS.rglob("*.py")}:
        top, *rest = folder.relative_to(TESTS).parts or ("",)
        mirrored = OTHERS.get(top, LIBRARY / top).joinpath(*rest)
        wrong += [f"there is no {mirrored.relative_to(ROOT)}"] if not mirrored.is_dir() else []
    assert wrong == []


def test_tests_named_after_a_module_lie_where_it_lies() -> None:
    places: dict[str, set[Path]] = {}
    for file in LIBRARY.rglob("*.py"):
        places.setdefault(file.stem, set()).add(file.relative_to(LIBRARY).parent)
    wrong = []
    for file in TESTS.rglob("test_*.py"):
        place = file.relative_to(TESTS).parent
        modules = places.get(file.stem.removeprefix("test_"), {place})
        if place.name == file.stem.removeprefix("test_") or place.parts[:1] in [(other,) for other in OTHERS]:
            continue  # of a whole package, or of what is not part of the library
        if place not in modules:
            wrong.append(f"{file.relative_to(TESTS)} tests a module in {sorted(map(str, modules))}")
    assert wrong == []


def test_programs_that_tests_run_import_what_there_is() -> None:
    # They are strings, which neither a type checker nor a renaming sees; a test that is seldom run hides them.
    imports, wrong = re.compile(r"from (seqgan_wgp[\w.]*) import (\w+)"), []
    for file in TESTS.rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        for module, name in imports.findall("\n".join(texts)):
            place = ROOT.joinpath(*module.split("."))
            source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            is_module = (place / f"{name}.py").is_file() or (place / name).is_dir()
            if not is_module and not (source.is_file() and re.search(rf"\b{name}\b", source.read_text())):
                wrong.append(f"{file.relative_to(TESTS)}: {name} of {module}")
    assert wrong == []


PAGE = ROOT / "docs" / "architecture.md"


def test_the_page_on_the_tree_lists_every_folder_of_the_library() -> None:
    tree = PAGE.read_text(encoding="utf-8").partition("seqgan_wgp/  ")[2].partition("\ncli/")[0]
    listed, path = set(), Path()
    for indent, name in re.findall(r"^( +)([\w.]+)/ ", tree, re.M):
        path = Path(*path.parts[: len(indent) // 2 - 1]) / name
        listed.add(path.as_posix())
    folders = {file.parent.relative_to(LIBRARY).as_posix() for file in LIBRARY.rglob("*.py")} - {"."}
    assert folders <= listed
    assert [name for name in listed if not (LIBRARY / name).is_dir()] == []


def test_the_page_on_the_tree_names_files_that_exist() -> None:
    names = set(re.findall(r"(?<![\w*])[\w/]+\.py\b", PAGE.read_text(encoding="utf-8")))
    assert {"training/losses.py", "benchmarks/recipes.py", "model.py"} <= names
    places = (ROOT, LIBRARY, ROOT / "benchmarks")
    assert [name for name in sorted(names) if not any((place / name).is_file() for place in places)] == []


def test_the_reading_guide_names_functions_that_there_are() -> None:
    rows = re.findall(r"\| `([\w/]+\.py)` \| (.+) \|", PAGE.read_text(encoding="utf-8"))
    assert len(rows) > 10
    for name, functions in rows:
        nodes = ast.walk(ast.parse((LIBRARY / name).read_text(encoding="utf-8")))
        there = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert set(re.findall(r"`(\w+)`", functions)) <= there, name
