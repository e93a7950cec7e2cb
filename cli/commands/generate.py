"""seqgan-wgp generate: generate strings, images or points from a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import options
from ..ui.console import guarded
from ..ui.output import opened
from . import generate_options as flags
from .generate_text import Job, write_strings

if TYPE_CHECKING:
    from seqgan_wgp.domains import DomainAdapter
    from seqgan_wgp.model import Model


@guarded
def generate(
    model: options.TrainedModel,
    n: flags.Strings = 10,
    output: options.Output = None,
    continue_: flags.Continue = None,
    format_: flags.Format = "txt",
    columns: flags.Columns = None,
    best: flags.Best = False,
    device: options.Device = None,
    overwrite: options.Replace = False,
    seed: flags.Seed = 0,
    start: flags.Start = 0,
    shard: flags.Shard = None,
    decode: flags.Decode = "argmax",
    temperature: flags.Temperature = 1.0,
    scores: flags.Scores = False,
    top: flags.Top = None,
    refine: flags.Refine = False,
    unique: flags.Unique = False,
    not_in: flags.NotIn = None,
    valid: flags.Valid = None,
    memory: flags.Memory = 512,
    prefix: flags.Prefix = None,
    suffix: flags.Suffix = None,
    contains: flags.Contains = None,
    mask: flags.Mask = None,
    set_1: flags.Set1 = None,
    set_2: flags.Set2 = None,
    set_3: flags.Set3 = None,
    set_4: flags.Set4 = None,
    length: flags.Length = None,
    charset: flags.Charset = None,
    regex: flags.Regex = None,
    plugin: options.Plugins = None,
) -> None:
    """Generate strings, images or points from a trained model.

    Strings and points are printed one per line.
    Images need -o: FILE.png for a grid, FILE.npy for an array, or a folder for one file per image.
    """
    options.load_plugins(plugin)
    from seqgan_wgp.domains import adapter_for
    from seqgan_wgp.model import Model
    from seqgan_wgp.text.constrained.constraints import Constraints, parse_length
    from seqgan_wgp.text.generation.request import Request, parse_shard

    _check(n, seed, start)
    sets = (set_1, set_2, set_3, set_4)
    loaded = Model.load(model, device=device or "auto", best=best)
    adapter = adapter_for(loaded.config)
    adapter.check_format(format_)
    if not adapter.has_strings:
        for_text: dict[str, object] = {
            "--continue": continue_,
            "--shard": shard,
            "--decode": decode != "argmax",
            "--temperature": temperature != 1,
            "--scores": scores,
            "--top": top,
            "--refine": refine,
            "--unique": unique,
            "--not-in": not_in,
            "--valid": valid,
            "--prefix": prefix,
            "--suffix": suffix,
            "--contains": contains,
            "--mask": mask,
            **dict(zip(("-1", "-2", "-3", "-4"), sets, strict=True)),
            "--length": length,
            "--charset": charset,
            "--regex": regex,
        }
        _check_no_text(adapter, n, for_text)
        _write_items(loaded, n, output, format_, columns, seed=seed, start=start, overwrite=overwrite)
        return
    adapter.items_writer(output, n, columns=columns, overwrite=overwrite)
    request = Request(
        n=n or None,
        seed=seed,
        start=start,
        shard=(1, 1) if shard is None else parse_shard(shard),
        decode=decode,
        temperature=temperature,
        scores=scores or top is not None,
        refine=refine,
        constraints=Constraints(
            prefix=prefix,
            suffix=suffix,
            contains=tuple(contains or ()),
            mask=mask,
            sets=sets,
            length=None if length is None else parse_length(length),
            charset=charset,
            regex=regex,
        ),
    )
    job = Job(
        request=request,
        format_=format_,
        scores=scores,
        top=top,
        unique=unique,
        not_in=tuple(not_in or ()),
        valid=valid,
        memory_megabytes=memory,
        output=output,
        continued=continue_,
        overwrite=overwrite,
    )
    write_strings(loaded, job)


def _check(n: int, seed: int, start: int) -> None:
    from seqgan_wgp.errors import ConfigError

    if n < 0:
        raise ConfigError(f"-n is {n}, but it must be at least 1, or 0 to stream forever")
    for name, value in (("--seed", seed), ("--start", start)):
        if value < 0:
            raise ConfigError(f"{name} is {value}, but it must not be negative")


def _check_no_text(adapter: DomainAdapter, n: int, given: dict[str, object]) -> None:
    """Raise ConfigError for an option that is for text alone."""
    from seqgan_wgp.errors import ConfigError

    for name, value in given.items():
        if value:
            raise ConfigError(
                f"{name} works only with text models, and this model generates {adapter.items}", "leave it out"
            )
    if n < 1:
        raise ConfigError(f"-n is {n}, but it must be at least 1")


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
    """Write items that are no strings: to files of their own, or as lines."""
    from seqgan_wgp.domains import adapter_for

    adapter = adapter_for(loaded.config)
    write = adapter.items_writer(output, n, columns=columns, overwrite=overwrite)
    if write is not None:
        write(loaded.samples(n, seed=seed, start=start))
        return
    with opened(output, overwrite=overwrite) as file:
        file.writelines(adapter.lines(loaded.spec, loaded.samples(n, seed=seed, start=start), format_))
