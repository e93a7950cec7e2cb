"""What is installed is what is here: every package and kind of data, one name, a command that works elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND_PACKAGES = ("seqgan_wgp.cli", "seqgan_wgp.cli.commands", "seqgan_wgp.cli.ui")
DATA_PACKAGES = (
    "seqgan_wgp.corpora",
    "seqgan_wgp.models",
    "seqgan_wgp.runs.export.templates",
    "seqgan_wgp.runs.report.templates",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy so that no build folder is left in the tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(out),
            str(source),
        ],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it and nothing else."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)],
        check=True,
        capture_output=True,
    )
    return target


def elsewhere(site: Path, *command: str, cwd: Path) -> str:
    """Run a command with the installed package first on the path, outside the clone."""
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def test_every_package_with_code_is_named() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "seqgan_wgp").rglob("*.py")}
    assert set(named) == {".".join(folder.parts) for folder in folders} | {*COMMAND_PACKAGES, *DATA_PACKAGES}


def test_a_wheel_holds_every_file_and_adds_one_name(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"seqgan_wgp"}
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "seqgan_wgp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"seqgan_wgp/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "cli").rglob("*.py")}
    expected |= {f"seqgan_wgp/corpora/{path.name}" for path in (ROOT / "corpora").iterdir()}
    assert expected - held == set()


def test_one_of_each_kind_of_data_opens_from_an_installation(site: Path, tmp_path: Path) -> None:
    program = """
import seqgan_wgp, seqgan_wgp.config, seqgan_wgp.text.readers.bundled as bundled
assert seqgan_wgp.__file__.startswith({site!r}), seqgan_wgp.__file__
print(*seqgan_wgp.recipe_names())
for corpus in bundled.bundled().values():
    assert str(corpus.path).startswith({site!r}) and corpus.path.stat().st_size > 0
    print(corpus.name)
"""
    printed = elsewhere(site, sys.executable, "-c", program.format(site=str(site)), cwd=tmp_path)
    assert {"fast", "paper", "passgan", "words", "identifiers"} <= set(printed.split())


def test_the_installed_command_trains_and_generates_outside_the_tree(site: Path, tmp_path: Path) -> None:
    script = str(site / "bin" / "seqgan-wgp")
    sizes = ["--set", "generator.width=8", "--set", "critic.width=8", "--set", "evaluation.every=2"]
    run = elsewhere(site, sys.executable, script, "train", "words", "--steps", "3", *sizes, cwd=tmp_path).strip()
    assert run == str(Path("runs") / "words-fast-001")
    assert len(elsewhere(site, sys.executable, script, "generate", run, "-n", "7", cwd=tmp_path).splitlines()) == 7


def files_of_the_document(folder: Path) -> list[Path]:
    """Write the code blocks of docs/extending.md that name a file to these files."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", text, flags=re.M | re.S)
    for name, code in blocks:
        (folder / name).write_text(code, encoding="utf-8")
    return [folder / name for name, _ in blocks]


PLUGINS = ["rphinge.py", "transformer.py", "average.py", "gp_half.py", "adamw.py", "pairs.py", "no_digits.py"]


def test_the_loop_of_the_document_runs_from_an_installation(site: Path, tmp_path: Path) -> None:
    files_of_the_document(tmp_path)
    words = (ROOT / "corpora" / "words.txt").read_text(encoding="utf-8").splitlines()
    (tmp_path / "names.txt").write_text("\n".join(words[:500]), encoding="utf-8")
    printed = elsewhere(site, sys.executable, "own_loop.py", cwd=tmp_path).splitlines()
    assert [int(line.split()[0]) for line in printed] == list(range(1, 11))


def test_the_plugins_of_the_document_run_from_an_installation(site: Path, tmp_path: Path) -> None:
    files = [file for file in files_of_the_document(tmp_path) if file.name in PLUGINS]
    assert [file.name for file in files] == PLUGINS
    script = str(site / "bin" / "seqgan-wgp")
    plugins = [word for file in files for word in ("--plugin", file.name)]
    words = ["train", "words", "--steps", "2", "--seed", "5", "--device", "cpu", *plugins]
    for setting in (
        "objective.loss=rphinge",
        "objective.constraint=gp-half",
        "optimizer.generator.name=adamw",
        "optimizer.critic.name=adamw",
        "critic.context=average",
        "corpus.unit=pair",
        "generator.network=transformer",
        "generator.normalization=none",
        "generator.initialization=constructor",
        "generator.width=8",
        "critic.width=8",
        "log.every=1",
        "evaluation.every=2",
        "evaluation.samples=64",
        "corpus.limit=2000",
    ):
        words += ["--set", setting]
    records = []
    for run in ("first", "second"):
        elsewhere(site, sys.executable, script, *words, "--out", run, cwd=tmp_path)
        lines = (tmp_path / run / "metrics.jsonl").read_text().splitlines()
        records.append([json.loads(line) | {"seconds": 0} for line in lines])
    assert len(records[0]) == 2 and records[0] == records[1]
    assert json.loads((tmp_path / "first" / "config.json").read_text())["plugins"] == [
        "transformer.py",
        "pairs.py",
        "average.py",
        "rphinge.py",
        "gp_half.py",
        "adamw.py",
    ]
    generate = [sys.executable, script, "generate", "first", "-n", "3"]
    strings = elsewhere(site, *generate, *plugins, "--valid", "no-digits", cwd=tmp_path).splitlines()
    assert len(strings) == 3 and not re.search("[0-9]", "".join(strings))
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    refused = subprocess.run(generate, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert refused.returncode == 2 and "the settings need the plugin transformer.py" in refused.stderr
    program = """
from seqgan_wgp import Model, load_plugins
from seqgan_wgp.testing import check_generator, check_loss, check_optimizer, check_penalty, check_unit
plugins = ["rphinge.py", "transformer.py", "average.py", "gp_half.py", "adamw.py", "pairs.py"]
print(len(Model.load("first", plugins=plugins).generate(2)))
check_loss("rphinge")
check_penalty("gp-half")
check_optimizer("adamw")
check_unit("pair", ["ATGGCATAA", "ATGG"])
check_generator("transformer", data="text")
"""
    assert elsewhere(site, sys.executable, "-c", program, cwd=tmp_path) == "2\n"
