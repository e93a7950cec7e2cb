"""Export a model of text as one web page that generates: weights as base64, the generator as a script, no network.

The script computes in double precision what torch computes in single precision, from the same weights and the same
random numbers. So a string differs from the command's only where two characters are about equally probable.

Shape suffixes: O channels out, C channels in, K kernel.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from torch import Tensor, nn

from ..._version import __version__
from ...domains import DOMAINS
from ...errors import ConfigError
from ...model import Model
from ...nn.fast_conv.convolution import Convolution
from ...nn.layers import ChannelNorm
from ...text.domain import TextSpec
from ...text.generation.formats import printable
from ...text.networks import ResidualBlock, ResidualGenerator
from ...utils.atomic_files import new_file
from ...utils.counter_rng import Stream
from .onnx import folded

MAX_BYTES = 2_000_000
"""Largest size of a page."""

_TEMPLATES = Path(__file__).with_name("templates")
_KINDS: tuple[type[np.unsignedinteger[Any]], ...] = (np.uint8, np.uint16, np.uint32)


def write_html(model: Model, path: str | Path) -> None:
    """Write a model of text as one self-contained HTML file.

    Weights are written in single precision if the page then has at most MAX_BYTES bytes, otherwise in half precision.

    Args:
        model: a model of the network residual whose unit is the character.
        path: the file; an existing one is replaced atomically. Its stem is the title.

    Raises:
        ConfigError: another kind of model, or one that is too large for a page.
        OSError: the file cannot be written.
    """
    generator, spec = _supported(model)
    name = Path(path).stem
    page = _page(model, generator, spec, name, np.float32)
    if len(page) > MAX_BYTES:
        page = _page(model, generator, spec, name, np.float16)
    if len(page) > MAX_BYTES:
        raise ConfigError(
            f"the page would have {len(page):,} bytes, but a page can have {MAX_BYTES:,}",
            "train a smaller generator: --set generator.width=64 --set generator.latent=64; or export to onnx",
        )
    with new_file(Path(path)) as file:
        file.write(page)


def _supported(model: Model) -> tuple[ResidualGenerator, TextSpec]:
    """Return the generator and the vocabulary. Raises ConfigError if the page cannot hold such a model."""
    if not DOMAINS[model.config.domain].has_strings:
        raise ConfigError("html works only with text models", "export to onnx")
    model.refuse_labels("export to html")
    spec, settings = model.text_spec("html"), model.config.generator
    generator = folded(model)
    lacks = None
    if not isinstance(generator, ResidualGenerator):
        lacks = f"generator.network is {settings.network}, not residual"
    elif generator.modulation is not None or len(generator.contexts):
        lacks = "generator.self_modulation or generator.context is set"
    elif spec.vocabulary.is_byte or spec.vocabulary.tokens is not None:
        lacks = "corpus.unit is not char"
    if lacks or not isinstance(generator, ResidualGenerator):
        raise ConfigError(f"a page cannot hold this model: {lacks}", "export to onnx, or train with the recipe fast")
    return generator, spec


def _page(
    model: Model, generator: ResidualGenerator, spec: TextSpec, name: str, precision: type[np.floating[Any]]
) -> bytes:
    """Return the page with the weights in a precision."""
    data = json.dumps(page_data(model, generator, spec, precision), ensure_ascii=True).replace("<", "\\u003c")
    scripts = {"generator": _template("generator.js"), "page": _template("page.js")}
    text = (
        _environment()
        .from_string(_template("page.html"))
        .render(
            name=printable(name),
            example="?l?l?l?d" if any(character.isdigit() for character in spec.vocabulary.characters) else "?l?l?l?l",
            rows=_rows(model, precision),
            data=Markup(data),
            css=Markup(_template("page.css")),
            policy=_policy(scripts.values()),
            **{place: Markup(script) for place, script in scripts.items()},
        )
    )
    return text.encode("utf-8", "surrogatepass")


def page_data(
    model: Model, generator: ResidualGenerator, spec: TextSpec, precision: type[np.floating[Any]]
) -> dict[str, Any]:
    """Return what the script reads, as JSON values."""
    settings = model.config.generator
    blocks = [block for block in generator.blocks if isinstance(block, ResidualBlock)]
    return {
        "latent": settings.latent,
        "distribution": settings.latent_distribution,
        "streams": {"latent": int(Stream.SAMPLE_LATENT), "decode": int(Stream.DECODE)},
        "width": settings.width,
        "length": spec.length,
        "kernel": settings.kernel,
        "scale": settings.residual_scale,
        "characters": spec.vocabulary.characters,
        "dilations": [[block.conv1.dilation[0], block.conv2.dilation[0]] for block in blocks],
        "norm": _norm_kind(blocks[0].norm1) if blocks else {"kind": "none"},
        "weights": _encoded(np.concatenate(_weights(generator, blocks)).astype(precision)),
        "ngrams": _ngrams(model),
    }


def _weights(generator: ResidualGenerator, blocks: list[ResidualBlock]) -> list[npt.NDArray[np.float32]]:
    """Return all weights, flat, in the order in which the script takes them."""
    parts = [generator.input.weight, generator.input.bias]
    for block in blocks:
        for norm, conv in ((block.norm1, block.conv1), (block.norm2, block.conv2)):
            parts += [*_scale_and_shift(norm), *_of_convolution(conv)]
    assert generator.output.bias is not None
    parts += [generator.output.weight, generator.output.bias]
    return [part.detach().cpu().float().numpy().ravel() for part in parts]


def _of_convolution(conv: Convolution) -> list[Tensor]:
    assert conv.bias is not None
    return [conv.weight, conv.bias]


def _norm_kind(norm: nn.Module) -> dict[str, Any]:
    """Return what a normalization is: over groups of channels, over the channels of a position, or fixed numbers."""
    if isinstance(norm, nn.GroupNorm):
        return {"kind": "group", "groups": norm.num_groups, "eps": norm.eps}
    if isinstance(norm, ChannelNorm):
        return {"kind": "channels", "eps": norm.norm.eps}
    return {"kind": "affine"} if isinstance(norm, nn.BatchNorm1d) else {"kind": "none"}


def _scale_and_shift(norm: nn.Module) -> list[Tensor]:
    """Return scale and shift of each channel; those of batch norm include its running statistics."""
    if isinstance(norm, nn.BatchNorm1d):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale_C = norm.weight / (norm.running_var + norm.eps).sqrt()
        return [scale_C, norm.bias - norm.running_mean * scale_C]
    inner = norm.norm if isinstance(norm, ChannelNorm) else norm
    return [inner.weight, inner.bias] if isinstance(inner, nn.GroupNorm | nn.LayerNorm) else []


def _ngrams(model: Model) -> dict[str, Any] | None:
    fusion = model.fusion
    if fusion is None:
        return None
    ngrams = fusion.ngrams
    return {
        "order": ngrams.order,
        "powers": {"generator": fusion.powers.generator, "ngram": fusion.powers.ngram},
        "ids": _encoded(_narrowest(ngrams.ngram_NK)),
        "counts": _encoded(_narrowest(ngrams.count_N)),
    }


def _narrowest(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    most = int(values.max())
    return values.astype(next(kind for kind in _KINDS if most <= np.iinfo(kind).max))


def _encoded(values: npt.NDArray[Any]) -> dict[str, str]:
    """Return an array as the script reads it: the type's name, and little-endian numbers as base64."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return {"type": values.dtype.name, "data": base64.b64encode(little.tobytes()).decode("ascii")}


def _rows(model: Model, precision: type[np.floating[Any]]) -> list[tuple[str, str]]:
    facts, size = model.facts, sum(weight.numel() for weight in model.generator.parameters())
    rows = [
        ("trained on", printable(str(facts["corpus"]["name"]))),
        ("lines of the corpus", f"{facts['corpus']['rows']:,}"),
        ("training", f"{facts['step']:,} steps"),
        (
            "generator",
            f"{size:,} weights, {precision.__name__}",
        ),
    ]
    if model.fusion is not None:
        rows.append(("n-gram model", f"{len(model.fusion.ngrams.count_N):,} {model.fusion.ngrams.order}-grams"))
    return [*rows, ("made by", f"seqgan_wgp {__version__}")]


@cache
def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _policy(scripts: Any) -> str:
    """Return the content security policy: no requests, and only the page's own scripts."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
