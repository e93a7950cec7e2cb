"""Measure the default recipe on many corpora after the same training time.

    python -m benchmarks.corpora names.txt cities.txt --minutes 3 --jobs 2 --json results.json

Each corpus is trained on by `train CORPUS --minutes M` and no other flag, in a process of its own with `--threads`
threads, `--jobs` of them at a time. Prints a Markdown table with the measures of the test half and the first strings
that `generate` gives for each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import seqgan_wgp

COLUMNS = "| corpus | lines | alphabet | L | width | rounds | JS-4 | its floor | over it | unique | novel |"


def run(corpus: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train on one corpus and return its row."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "GOMP_SPINCOUNT": "10000"}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        command = [sys.executable, "-m", "cli", "train", corpus, "--minutes", str(options.minutes), "--out", str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        model = seqgan_wgp.Model.load(out, device="cpu")
        strings = model.generate(options.strings, seed=1)
    facts, metrics = model.facts["corpus"], model.facts["metrics"]["test"]
    return {
        "corpus": Path(corpus).name,
        "facts": facts,
        "width": model.config.generator.width,
        "steps": model.facts["step"],
        "seconds": model.facts["seconds"],
        "metrics": metrics,
        "strings": strings,
    }


def markdown(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    facts, metrics = row["facts"], row["metrics"]
    size = f"{facts['rows'] * (facts['length'] + facts['windows'] - 1):,} characters" if facts["windows"] > 1 else ""
    js, floor = metrics["js4"], metrics["js4_floor"]
    cells = [row["corpus"], size or f"{facts['rows']:,}", f"{facts['alphabet']:,}", facts["length"], row["width"]]
    cells += [f"{row['steps']:,}", f"{js:.3f}", f"{floor:.3f}", f"{js - floor:.3f}"]
    cells += [f"{metrics['unique']:.1%}", f"{metrics['novel']:.1%}"]
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--strings", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{COLUMNS}\n|{' --- |' * (COLUMNS.count('|') - 1)}", flush=True)
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda corpus: run(corpus, options), options.corpora):
            rows.append(row)
            print(markdown(row), flush=True)
            if options.json is not None:
                options.json.write_text(json.dumps({"rows": rows}, indent=2, ensure_ascii=False), encoding="utf-8")
    for row in rows:
        print(f"\n{row['corpus']}")
        for string in row["strings"]:
            print(f"    {string!r}")


if __name__ == "__main__":
    main()
