"""seqgan-wgp generate: generate strings, images or points from a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from .. import options
from ..ui.console import guarded
from ..ui.output import opened
from . import generate_options as flags
from .generate_text import Job, write_strings

if TYPE_CHECKING:
    from seqgan_wgp.domains import DomainAdapter
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.constrained.constraints import WordFile
    from seqgan_wgp.text.domain import LabelPairs

_FOR_ALL_DATA = frozenset(
    ("model", "n", "output", "format_", "columns", "best", "device", "overwrite", "seed", "start", "plugin")
)
"""Parameters of the command that apply to every kind of data; the others are for text."""


@guarded
def generate(
    context: typer.Context,
    model: options.TrainedModel,
    n: flags.Strings = 10,
    output: options.Output = None,
    continue_: flags.Continue = None,
    format_: flags.Format = "txt",
    csv_safe: options.CsvSafe = False,
    columns: flags.Columns = None,
    best: flags.Best = False,
    device: options.Device = None,
    overwrite: options.Replace = False,
    seed: flags.Seed = 0,
    start: flags.Start = 0,
    shard: flags.Shard = None,
    decode: flags.Decode = "auto",
    temperature: flags.Temperature = 1.0,
    order: flags.Order = "index",
    label: flags.Label = None,
    scores: flags.Scores = False,
    top: flags.Top = None,
    refine: flags.Refine = False,
    unique: flags.Unique = False,
    not_in: flags.NotIn = None,
    valid: flags.Valid = None,
    keep_if: flags.KeepIf = None,
    keep_if_seconds: flags.KeepIfSeconds = 60.0,
    keep_if_jobs: flags.KeepIfJobs = None,
    tries: flags.Tries = None,
    memory: flags.Memory = 512,
    prefix: flags.Prefix = None,
    suffix: flags.Suffix = None,
    contains: flags.Contains = None,
    mask: flags.Mask = None,
    set_1: flags.Set1 = None,
    set_2: flags.Set2 = None,
    set_3: flags.Set3 = None,
    set_4: flags.Set4 = None,
    mask_file: flags.MaskFile = None,
    per_mask: flags.PerMask = False,
    length: flags.Length = None,
    charset: flags.Charset = None,
    regex: flags.Regex = None,
    at_least: flags.AtLeast = None,
    at_most: flags.AtMost = None,
    without: flags.Without = None,
    without_file: flags.WithoutFile = None,
    ignore_case: flags.IgnoreCase = False,
    plugin: options.Plugins = None,
) -> None:
    """Generate strings, images or points from a trained model.

    Strings and points are printed one per line.
    Images need -o: FILE.png for a grid, FILE.npy for an array, or a folder for one file per image.
    """
    if plugin:
        options.load_plugins(plugin)
    from seqgan_wgp.domains import DOMAINS
    from seqgan_wgp.errors import ConfigError
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.constrained.constraints import Constraints, parse_length
    from seqgan_wgp.text.constrained.mask_file import read_mask_file
    from seqgan_wgp.text.generation.keep_if import Program
    from seqgan_wgp.text.generation.request import Request, parse_shard

    _check(n, seed, start)
    loaded = Model.load(model, device=device or "auto", best=best)
    adapter = DOMAINS[loaded.config.domain]
    if format_ != "txt":  # which every kind of data has
        adapter.check_format(format_)
    if not adapter.has_strings:
        _refuse_text_options(context, adapter)
        if n < 1:
            raise ConfigError(f"-n is {n}, but it must be at least 1")
        _write_items(loaded, n, output, format_, columns, seed=seed, start=start, overwrite=overwrite)
        return
    from seqgan_wgp.text.generation.formats import chosen_format

    format_ = chosen_format(format_, csv_safe=csv_safe)
    if columns is not None:
        adapter.items_writer(output, n, columns=columns, overwrite=overwrite)
    given: dict[str, Any] = {
        "prefix": prefix,
        "suffix": suffix,
        "contains": tuple(contains or ()),
        "mask": mask,
        "length": None if length is None else parse_length(length),
        "charset": charset,
        "regex": tuple(regex or ()),
        "at_least": tuple(at_least or ()),
        "at_most": tuple(at_most or ()),
        "without": tuple(without or ()),
        "without_files": _word_files(loaded, without_file or ()),
        "ignore_case": ignore_case,
    }
    sets = (set_1, set_2, set_3, set_4)
    constrained = any(value not in (None, (), False) for value in (*given.values(), *sets))
    request = Request(
        n=n or None,
        seed=seed,
        start=start,
        shard=(1, 1) if shard is None else parse_shard(shard),
        decode=loaded.decoding(decode, refine=refine),
        temperature=temperature,
        scores=scores or top is not None,
        refine=refine,
        constraints=Constraints(sets=sets, **given) if constrained else None,
        label=_labels(loaded, label) if label else (),
    )
    job = Job(
        request=request,
        format_=format_,
        scores=scores,
        top=top,
        unique=unique,
        not_in=tuple(not_in or ()),
        valid=valid,
        keep_if=None if keep_if is None else Program(command=keep_if, seconds=keep_if_seconds, jobs=keep_if_jobs),
        tries=tries,
        order=order,
        masks=None if mask_file is None else read_mask_file(mask_file),
        per_mask=per_mask,
        run=model,
        memory_megabytes=memory,
        output=output,
        continued=continue_,
        overwrite=overwrite,
    )
    write_strings(loaded, job)


def _labels(loaded: Model, label: Sequence[str]) -> LabelPairs:
    from seqgan_wgp.text.generation.label_mix import label_pairs, parse_labels

    spec = loaded.text_spec("generate")
    return label_pairs(spec, parse_labels(spec, label))


def _word_files(loaded: Model, files: Sequence[str]) -> tuple[WordFile, ...]:
    if not files:
        return ()
    from seqgan_wgp.text.generation.filters import word_file

    return tuple(word_file(file, loaded.config.corpus) for file in files)


def _check(n: int, seed: int, start: int) -> None:
    from seqgan_wgp.errors import ConfigError

    if n < 0:
        raise ConfigError(f"-n is {n}, but it must be at least 1, or 0 to stream forever")
    for name, value in (("--seed", seed), ("--start", start)):
        if value < 0:
            raise ConfigError(f"{name} is {value}, but it must not be negative")


def _refuse_text_options(context: typer.Context, adapter: DomainAdapter) -> None:
    """Raise ConfigError when an option was given that only text models have."""
    from seqgan_wgp.errors import ConfigError

    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name not in _FOR_ALL_DATA and source is not None and source.name != "DEFAULT":
            raise ConfigError(
                f"{parameter.opts[0]} works only with text models, and this model generates {adapter.items}",
                "leave it out",
            )


def _write_items(
    loaded: Model,
    n: int,
    output: str | None,
    format_: str,
    columns: int | None,
    *,
    seed: int,
    start: int,
    overwrite: bool,
) -> None:
    """Write images or points, to files or as lines of text."""
    from seqgan_wgp.domains import DOMAINS

    adapter = DOMAINS[loaded.config.domain]
    write = adapter.items_writer(output, n, columns=columns, overwrite=overwrite)
    if write is not None:
        write(loaded.samples(n, seed=seed, start=start))
        return
    with opened(output, overwrite=overwrite) as file:
        file.writelines(adapter.lines(loaded.spec, loaded.samples(n, seed=seed, start=start), format_))
