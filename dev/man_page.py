"""Write the man page of the command from its help texts.

python -m dev.man_page dist/seqgan-wgp.1
man -l dist/seqgan-wgp.1
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli.app import app
from seqgan_wgp import __version__

_EXIT_CODES = {
    "0": "Success.",
    "1": "Failure while running.",
    "2": "Something must be changed first; the message says what.",
    "130": "Interrupted, with everything saved.",
}


def roff(text: str) -> str:
    """Return text with what roff takes for a command or an escape made literal."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        yield roff(paragraph)


def _parameters(command: Any) -> Iterator[str]:
    """Yield the arguments and options of a command, each with its help."""
    for parameter in command.params:
        names = list(parameter.opts) if parameter.param_type_name == "option" else []
        value = parameter.metavar or ""
        if not getattr(parameter, "help", None):
            continue
        bold = ", ".join(rf"\fB{roff(name)}\fR" for name in names)
        yield ".TP"
        yield f"{bold} \\fI{roff(value)}\\fR".strip() if value else bold
        yield roff(str(parameter.help))


def man_page() -> str:
    """Return the page as roff source."""
    group: Any = typer.main.get_command(app)
    lines = [f'.TH "SEQGAN\\-WGP" "1" "" "seqgan\\-wgp {__version__}" "User Commands"']
    lines += [".nh", ".ad l"]
    lines += [".SH NAME", r"seqgan\-wgp \- train a GAN on the lines of a text file and generate new lines like them"]
    lines += [".SH SYNOPSIS", r"\fBseqgan\-wgp\fR \fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]"]
    lines += [".SH DESCRIPTION", roff(str(group.help)), ".SH COMMANDS"]
    for name, command in group.commands.items():
        lines += [f".SS {roff(name)}", *_paragraphs(str(command.help)), *_parameters(command)]
    lines += [".SH EXIT STATUS"]
    for code, meaning in _EXIT_CODES.items():
        lines += [".TP", f"\\fB{code}\\fR", roff(meaning)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(man_page(), encoding="utf-8")
    print(file)


if __name__ == "__main__":
    main()
