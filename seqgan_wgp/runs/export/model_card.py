"""Write a model card: training data, evaluation, usage, intended use and limits of a model.

All numbers are computed from the model; the text is in templates/model_card.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jinja2

from ..._version import __version__
from ...domains import DOMAINS
from ...errors import CheckpointError
from ...model import Model
from ...text.generation.formats import printable
from ..measures import measures_in, value_text, wording

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md"

SAMPLES = 20
"""Number of generated strings in a card: the first of seed 0, unselected."""


def model_card(model: Model, name: str, *, space: bool = False) -> str:
    """Return the text of README.md for a model, with the front matter that the Hugging Face Hub reads.

    Args:
        model: a model of any kind of data.
        name: name of the model.
        space: say how to use the folder of a Space, instead of one for `from_pretrained`.

    Raises:
        CheckpointError: the model's facts about its data are incomplete.
    """
    config, facts, adapter = model.config, model.facts, DOMAINS[model.config.domain]
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"quoted": _quoted, "cell": _cell}
    try:
        data = adapter.card_data(facts)
    except (KeyError, TypeError):
        raise CheckpointError("the model file lacks facts about its training data, which a model card needs") from None
    half, rows = _measured(facts.get("metrics", {}))
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=printable(name),
        space=space,
        adapter=adapter,
        version=__version__,
        data=data,
        has_tokenizer="tokenizer" in facts,
        training=_training(model),
        half=half,
        measures=rows,
        criterion=config.objective.loss,
        constraint=config.objective.constraint,
        samples=[printable(string) for string in model.generate(SAMPLES)] if adapter.is_readable else [],
    )


def _training(model: Model) -> list[tuple[str, str]]:
    config, facts = model.config, model.facts
    networks = {"generator": model.generator, "critic": model.critic}
    sizes = {part: sum(weight.numel() for weight in network.parameters()) for part, network in networks.items()}
    rows = [("recipe", config.recipe)] if config.recipe else []
    rows += [(f"{part} parameters", f"{size:,}") for part, size in sizes.items()]
    rows += [
        ("latent vector", f"{config.generator.latent} dimensions, {config.generator.latent_distribution}"),
        ("seed", str(config.training.seed)),
    ]
    if "step" in facts:
        rows.append(("training steps", f"{facts['step']:,}"))
    if "seconds" in facts:
        rows.append(("training time (minutes)", f"{facts['seconds'] / 60:.1f}"))
    return rows


def _measured(metrics: Mapping[str, Mapping[str, float]]) -> tuple[str, list[dict[str, object]]]:
    """Return the split of the reported measures, test if available, and a row for each measure."""
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
    """Return text as a YAML scalar; every JSON string is one."""
    return json.dumps(printable(text), ensure_ascii=False)


def _cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    plain = printable(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"
