"""One name means one thing: no two modules of the library define a public class, function or type of one name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "seqgan_wgp"

# What is still double; each entry goes when it is done.
DOUBLE = {
    "Block", "Digest", "Floats", "Hashes", "Histogram", "Ids", "Ints", "Items", "Layer", "PerceptronCritic",
    "PerceptronGenerator", "Spread", "critic_scores", "critic_step", "encoded", "folder", "literal", "row_hashes",
    "together",
}  # fmt: skip


def names_defined(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of classes, functions and types that a statement at module level defines; not of constants."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name) and not target.id.isupper())


def homes() -> dict[str, list[str]]:
    """Return public name -> the modules that define it."""
    found = defaultdict(list)
    for file in sorted(LIBRARY.rglob("*.py")):
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            for name in names_defined(statement):
                if not name.startswith("_"):
                    found[name].append(file.relative_to(LIBRARY).as_posix())
    return found


def test_no_public_name_has_two_homes() -> None:
    double = {name: modules for name, modules in homes().items() if len(modules) > 1}
    assert {name: modules for name, modules in double.items() if name not in DOUBLE} == {}
