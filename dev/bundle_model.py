"""Make a bundled model of a run: a slim file, its card and its digests in seqgan_wgp/models/index.toml.

    python -m dev.bundle_model RUN NAME CORPUS [--best] [--valid VALIDATOR]

The entry NAME of the index must be there: it has the description, the corpus, its licence and the commands, which the
card repeats. CORPUS is what the run was trained on; the test split of it is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path

from seqgan_wgp import Model, evaluate
from seqgan_wgp.text.generation.formats import as_txt
from seqgan_wgp.text.readers.bundled import bundled_with
from seqgan_wgp.training.adapter import Evaluation
from seqgan_wgp.utils.bundled_models import FOLDER, BundledModel, bundled_models

COMPARED = 10_000
SAMPLES = 20


def card(entry: BundledModel, model: Model, found: Evaluation, changed: int) -> str:
    """Return the model card as Markdown."""
    strings = [f"    {as_txt(string)}" for string in model.generate(SAMPLES)]
    table = found.tables[0]
    is_bundled = bundled_with(model.facts["corpus"]["sha256"]) is not None
    minutes = f"{model.facts['seconds'] / 60:.1f} minutes of wall time on one core"
    rows = [table.head, ["---"] * len(table.head), *table.rows]
    measures = [f"| {' | '.join(str(cell) or ' ' for cell in row)} |" for row in rows]
    lines = [
        f"# {entry.name}",
        "",
        f"{entry.description}.",
        "",
        f"* Trained on: {entry.corpus}.",
        f"* Licence of the corpus: {entry.licence}. The model is under the MIT licence of this project.",
        f"* SHA-256 of the corpus: `{model.facts['corpus']['sha256']}`.",
        f"* Training: {model.facts['step']:,} steps, {minutes}.",
        f"* Weights in half precision. Of {COMPARED:,} strings by `--decode argmax`, {changed} differ from those of "
        "the same weights in single precision, each where two characters are about equally probable.",
        "",
        "Made by:",
        "",
        *(f"    {line}" for line in entry.command.splitlines()),
        "",
        "## Samples",
        "",
        f"The first {SAMPLES} strings of seed 0, unselected:",
        "",
        *strings,
        "",
        "## Measures",
        "",
        f"On the test split of the corpus, by `seqgan-wgp evaluate {entry.name}{'' if is_bundled else ' CORPUS'}`:",
        "",
        *(f"* {sentence}" for sentence in found.summary),
        *_validity(found),
        "",
        *measures,
    ]
    return "\n".join(lines) + "\n"


def _validity(found: Evaluation) -> list[str]:
    """Return the share of valid strings, where a validator was named."""
    valid = found.to_json().get("valid")
    if valid is None:
        return []
    return [f"* valid by `{valid['validator']}`: {valid['generated']:.1%}, of the test lines {valid['test']:.1%}"]


def with_digest(index: str, name: str, key: str, digest: str) -> str:
    """Return the text of index.toml with the digest `key` of the model `name` exchanged, and nothing else changed."""
    pattern = rf'(^\[{name}\]\n(?:(?!\[).*\n)*?{key} = ")[0-9a-f]*'
    return re.sub(pattern, rf"\g<1>{digest}", index, flags=re.M)


def main() -> None:
    """Write the file, the card and the digests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("name")
    parser.add_argument("corpus")
    parser.add_argument("--best", action="store_true")
    parser.add_argument("--valid", help="validator whose share of valid strings the card names")
    given = parser.parse_args()
    entry = bundled_models()[given.name]
    whole = Model.load(given.run, best=given.best)
    whole.save(entry.path, slim=True)
    model = Model.load(entry.path)
    pairs = zip(whole.generate(COMPARED, decode="argmax"), model.generate(COMPARED, decode="argmax"), strict=True)
    changed = sum(one != other for one, other in pairs)
    found = evaluate(model, given.corpus, baseline_seconds=0, valid=given.valid)
    entry.card.write_text(card(entry, model, found, changed), encoding="utf-8")
    index = FOLDER / "index.toml"
    digest = hashlib.sha256(entry.path.read_bytes()).hexdigest()
    text = with_digest(index.read_text(encoding="utf-8"), entry.name, "sha256", digest)
    text = with_digest(text, entry.name, "corpus-sha256", model.facts["corpus"]["sha256"])
    index.write_text(text, encoding="utf-8")
    print(f"{entry.path}: {Path(entry.path).stat().st_size:,} bytes, {changed} of {COMPARED:,} strings differ")


if __name__ == "__main__":
    main()
