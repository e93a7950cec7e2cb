"""The studio is reached from this machine only, or with a token; in a real browser it trains and generates."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.studio.server import is_loopback, opened, token_for
from seqgan_wgp.utils.bundled_models import bundled_models

from .. import browser

ROOT = Path(__file__).parents[2]
needs_gradio = pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="gradio is not installed here")
needs_browser = pytest.mark.skipif(browser.program() is None, reason="there is no Chromium on this machine")


def test_addresses_of_this_machine_are_known() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))


def test_a_token_is_needed_where_others_can_reach_it() -> None:
    assert token_for("127.0.0.1", None) is None
    assert token_for("127.0.0.1", "long enough") == token_for("0.0.0.0", "long enough") == "long enough"
    new = token_for("0.0.0.0", None)
    assert new is not None and len(new) >= 20 and new != token_for("0.0.0.0", None)
    with pytest.raises(ConfigError, match="3 characters"):
        token_for("0.0.0.0", "abc")


def test_what_is_given_is_a_run_a_model_or_a_corpus(runs: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    def offered(thing: object, command: list[str] | None) -> tuple[list[str], list[str], bool]:
        studio = opened(str(thing), tmp_path, command)
        studio.close()
        models = [name for name in studio.catalogue.models() if name not in bundled_models()]
        return models, list(studio.catalogue.corpora()), studio.queue is not None

    for thing in (runs / "tiny", runs / "tiny" / "model.safetensors"):
        assert offered(thing, ["false"]) == ([thing.name], ["identifiers", "words"], True)
    assert offered(tiny_corpus, ["false"]) == ([], ["tiny.txt", "identifiers", "words"], True)
    assert offered("words", None) == ([], ["words", "identifiers"], False)
    with pytest.raises(ConfigError, match="neither a run"):
        offered("nothing", None)
    (tmp_path / "bad.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(CheckpointError, match=r"bad\.safetensors"):
        offered(tmp_path / "bad.safetensors", None)


TOKEN = "a long token"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Serve a studio of its own folder to who knows TOKEN: its address and the folder."""
    folder = tmp_path_factory.mktemp("studio")
    lines = ["<img src=x onerror=alert(1)>", *(f"{a}{b}{c}" for a in "bdkm" for b in "aeiou" for c in "lnrst")]
    (folder / "lines.txt").write_text("".join(f"{line}\n" for line in lines * 3))
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "studio", "lines.txt", "--no-open", "--token", TOKEN],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip(), folder
    process.send_signal(signal.SIGTERM)
    rest, said = process.communicate(timeout=120)
    assert (process.returncode, rest, said) == (0, "", "")


def answer(opener: urllib.request.OpenerDirector, address: str, data: bytes | None = None) -> tuple[int, bytes]:
    """Return the status and the content of an answer, whether refused or not."""
    try:
        with opener.open(address, data=data, timeout=120) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


@needs_gradio
def test_it_answers_on_loopback_to_who_has_the_token(served: tuple[str, Path]) -> None:
    address, folder = served
    assert address.startswith("http://127.0.0.1:")
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    assert answer(visitor, f"{address}config") == (401, b"")
    assert answer(visitor, f"{address}login", b"username=x&password=a+wrong+token")[0] == 400
    assert answer(visitor, f"{address}config") == (401, b"")
    assert answer(visitor, f"{address}login", b"username=x&password=a+long+token")[0] == 200
    status, page = answer(visitor, f"{address}config")
    assert status == 200 and b"seqgan_wgp studio" in page
    for file in (folder / "lines.txt", ROOT / "pyproject.toml"):
        assert answer(visitor, f"{address}gradio_api/file={file}")[0] in (403, 404)


def waits(page: browser.Page, condition: str) -> None:
    """Wait until a JavaScript expression is true."""
    until = time.monotonic() + 120
    while not page.value(condition):
        assert time.monotonic() < until, (condition, page.errors, page.value("document.body.innerText"))
        time.sleep(0.2)


def types(page: browser.Page, place: str, text: str) -> None:
    """Replace the text of an input."""
    page.value(f"document.querySelector('{place}').focus()")
    page.type(text)
    page.value("document.activeElement.blur()")


def text_of(place: str) -> str:
    return f"document.querySelector('{place}').innerText"


