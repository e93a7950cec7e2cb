"""The model card: what a model is, what it was trained on, how well it does, how to use it and what it is not for.

Everything in it is computed from the model; the words are in templates/model_card.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from ..._version import __version__
from ...errors import CheckpointError
from ...images.dataset import ImageFacts
from ...text.corpus.stats import Facts
from ...text.generation.formats import printable
from ...toy.spec import ToyFacts
from ..measures import measures_in, value_text, wording

if TYPE_CHECKING:
    from ...model import Model

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md"

SAMPLES = 20
"""Generated strings in a card: the first of seed 0, not chosen."""

TASKS = {"text": "text-generation", "image": "unconditional-image-generation", "toy": "other"}
"""Kind of data -> what the Hugging Face Hub calls the task."""

Row = tuple[str, str]


def card(model: Model, name: str) -> str:
    """Return the text of README.md for a model, with the front matter that the Hugging Face Hub reads.

    Args:
        model: of any kind of data.
        name: that the model goes by.

    Raises:
        CheckpointError: the model's facts of its data are not complete.
    """
    config, facts = model.config, model.facts
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"quoted": _quoted, "cell": _cell}
    try:
        data_name, data = DATA[config.domain](model)
    except (KeyError, TypeError):
        raise CheckpointError("the model does not say what it was trained on, as a card must") from None
    half, rows = _measured(facts.get("metrics", {}))
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=printable(name),
        domain=config.domain,
        task=TASKS[config.domain],
        version=__version__,
        data_name=data_name,
        data=data,
        training=_training(model),
        half=half,
        measures=rows,
        criterion=config.objective.loss,
        constraint=config.objective.constraint,
        samples=[] if config.domain == "image" else [printable(string) for string in model.generate(SAMPLES)],
    )


def _text(model: Model) -> tuple[str, list[Row]]:
    facts = Facts(**model.facts["corpus"])
    unit = "bytes" if facts.unit == "byte" else "characters"
    counts = {
        "lines read": facts.read,
        "empty lines, left out": facts.empty if facts.windows == 1 else 0,
        "lines that could not be read, left out": facts.bad,
        f"lines longer than {facts.length}, left out": facts.dropped,
        f"lines longer than {facts.length}, cut off": facts.cropped,
        f"lines longer than {facts.length}, cut in pieces": facts.chunked,
        "rows trained on": facts.train,
        "rows held out to choose the best model (validation)": facts.validation,
        "rows held out and only reported (test)": facts.test,
        f"different {unit}": facts.alphabet,
    }
    what = f"one of the lines, at most {facts.length} {unit}"
    if facts.windows > 1:
        what = f"{facts.length} {unit} from any place of running text; {facts.windows:,} in a row"
    shown = [(label, f"{count:,}") for label, count in counts.items() if count]
    return facts.name, [("SHA-256 of the text", facts.sha256), ("an item is", what), *shown]


def _image(model: Model) -> tuple[str, list[Row]]:
    facts = ImageFacts(**model.facts["images"])
    return facts.name, [
        ("SHA-256 of the pixels", facts.sha256),
        ("shape (channels, height, width)", " x ".join(map(str, facts.shape))),
        ("images trained on, at most", f"{facts.train:,}"),
        ("images held out to choose the best model (validation)", f"{facts.validation:,}"),
        ("images held out and only reported (test)", f"{facts.test:,}"),
    ]


def _toy(model: Model) -> tuple[str, list[Row]]:
    facts = ToyFacts.read(model.facts["toy"])
    return facts.name, [("distribution", facts.summary())]


DATA: dict[str, Callable[[Model], tuple[str, list[Row]]]] = {"text": _text, "image": _image, "toy": _toy}
"""Kind of data -> what the data is called, and what there is to say of it."""


def _training(model: Model) -> list[Row]:
    config, facts = model.config, model.facts
    networks = {"generator": model.generator, "critic": model.critic}
    sizes = {part: sum(weight.numel() for weight in network.parameters()) for part, network in networks.items()}
    rows = [("recipe it started from", config.recipe)] if config.recipe else []
    rows += [(f"weights of the {part}", f"{size:,}") for part, size in sizes.items()]
    rows += [
        ("latent", f"{config.generator.latent} numbers, {config.generator.latent_distribution}"),
        ("seed", str(config.training.seed)),
    ]
    if "step" in facts:
        rows.append(("steps trained", f"{facts['step']:,}"))
    if "seconds" in facts:
        rows.append(("minutes trained", f"{facts['seconds'] / 60:.1f}"))
    return rows


def _measured(metrics: Mapping[str, Mapping[str, float]]) -> tuple[str, list[dict[str, object]]]:
    """Return which half the model is reported on, test where it was, and a row for each measure."""
    half = next((half for half in ("test", "validation") if metrics.get(half)), "")
    values = measures_in(metrics.get(half, {}))
    rows: list[dict[str, object]] = []
    for name, value in values.items():
        if not name.endswith("_floor"):
            floor = values.get(f"{name}_floor")
            words, shown = wording(name), "" if floor is None else value_text(name, floor)
            texts = {"title": words.title, "text": value_text(name, value), "floor": shown, "meaning": words.meaning}
            rows.append({"name": name, "value": value, **texts})
    return half, rows


def _quoted(text: str) -> str:
    """Return text as a YAML scalar: JSON strings are some."""
    return json.dumps(printable(text), ensure_ascii=False)


def _cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    plain = printable(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"
