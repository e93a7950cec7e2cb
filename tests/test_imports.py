"""Arrows between packages go one way, and the library draws nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "seqgan_wgp"

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
    {"theory"},
    {"domains"},
    {"model"},
    {"runs"},
]
EXCEPTIONS = {"model.py"}


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
        if part == "__init__" or place.as_posix() in EXCEPTIONS:
            continue
        ours = {name.split(".")[1] for name in imported(file) if name.startswith("seqgan_wgp.")}
        wrong += [f"{place} imports {name}" for name in ours - allowed(part)]
    assert wrong == []


def ours(file: Path) -> set[Path]:
    """Return the files of the library that a file imports, also only for its types."""
    found = set()
    for name in imported(file):
        parts = name.split(".")
        for length in (len(parts), len(parts) - 1):  # a module, or what is in one
            path = ROOT.joinpath(*parts[:length])
            found |= {each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()}
    return {each for each in found - {file} if each.name != "__init__.py" and each.is_relative_to(LIBRARY)}


def reached(start: Path, arrows: dict[Path, set[Path]]) -> set[Path]:
    """Return the files that a file imports, directly or through others."""
    seen: set[Path] = set()
    ahead = [start]
    while ahead:
        for file in arrows[ahead.pop()] - seen:
            seen.add(file)
            ahead.append(file)
    return seen


def test_no_files_of_training_and_networks_import_each_other_in_a_circle() -> None:
    arrows = {file: ours(file) for file in LIBRARY.rglob("*.py")}
    files = [file for part in ("training", "nn") for file in (LIBRARY / part).rglob("*.py")]
    circular = [file.relative_to(LIBRARY).as_posix() for file in files if file in reached(file, arrows)]
    assert len(files) > 25
    assert circular == []


def test_the_library_never_prints_nor_imports_what_draws() -> None:
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        tops = {name.split(".")[0] for name in imported(file)}
        wrong += [f"{file.name} imports {name}" for name in tops & {"cli", "typer", "rich", "click"}]
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
