"""The page that generates: the command's strings for the same seed, in node and in a browser, without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.runs.export import html_page
from seqgan_wgp.runs.export.html_page import write_html
from seqgan_wgp.text.constrained.constraints import Constraints, parse_length
from seqgan_wgp.text.fusion.decode import Powers
from seqgan_wgp.text.fusion.fusion import Fusion
from seqgan_wgp.text.fusion.ngram_model import NgramModel
from seqgan_wgp.text.generation.request import Request
from seqgan_wgp.text.generation.stream import candidates
from seqgan_wgp.text.vocabulary import Vocabulary
from seqgan_wgp.utils.counter_rng import normal_numpy, uniform_numpy

from ... import browser
from ..untrained import CORPUS, IMAGES, TEXT, TOY, made

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
needs_browser = pytest.mark.skipif(browser.program() is None, reason="there is no Chromium on this machine")

DRIVER = """
const [code, model, asked] = require("fs").readFileSync(0, "utf8").split("\\0");
const seqgan = new Function(code + "; return seqgan;")();
const loaded = model ? seqgan.load(JSON.parse(model)) : null;
const answer = (one) => {
  if (one.numbers) {
    const key = seqgan.streamKey(BigInt(one.seed), BigInt(one.stream));
    return [...seqgan[one.numbers](key, one.index, one.columns)];
  }
  try { return loaded.strings(one); } catch (error) { return error.message; }
};
console.log(JSON.stringify(JSON.parse(asked).map(answer)));
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of the page and of the command."""

    count: int = 100
    seed: str = "3"
    start: int = 0
    decode: str = "argmax"
    prefix: str = ""
    mask: str = ""
    length: str = ""


GIVEN = (
    Asked(start=500),
    Asked(prefix="ab"),
    Asked(mask="?la?l?ab", start=500),
    Asked(length="3-5"),
    Asked(prefix="c", length="-4"),
)


def by_python(model: Model, asked: Asked) -> list[str]:
    """Return the strings of `generate`."""
    constraints = Constraints(
        prefix=asked.prefix or None,
        mask=asked.mask or None,
        length=parse_length(asked.length) if asked.length else None,
    )
    request = Request(n=None, seed=int(asked.seed), decode=asked.decode, constraints=constraints or None)
    numbers = range(asked.start, asked.start + asked.count)
    blocks = candidates(model.text_model(decode=asked.decode), request, numbers)
    return [string for block in blocks for string in model.spec.to_text(block.ids_NL)]


def scripts_of(page: str) -> tuple[str, str]:
    """Return the model and the generator's code of a page."""
    model, code, _page = re.findall(r"<script(?: [^>]*)?>(.*?)</script>", page, flags=re.S)
    return model, code


