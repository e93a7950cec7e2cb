"""The surface: commands, arguments, options and defaults. A change here is a change for everyone who has a script."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer
from typer.core import TyperGroup

import seqgan_wgp
from cli.app import app

Call = Callable[..., CompletedProcess[str]]

# Command -> argument or option, what its value is called -> default. Optional arguments are in brackets.
SURFACE: dict[str, dict[str, object]] = {
    "train": {
        "CORPUS...": None,
        "--out RUN": None,
        "--recipe NAME": None,
        "--from MODEL": None,
        "--config FILE": None,
        "--set KEY=VALUE ...": None,
        "--steps N": None,
        "--minutes M": None,
        "--seed S": None,
        "--device NAME": None,
        "--overwrite": False,
        "--dry-run": False,
        "--weights COUNTS": None,
        "--label COLUMN": None,
        "--plugin FILE ...": None,
    },
    "mnist": {
        "--data DIR": None,
        "--out RUN": None,
        "--recipe NAME": "mnist-wgan-gp",
        "--config FILE": None,
        "--set KEY=VALUE ...": None,
        "--steps N": None,
        "--minutes M": None,
        "--seed S": None,
        "--device NAME": None,
        "--overwrite": False,
        "--dry-run": False,
        "--plugin FILE ...": None,
    },
    "resume": {
        "RUN": None,
        "--steps N": None,
        "--minutes M": None,
        "--device NAME": None,
        "--from best": None,
        "--plugin FILE ...": None,
    },
    "report": {"RUN": None, "-o --output FILE": None, "--overwrite": False, "--plugin FILE ...": None},
    "compare": {
        "CORPUS...": None,
        "--recipes A,B,C ...": None,
        "--out DIR": None,
        "--data DIR": None,
        "--config FILE": None,
        "--set KEY=VALUE ...": None,
        "--steps N": None,
        "--minutes M": None,
        "--seed S": None,
        "--device NAME": None,
        "--overwrite": False,
        "--weights COUNTS": None,
        "--json": False,
        "--plugin FILE ...": None,
    },
    "generate": {
        "MODEL": None,
        "-n N": 10,
        "-o --output FILE": None,
        "--continue FILE": None,
        "--format FORMAT": "txt",
        "--csv-safe": False,
        "--columns N": None,
        "--best": False,
        "--device NAME": None,
        "--overwrite": False,
        "--seed S": 0,
        "--start K": 0,
        "--shard I/N": None,
        "--decode HOW": "auto",
        "--temperature T": 1.0,
        "--order ORDER": "index",
        "--label LABEL ...": None,
        "--scores": False,
        "--top K": None,
        "--refine": False,
        "--unique": False,
        "--not-in FILE ...": None,
        "--valid NAME": None,
        "--keep-if COMMAND": None,
        "--keep-if-seconds S": 60.0,
        "--keep-if-jobs J": None,
        "--tries T": None,
        "--memory MB": 512,
        "--prefix TEXT": None,
        "--suffix TEXT": None,
        "--contains TEXT ...": None,
        "--mask MASK": None,
        "-1 SET": None,
        "-2 SET": None,
        "-3 SET": None,
        "-4 SET": None,
        "--mask-file FILE": None,
        "--per-mask": False,
        "--length A-B": None,
        "--charset SET": None,
        "--regex PATTERN ...": None,
        "--at-least SET:K ...": None,
        "--at-most SET:K ...": None,
        "--without TEXT ...": None,
        "--without-file FILE ...": None,
        "--ignore-case": False,
        "--plugin FILE ...": None,
    },
    "interpolate": {
        "MODEL": None,
        "A": None,
        "B": None,
        "-n N": 10,
        "--text": False,
        "-o --output FILE": None,
        "--device NAME": None,
        "--overwrite": False,
        "--plugin FILE ...": None,
    },
    "fuse": {
        "MODEL": None,
        "[CORPUS...]": None,
        "--new SHARE": 0.8,
        "--different SHARE": 0.95,
        "--order-most N": None,
        "--seed S": 0,
        "--best": False,
        "--device NAME": None,
        "--plugin FILE ...": None,
    },
    "refine": {
        "MODEL": None,
        "[CORPUS...]": None,
        "--minutes M": None,
        "--steps N": None,
        "--rounds R": 1,
        "--acceptance RULE": "ratio",
        "--quantile Q": 0.95,
        "--proposals K": 32,
        "--new SHARE": 0.8,
        "--seed S": 0,
        "--best": False,
        "--device NAME": None,
        "--plugin FILE ...": None,
    },
    "score": {
        "--label LABEL": None,
        "MODEL": None,
        "[FILE]": "-",
        "--format FORMAT": "txt",
        "--csv-safe": False,
        "--log-probability": False,
        "--latents N": None,
        "--importance N": None,
        "--guess-number": False,
        "--seed S": None,
        "-o --output FILE": None,
        "--device NAME": None,
        "--overwrite": False,
        "--plugin FILE ...": None,
    },
    "similar": {
        "MODEL": None,
        "TEXT": None,
        "-n N": 10,
        "--distance D": 1.0,
        "--seed S": 0,
        "--format FORMAT": "txt",
        "--csv-safe": False,
        "-o --output FILE": None,
        "--device NAME": None,
        "--overwrite": False,
        "--plugin FILE ...": None,
    },
    "studio": {
        "[RUN|MODEL|CORPUS]": None,
        "--host HOST": "127.0.0.1",
        "--port PORT": None,
        "--token TOKEN": None,
        "--runs DIR": Path("runs"),
        "--no-open": False,
    },
    "export": {
        "MODEL": None,
        "--format FORMAT": None,
        "-o --output FILE": None,
        "--slim": False,
        "--best": False,
        "--overwrite": False,
        "--space DIR": None,
        "--plugin FILE ...": None,
    },
    "inspect": {
        "CORPUS...": None,
        "--json": False,
        "--recipe NAME": "fast",
        "--config FILE": None,
        "--set KEY=VALUE ...": None,
        "--weights COUNTS": None,
        "--no-timing": False,
        "--plugin FILE ...": None,
    },
    "evaluate": {
        "[MODEL]": None,
        "[CORPUS...]": None,
        "--strings FILE ...": None,
        "--reference CORPUS ...": None,
        "--samples N": None,
        "--legacy": False,
        "--guesses G ...": None,
        "--hits G": None,
        "--orders N": None,
        "--c2st-steps N": None,
        "--refine": False,
        "--seed S": 0,
        "--baseline-seconds SECONDS": None,
        "--temperatures T,T,...": None,
        "--valid NAME": None,
        "--log-probability": False,
        "--best": False,
        "--data DIR": None,
        "--weights COUNTS": None,
        "--device NAME": None,
        "--json": False,
        "--plugin FILE ...": None,
    },
    "theory": {
        "--out DIR": Path("theory"),
        "--only A,B,C": None,
        "--seed S": 0,
        "--quick": False,
        "--overwrite": False,
    },
    "recipes": {"[NAME]": None},
    "corpora": {},
    "models": {"[NAME]": None},
    "info": {},
}


def declared() -> dict[str, dict[str, object]]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    surface: dict[str, dict[str, object]] = {}
    for name, command in group.commands.items():
        surface[name] = {}
        for parameter in command.params:
            words = list(parameter.opts) if parameter.param_type_name == "option" else []
            words += [parameter.metavar] if parameter.metavar else []
            words += ["..."] if parameter.multiple else []
            surface[name][" ".join(words)] = parameter.default
    return surface


def test_the_surface_is_as_listed() -> None:
    assert declared() == SURFACE
    assert list(declared()) == list(SURFACE)


@pytest.mark.parametrize("command", [[], *([name] for name in SURFACE)], ids=lambda words: " ".join(words) or "-")
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(command: list[str], flag: str, call: Call) -> None:
    result = call(*command, flag)
    assert (result.returncode, result.stderr) == (0, "")
    assert " ".join(["Usage: seqgan-wgp", *command]) in result.stdout
    options = SURFACE[command[0]] if command else SURFACE
    assert [name for name in options if name.split()[0].strip("[]") not in result.stdout] == []


def test_no_arguments_show_help(call: Call) -> None:
    result = call()
    assert "Usage: seqgan-wgp" in result.stdout + result.stderr
    assert all(name in result.stdout + result.stderr for name in SURFACE)


def test_version(call: Call, process: Call) -> None:
    for result in (call("--version"), process("--version")):
        assert (result.returncode, result.stdout, result.stderr) == (0, f"seqgan-wgp {seqgan_wgp.__version__}\n", "")


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in SURFACE)], ids=" ".join)
def test_help_is_quick_since_it_imports_no_large_library(
    words: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    program = f"""
import sys
from cli.app import app
try:
    app({words!r})
except SystemExit as end:
    loaded = {{"torch", "numpy", "tokenizers", "safetensors", "matplotlib"}} & set(sys.modules)
    sys.exit(f"{{end.code}} {{sorted(loaded)}}")
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr == "0 []\n"


def test_the_shell_completes_commands_and_options(environment: dict[str, str], tmp_path: Path) -> None:
    def completed(words: str, position: int) -> set[str]:
        asked = {"_SEQGAN_WGP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        result = subprocess.run(
            [sys.executable, "-c", "from cli.app import app; app(prog_name='seqgan-wgp')"],
            cwd=tmp_path,
            env={**environment, **asked},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert result.stderr == ""
        return set(result.stdout.split())

    assert completed("seqgan-wgp re", 1) == {name for name in SURFACE if name.startswith("re")}
    assert completed("seqgan-wgp generate --s", 2) == {"--seed", "--start", "--shard", "--scores", "--suffix"}
    assert {"--install-completion", "--show-completion"} <= completed("seqgan-wgp --", 1)