@needs_gradio
@needs_browser
def test_in_a_browser_it_trains_ten_rounds_and_generates_under_a_mask(served: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = served
    with browser.page(str(browser.program()), tmp_path) as page:
        page.open(address)
        waits(page, "!!document.querySelector('input[type=password]')")
        types(page, "input[type=text], textarea", "me")
        types(page, "input[type=password]", TOKEN)
        page.value("[...document.querySelectorAll('button')].find(b => b.innerText.trim() == 'Login').click()")
        waits(page, "!!document.querySelector('#train')")
        for width, dark in ((400, True), (1400, False)):
            page.open(address, width=width, dark=dark)
            waits(page, "!!document.querySelector('#train')")
            assert page.value("document.documentElement.scrollWidth") == width
        assert [url for url in page.requests if not url.startswith((address, "data:", "blob:"))] == []
        page.upload("#upload input[type=file]", (folder / "lines.txt").rename(folder / "<b>own.txt"))
        waits(page, f"{text_of('#upload')}.includes('own')")
        page.value("document.querySelector('#inspect').click()")
        waits(page, f"{text_of('#verdict')}.includes('distinct')")
        types(page, "#rounds input", "10")
        page.value("document.querySelector('#train').click()")
        waits(page, f"/done|failed/.test({text_of('#status')})")
        status = page.value(text_of("#status"))
        assert "done" in status and "own-fast-001" in status and "round 10" in status
        (run,) = (folder / "runs").glob("*own*")
        assert run.name.endswith("own-fast-001") and (run / "model.safetensors").is_file()
        page.value("[...document.querySelectorAll('[role=tab]')].find(t => t.innerText.trim() == 'Generate').click()")
        waits(page, "!!document.querySelector('#mask input, #mask textarea')")
        types(page, "#mask input, #mask textarea", "b?l?l")
        page.value("document.querySelector('#generate').focus()")
        page.press("Enter")
        waits(page, f"{text_of('#summary')}.includes('20 strings')")
        assert "nats per string" in page.value(text_of("#summary"))
        strings = page.value(text_of("#strings")).split()
        assert len(strings) == 20 and all(len(string) == 3 and string[0] == "b" for string in strings)
        assert page.value("document.querySelectorAll('img[onerror]').length") == 0
        assert not page.errors, page.errors


def opens_tab(page: browser.Page, title: str, shows: str) -> None:
    """Open a tab by the keyboard, from the menu of further tabs where there is no room for it, and wait for it."""
    page.value("document.activeElement.blur()")
    marked = f"[...document.querySelectorAll('{{}}')].forEach(e => e.dataset.is = e.innerText.trim() == '{title}')"
    page.value(marked.format("[role=tab]"))
    if not page.value("!!document.querySelector('[role=tab][data-is=true]')"):
        page.tab_to(".overflow-menu > button")
        page.press("Enter")
        page.value(marked.format(".overflow-dropdown button"))
    page.tab_to("[data-is=true]")
    page.press("Enter")
    waits(page, f"document.querySelector('{shows}')?.offsetParent != null")


@needs_gradio
@needs_browser
def test_with_the_keyboard_alone_it_pauses_resumes_walks_scores_and_compares(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = served
    with browser.page(str(browser.program()), tmp_path) as page:
        page.open(address)
        waits(page, "!!document.querySelector('input[type=password]')")
        page.tab_to("input[type=text], textarea")
        page.type("me")
        page.tab_to("input[type=password]")
        page.type(TOKEN)
        page.press("Enter")
        waits(page, "!!document.querySelector('#train')")
        waits(page, "document.querySelector('#model input').value != ''")

        page.tab_to("#corpus input")
        for _ in range(3):  # the list has the corpus of the command and two bundled ones
            if page.value(
                "[...document.querySelectorAll('.active[role=option]')].some(o => /words$/.test(o.innerText))"
            ):
                break
            page.press("ArrowDown")
            time.sleep(0.2)
        page.press("Enter")
        waits(page, "document.querySelector('#corpus input').value == 'words'")
        page.tab_to("#rounds input")
        page.type("100000")
        page.tab_to("#train")
        page.press("Enter")
        rounds = r"+(document.querySelector('#status').innerText.match(/round ([\d,]+)/)?.[1].replace(',', '') ?? 0)"
        before = 0
        for begins in ("", "#resume"):
            if begins:
                page.tab_to(begins)
                page.press("Enter")
            waits(page, f"/running/.test({text_of('#status')}) && {rounds} > {before}")
            page.tab_to("#pause")
            page.press(" ")
            waits(page, f"/paused/.test({text_of('#status')})")
            before = page.value(rounds)
        (run,) = (folder / "runs").glob("words-fast-*")
        assert page.value("document.querySelector('#model input').value") == run.name
        steps = [record["step"] for record in read_records(run / "metrics.jsonl")]
        assert steps == sorted(set(steps)) and steps[-1] == before  # one run, continued

        opens_tab(page, "Walk", "#walk")
        page.tab_to("#walk")
        page.press("Enter")
        waits(page, "document.querySelectorAll('#now li').length == 25")
        page.tab_to("#place input[type=range]")
        page.press("ArrowRight")
        waits(page, "document.querySelectorAll('#now li')[1].querySelector('b') != null")
        assert page.value(text_of("#now li:nth-child(2)")) == page.value(text_of("#now .sg-now"))

        opens_tab(page, "Score", "#score")
        page.tab_to("#typed textarea")
        page.type("subclass\n<b>x</b>")
        page.tab_to("#score")
        page.press("Enter")
        waits(page, "document.querySelectorAll('#scores .sg-line').length == 2")
        assert "<b>x</b>" in page.value(text_of("#scores")) and "score" in page.value(text_of("#scores"))
        assert page.value("!!getComputedStyle(document.querySelector('#scores .sg-line span')).backgroundColor")

        page.open(address, width=400)
        waits(page, "!!document.querySelector('#train')")
        opens_tab(page, "Compare", "#compare")
        waits(page, f"{text_of('#compared')}.includes('{run.name}')")
        page.tab_to("#compared input")
        page.press(" ")
        page.tab_to("#autoregressive input")
        page.press(" ")
        page.tab_to("#compare")
        page.press("Enter")
        waits(page, f"{text_of('#side')}.includes('Markov chain of order 3')")
        assert run.name in page.value(text_of("#side")) and "autoregressive" not in page.value(text_of("#side"))
        assert page.value("document.documentElement.scrollWidth") == 400
        assert not page.errors, page.errors
