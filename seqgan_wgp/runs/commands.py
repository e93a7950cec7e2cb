"""The commands resume, compare, score and export as functions; others are beside what they do.

Each takes the options of its command and returns what the command prints. docs/python.md lists all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import config as configs
from ..domains import DOMAINS, DomainAdapter, adapter_claiming
from ..errors import ConfigError, did_you_mean
from ..model import Model
from ..registry import load_plugins
from ..text.generation.probabilities import GUESSED
from ..text.generation.string_probability import LATENTS
from ..text.readers.strings import strings_of
from ..training.record import Record
from ..utils.atomic_files import check_file
from .compare.comparison import Comparison
from .compare.folder import held_comparison, open_comparison
from .compare.plan import ComparisonOptions, parse_entries
from .evaluate import load_model
from .export.formats import EXPORTS, SLIM, left_out
from .export.space import write_space
from .folder import open_run
from .session import OnRecord, check_longer
from .train import report_or_warn, run_training, watched

_PROBABILITY = ("log_probability", "error", "bits_per_character")


def probability_columns(*, guess_number: bool) -> tuple[str, ...]:
    """Return the columns that `log_probability` adds to scores."""
    return (*_PROBABILITY, "guess_number") if guess_number else _PROBABILITY


def resume(
    run: str | Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    device: str | None = None,
    from_best: bool = False,
    on_record: Callable[[Record], None] | None = None,
    progress: bool = False,
    plugins: Sequence[str | Path] = (),
) -> Model:
    """Resume a run, optionally with a later end, and return its model. The result equals an uninterrupted run.

    Args:
        run: the run's folder.
        steps: total number of training rounds, including those already done; None: as planned.
        minutes: total training time in minutes, including time already spent; None: as planned.
        device: "auto", "cpu", "cuda" or "mps"; None: as before.
        from_best: continue from the model of the best evaluation, if the checkpoints are damaged.
        on_record: called after every step.
        progress: show the progress, as for `train`.
        plugins: plugin files that the run needs.

    Raises:
        CheckpointError, ConfigError, Diverged: see `run_training`.
    """
    load_plugins(plugins)
    folder = open_run(Path(run))
    overrides = configs.given("training", steps=steps, minutes=minutes, device=device)
    if not from_best:
        check_longer(folder, overrides)
    with watched(folder, on_record, progress=progress) as on_each:
        run_training(folder, overrides, on_record=on_each, from_best=from_best)
    report_or_warn(folder)
    return Model.load(folder.path, device=device or "auto")


def compare(
    corpus: Any,
    recipes: str | Sequence[str],
    *,
    out: str | Path,
    data: str | Path | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, object] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    overwrite: bool = False,
    weights: str | None = None,
    on_record: Callable[[Record], None] | None = None,
    plugins: Sequence[str | Path] = (),
) -> Comparison:
    """Train several recipes on the same data with the same seed; called again, continue an interrupted comparison.

    Args:
        corpus: as for `train`, "toy:NAME" and "mnist" included.
        recipes: recipes, each NAME or NAME:KEY=VALUE,KEY=VALUE, in a sequence or separated by commas.
        out: folder of the comparison.
        data: for "mnist": folder with the images.
        config: TOML file with settings that override the recipes.
        settings: dotted setting -> value, for all recipes.
        steps: training rounds of each; None: those of the recipe.
        minutes: training time of each in minutes.
        seed: random seed.
        device: "auto", "cpu", "cuda" or "mps".
        overwrite: replace an existing comparison in the folder.
        weights: for text: the column of counts.
        on_record: called after every step.
        plugins: Python files that register losses, penalties, networks or optimizers.

    Returns:
        The comparison, with a result for each recipe; `to_json` and `plot` have what the command shows.

    Raises:
        ConfigError, CorpusError: see the classes.
    """
    load_plugins(plugins)
    named = isinstance(corpus, str | Path)
    inputs = [str(corpus)] if named else []
    data_named = inputs if named else corpus
    adapter: DomainAdapter = adapter_claiming(inputs) if named else DOMAINS["text"]
    asked = ComparisonOptions(
        entries=parse_entries([recipes] if isinstance(recipes, str) else recipes),
        domain=adapter.name,
        settings={**(settings or {}), **configs.given("corpus", weights=weights), **adapter.settings(data_named)},
        file=None if config is None else Path(config),
        steps=steps,
        minutes=minutes,
        seed=seed,
        device=device,
    )
    first = asked.configs()[0]
    with held_comparison(Path(out), overwrite=overwrite) as claim:
        source = adapter.open_inputs(inputs, None if data is None else Path(data)) if named else corpus
        comparison = open_comparison(Path(out), claim, adapter.scan(source, first), asked)
        for entrant in comparison.entrants:
            if not comparison.done(entrant):
                comparison.train(entrant, _alone(on_record))
        comparison.draw()
    return comparison


def _alone(on_record: Callable[[Record], None] | None) -> OnRecord | None:
    return None if on_record is None else lambda record, _domain: on_record(record)


def score_strings(
    model: Model | str | Path,
    strings: str | Path | Iterable[str],
    *,
    log_probability: bool = False,
    latents: int | None = None,
    importance: int | None = None,
    guess_number: bool = False,
    seed: int | None = None,
    label: str | None = None,
    device: str | None = None,
    plugins: Sequence[str | Path] = (),
) -> Iterator[dict[str, Any]]:
    """Score strings with the critic and, if asked for, by their log probability; one record for each, in order.

    Args:
        model: a run folder, a model file, or a loaded model. Text only.
        strings: a path (FILE:COLUMN for a column of a table), or any number of strings, read in blocks.
        log_probability: add `log_probability`, `error` and `bits_per_character`; see `Model.log_probability`.
        latents: number of latents that it is averaged over; None: 65,536.
        importance: number of latents of importance sampling for each string instead; None or 0: none.
        guess_number: add `guess_number`.
        seed: random seed of the latents; None: 0.
        label: of a conditional model, the label that the strings are scored by.
        device: "auto", "cpu", "cuda" or "mps". A loaded model stays on its device.
        plugins: plugin files that the model needs.

    Returns:
        Records with the keys text, score, flag and those asked for, ready for `pandas.DataFrame`.

    Raises:
        ConfigError: not a model of text, a number out of bounds, or an option that only `log_probability` has.
        CheckpointError, CorpusError: the model or the file cannot be read.
    """
    load_plugins(plugins)
    only = {"latents": latents, "importance": importance, "seed": seed, "guess_number": guess_number or None}
    for name, value in only.items():
        if value is not None and not log_probability:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} is given without --log-probability", "give both, or neither")
    loaded = load_model(model, best=False, device=device or "auto")
    loaded.text_spec("score")
    given = strings_of(str(strings), loaded.config.corpus) if isinstance(strings, str | Path) else strings
    if not log_probability:
        return (_record(one) for one in loaded.score(given, label=label))
    first, again = itertools.tee(given)
    columns = probability_columns(guess_number=guess_number)
    found = loaded.log_probability(
        again,
        latents=LATENTS if latents is None else latents,
        importance=importance or 0,
        guesses=GUESSED if guess_number else 0,
        seed=seed or 0,
    )
    pairs = zip(loaded.score(first, label=label), found, strict=True)
    return (_record(one) | {name: getattr(other, name) for name in columns} for one, other in pairs)


def _record(one: Any) -> dict[str, Any]:
    return {"text": one.text, "score": one.score, "flag": one.flag}


def export(
    model: Model | str | Path,
    output: str | Path | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the option's name
    slim: bool = False,
    best: bool = False,
    space: str | Path | None = None,
    overwrite: bool = False,
    plugins: Sequence[str | Path] = (),
    on_note: Callable[[str], None] = lambda _note: None,
) -> Path:
    """Write a model for other programs, or as a small file, and return the path.

    Args:
        model: a run folder, a model file, or a loaded model.
        output: file to write; None: the model's name in the current folder.
        format: "onnx", "html" for a web page that generates, or "safetensors" for a slim model file; None: onnx, or
            safetensors with `slim`.
        slim: write a slim model file; see `Model.save`.
        best: use the model of the best evaluation instead of the latest; needs a run folder.
        space: write instead a folder for a Space of the Hugging Face Hub; see `write_space`.
        overwrite: replace the file if it exists.
        plugins: plugin files that the model needs.
        on_note: called with what the file lacks, a sentence each.

    Raises:
        ConfigError: an unknown format, a package that it needs is missing, or the file exists.
        CheckpointError: the model cannot be read.
    """
    load_plugins(plugins)
    if space is not None and (output is not None or format is not None or slim):
        raise ConfigError("--space cannot be combined with -o, --format or --slim", "leave --space or the others out")
    name = format or (SLIM if slim else "onnx")
    if name not in EXPORTS:
        known = f"choose one of: {', '.join(EXPORTS)}"
        raise ConfigError(f"--format is {name!r}{did_you_mean(name, EXPORTS)}", known)
    if slim and name != SLIM:
        raise ConfigError(f"--slim is for --format {SLIM}, and --format is {name}", "leave out one of the two")
    if space is None:
        EXPORTS[name].check()
    if isinstance(model, Model) and output is None and space is None:
        raise ConfigError("a loaded model has no name for a file", "give output")
    loaded = load_model(model, best=best, device="cpu")
    if space is not None:
        write_space(loaded, Path(space), overwrite=overwrite)
        return Path(space)
    path = Path(f"{_name(Path(str(model)))}.{name}") if output is None else Path(output)
    check_file(path, overwrite=overwrite)
    EXPORTS[name].write(loaded, path)
    for called in left_out(loaded, name):
        on_note(f"the model's {called} is not exported: the file's strings are those of --decode argmax")
    return path


def _name(model: Path) -> str:
    """Return the name of a run folder, model file or bundled model."""
    whole = model.resolve()
    return whole.name if whole.is_dir() else whole.stem