def by_node(asked: Sequence[dict[str, Any]], page: str | None = None) -> list[Any]:
    """Return what the page's script answers in node."""
    model, code = scripts_of(page) if page else ("", (html_page._TEMPLATES / "generator.js").read_text())
    words = ["node", "-e", DRIVER]
    done = subprocess.run(
        words, input="\0".join((code, model, json.dumps(asked))), capture_output=True, encoding="utf-8", check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def page_of(model: Model, folder: Path) -> str:
    write_html(model, folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


@needs_node
@pytest.mark.parametrize(("seed", "stream"), [(0, 6), (7, 22), (2**63 - 1, 6), (2**40 + 3, 1)])
def test_noise_is_that_of_the_library(seed: int, stream: int) -> None:
    index_N = np.array([0, 1, 511, 2**33, 2**40])
    asked = [
        {"numbers": name, "seed": str(seed), "stream": stream, "index": int(index), "columns": 7}
        for name in ("uniform", "normal")
        for index in index_N
    ]
    found = np.array(by_node(asked)).reshape(2, len(index_N), 7)
    assert np.array_equal(found[0], uniform_numpy(seed, stream, index_N, 7))
    assert np.allclose(found[1], normal_numpy(seed, stream, index_N, 7), rtol=0, atol=1e-6)


def fusion_of_noise(model: Model, order: int = 4) -> Model:
    """Return a model with a fusion with the n-grams of random strings."""
    size, length = model.text_spec("test").vocabulary.size, model.text_spec("test").length
    ids_NL = np.random.default_rng(3).integers(1, size, (60, length)) * (np.arange(length) < 6)
    ngrams = NgramModel.fit([ids_NL], size, order)
    return model.with_fusion(Fusion(ngrams=ngrams, powers=Powers(generator=0.8, ngram=0.6), facts={}))


@needs_node
@pytest.mark.parametrize(
    "settings",
    [
        {"generator.normalization": "none", "generator.latent_distribution": "uniform", "generator.latent": 7},
        {"generator.normalization": "layer", "generator.blocks": 2, "generator.kernel": 5},
        {"generator.normalization": "layer-channels", "generator.dilation_growth": 2, "generator.blocks": 2},
        {"generator.normalization": "instance", "model.weights": "latest"},
        {"generator.normalization": "weight"},
        {"generator.normalization": "batch"},
        {"generator.normalization": "none", "generator.blocks": 0},
    ],
    ids=lambda settings: f"{settings['generator.normalization']}-{settings.get('generator.blocks', 1)}",
)
def test_any_residual_generator_of_characters_is_the_same_in_the_page(
    settings: dict[str, object], tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    model = fusion_of_noise(made(tiny_config(**settings), TEXT))
    asked = [replace(given, decode=decode) for decode in ("argmax", "fusion") for given in GIVEN]
    found = by_node([asdict(one) for one in asked], page_of(model, tmp_path))
    for one, strings in zip(asked, found, strict=True):
        assert strings == by_python(model, one), one


@needs_node
def test_a_thousand_strings_of_a_bundled_model_are_those_of_the_command(tmp_path: Path) -> None:
    model = Model.load("words", device="cpu")
    asked = [Asked(count=1000, decode="fusion"), Asked(count=1000), Asked(count=200, decode="fusion", mask="re?l?l?l")]
    found = by_node([asdict(one) for one in asked], page_of(model, tmp_path))
    for one, strings in zip(asked, found, strict=True):
        assert strings == by_python(model, one)


@needs_node
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mask": "?x"}, "?x: use ?l ?u ?d ?s ?a"),
        ({"mask": "a?"}, "?: use ?l"),
        ({"mask": "?u?l"}, "at position 1 the model has none of: ABC"),
        ({"prefix": "az"}, "at position 2 the model has none of: z"),
        ({"length": "x"}, "a number or a range"),
        ({"length": "11-"}, "at most 10 characters"),
        ({"mask": "?l?l", "length": "3"}, "No string of this model"),
        ({"seed": "-1"}, "from 0 to 2^63 - 1"),
        ({"seed": str(2**63)}, "from 0 to 2^63 - 1"),
    ],
)
def test_what_no_string_satisfies_is_said(
    given: dict[str, str], says: str, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    (found,) = by_node([given], page_of(made(tiny_config(), TEXT), tmp_path))
    assert says in found


@pytest.mark.parametrize(
    ("name", "facts", "settings", "says"),
    [
        ("mnist-wgan-gp", IMAGES, {"generator.width": 2}, "only with text models"),
        ("toy-wgan-gp", TOY, {}, "only with text models"),
        ("fast", TEXT, {"generator.self_modulation": True}, "self_modulation"),
        ("fast", {**TEXT, "tokenizer": Vocabulary.of_bytes().to_json(10)}, {"corpus.unit": "byte"}, "unit is not char"),
    ],
)
def test_other_models_are_refused_and_nothing_is_written(
    name: str, facts: dict[str, Any], settings: dict[str, object], says: str, tmp_path: Path, tiny_config: Any
) -> None:
    model = made(tiny_config(**settings) if name == "fast" else recipe(name, settings), facts)
    with pytest.raises(ConfigError, match=re.escape(says)):
        write_html(model, tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []


def test_large_models_have_half_precision_and_larger_ones_are_refused(
    tiny_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(tiny_config(), TEXT)
    single = page_of(model, tmp_path)
    monkeypatch.setattr(html_page, "MAX_BYTES", len(single.encode()) - 1)
    half = page_of(model, tmp_path)
    assert ('"float32"' in single, '"float16"' in half) == (True, True)
    assert len(half) < len(single)
    monkeypatch.setattr(html_page, "MAX_BYTES", 1_000)
    with pytest.raises(ConfigError, match="the page would have"):
        write_html(model, tmp_path / "large.html")
    assert not (tmp_path / "large.html").exists()


def test_the_same_model_gives_the_same_bytes_and_names_cannot_leave_their_place(
    tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    corpus = {**CORPUS, "name": "</script><script>alert(1)</script>"}
    vocabulary = Vocabulary("</script>&\"'")
    model = made(tiny_config(), {"tokenizer": vocabulary.to_json(10), "corpus": corpus})
    page = page_of(model, tmp_path)
    assert page == page_of(model, tmp_path)
    assert page.count("</script>") == 3
    assert json.loads(scripts_of(page)[0])["characters"] == vocabulary.characters


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.page(str(browser.program()), tmp_path_factory.mktemp("profile")) as found:
        yield found


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(400, True), (1400, False)])
def test_a_browser_generates_what_the_command_does(
    width: int, dark: bool, window: browser.Page, tmp_path: Path
) -> None:
    model = Model.load("words", device="cpu")
    write_html(model, tmp_path / "words.html")
    window.open(tmp_path / "words.html", width=width, dark=dark)
    shown = "[...document.querySelectorAll('#strings li')].map((item) => item.textContent)"
    ready = (
        "new Promise((done) => {{ const wait = () => document.querySelectorAll('#strings li').length >= {} ? done() : "
        "setTimeout(wait, 10); wait(); }})"
    )
    window.value(ready.format(40))
    assert window.value(shown) == by_python(model, Asked(count=40, seed="0", decode="fusion"))
    assert window.value("document.documentElement.scrollWidth") <= width
    for name, value in {"count": "1000", "seed": "3", "mask": "?l?l?l?ls"}.items():
        window.value(f"document.getElementById('{name}').value = '{value}'")
    window.value("document.querySelector('button[type=submit]').click()")
    window.value(ready.format(1000))
    assert window.value(shown) == by_python(model, Asked(count=1000, decode="fusion", mask="?l?l?l?ls"))
    assert "--mask '?l?l?l?ls'" in window.value("document.getElementById('command').textContent")
    window.value("document.getElementById('mask').value = '?u'")
    window.value("document.querySelector('button[type=submit]').click()")
    assert "the model has none of" in window.value("document.getElementById('status').textContent")
    assert (window.errors, window.requests) == ([], [(tmp_path / "words.html").as_uri()])
