"""Run every command of the how-to pages and show, or write into the pages, what each prints.

    python -m benchmarks.howto FOLDER [--pages names dna ...] [--write]

FOLDER holds the data under the names that the pages use: names.txt, passwords.txt, qm9.txt, AMPvsUniProt.csv,
promoters.txt, cities.txt and the folder mnist/ with the four MNIST files. On a page, a fenced block without a
language holds commands, and a block of the language `text` right behind it what they print on stdout. The blocks of a
page run in order in a temporary folder, each in one shell that stops at the first failure. The pages together take
about a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PAGES = Path(__file__).parents[1] / "docs" / "howto"

_STEP = re.compile(
    r"^```\n(?P<commands>(?:(?!```).*\n)+)```\n\n```text\n(?P<output>(?:(?!```).*\n)*)```$", re.MULTILINE
)


class Step(NamedTuple):
    """A block of commands on a page, and what the page says that they print."""

    commands: str
    output: str


def steps(page: str) -> list[Step]:
    """Return the blocks of commands of a page that are followed by their output, in order."""
    return [Step(match["commands"], match["output"]) for match in _STEP.finditer(page)]


def run(commands: str, folder: Path) -> str:
    """Run commands in a folder and return what they print on stdout, without white space at the end of lines.

    Raises:
        CalledProcessError: one of them fails.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Not pipefail: `head` ends a program that would stream for ever.
    done = subprocess.run(
        ["bash", "-ec", commands],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "110"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def rewritten(page: str, folder: Path) -> str:
    """Run the commands of a page beside the files of a folder and return the page with what they print."""
    with tempfile.TemporaryDirectory() as scratch:
        for data in folder.iterdir():
            (Path(scratch) / data.name).symlink_to(data.resolve())

        def fresh(match: re.Match[str]) -> str:
            return f"```\n{match['commands']}```\n\n```text\n{run(match['commands'], Path(scratch))}```"

        return _STEP.sub(fresh, page)


def main() -> None:
    """Run the pages that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with the data")
    parser.add_argument("--pages", nargs="+", help="names of pages; all by default", metavar="NAME")
    parser.add_argument("--write", action="store_true", help="write the output into the pages")
    asked = parser.parse_args()
    for name in asked.pages or sorted(file.stem for file in PAGES.glob("*.md")):
        file = PAGES / f"{name}.md"
        page = rewritten(file.read_text(encoding="utf-8"), asked.folder)
        if asked.write:
            file.write_text(page, encoding="utf-8")
        for step in steps(page):
            print(f"{step.commands}{step.output}")


if __name__ == "__main__":
    main()
