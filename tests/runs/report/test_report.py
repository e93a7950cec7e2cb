"""The report of a run: one file that needs nothing else, says what the run's files say, and takes text for data."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seqgan_wgp.config import Config, recipe
from seqgan_wgp.errors import CheckpointError
from seqgan_wgp.images.adapter import scan_images
from seqgan_wgp.images.idx import write_idx
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.metrics_log import read_records
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.report import frames
from seqgan_wgp.runs.report.frames import inert, picture, read_frames
from seqgan_wgp.runs.report.inputs import read_report_inputs
from seqgan_wgp.runs.report.page import render, write_report
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.generation.formats import printable
from seqgan_wgp.toy.adapter import scan_toy
from seqgan_wgp.training.adapter import PreparedData as Data
from seqgan_wgp.utils import tensor_file

from ... import browser
from ...pages import Element, read_page
from ...stopping import stop_at

HOSTILE = (
    "<script>document.title = 'hacked'</script>",
    "</script><script>document.title = 'hacked'</script>",
    "<img src=x onerror=\"document.title='hacked'\">",
    "]]><!-- <style>*{display:none}",
    "{{ 7 * 7 }}{% if x %}",
    "&lt;b&gt;&amp;",
    "</bdi></li></ol></main>",
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}",
    "\N{RIGHT-TO-LEFT OVERRIDE}never closed",
    "\N{POP DIRECTIONAL ISOLATE}\N{LEFT-TO-RIGHT OVERRIDE}x",
    "\N{COMBINING ACUTE ACCENT}begins",
    "e" + "\N{COMBINING GRAVE ACCENT}" * 20,
    "a\N{LINE SEPARATOR}b\x07",
    "$\\frac{1}{2}$",
)
"""Lines that mean something to a page, to a template, to a script, or to the text around them."""

IMAGES = {"generator.width": 2, "critic.width": 2, "training.batch_size": 8, "evaluation.samples": 20, "log.every": 1}
POINTS = {"generator.width": 8, "critic.width": 8, "training.batch_size": 16, "evaluation.samples": 50, "log.every": 1}
SHORT = {"training.steps": 5, "training.device": "cpu", "evaluation.every": 2, "evaluation.patience": None}


def trained(found: Data, config: Config, folder: Path) -> RunFolder:
    run = create(found, config, folder)
    run_training(run)
    return run


@pytest.fixture(scope="module")
def lines(
    tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> RunFolder:
    """A finished run on tiny lines. Tests that change it take a copy."""
    found, config = scan_data(tiny_lines, tiny_config(**{"log.diagnostics": 3, "training.minutes": 60.0}))
    return trained(found, config, tmp_path_factory.mktemp("lines") / "run")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., Config]) -> RunFolder:
    """A finished run on lines that would break a page."""
    strings = [f"{line}{number}" for number in range(20) for line in HOSTILE]
    found, config = scan_data(strings, tiny_config(**{"corpus.length": 64, "corpus.held_out": 0.5}))
    run = trained(found, config, tmp_path_factory.mktemp("hostile") / "run")
    for file in run.sampled().values():
        file.write_text("".join(f"{line}\n" for line in HOSTILE), encoding="utf-8")
    return run


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run on images of noise."""
    data = tmp_path_factory.mktemp("noise")
    write_idx(data / "train-images-idx3-ubyte", np.random.default_rng(0).integers(0, 256, (120, 12, 12), np.uint8))
    config = recipe("mnist-fast", SHORT | IMAGES | {"generator.latent": 8, "training.critic_steps": 1})
    return trained(scan_images(data, config), config, tmp_path_factory.mktemp("images") / "run")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run on points of a mixture."""
    config = recipe("toy", SHORT | POINTS)
    return trained(scan_toy(config), config, tmp_path_factory.mktemp("points") / "run")


@pytest.fixture(params=["lines", "hostile", "images", "points"])
def any_run(request: pytest.FixtureRequest) -> RunFolder:
    found: RunFolder = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def copy(tmp_path: Path, lines: RunFolder) -> RunFolder:
    """The run on tiny lines, to be changed."""
    shutil.copytree(lines.path, tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


@functools.cache
def html(run: RunFolder) -> str:
    """Return the report, made once for each run: a test that changes a run does so before."""
    return render(read_report_inputs(run))


@functools.cache
def page(run: RunFolder) -> Element:
    return read_page(html(run))


def texts(elements: list[Element]) -> list[str]:
    return [" ".join(element.text.split()) for element in elements]


def test_two_calls_give_the_same_bytes_wherever_the_run_lies(any_run: RunFolder, tmp_path: Path) -> None:
    one = write_report(any_run).read_bytes()
    shutil.copytree(any_run.path, tmp_path / "elsewhere")
    assert write_report(RunFolder(tmp_path / "elsewhere"), tmp_path / "two.html").read_bytes() == one
    assert str(any_run.path).encode() not in one


def test_files_and_keys_of_records_are_documented(any_run: RunFolder) -> None:
    document = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")
    keys = {key for record in read_records(any_run.metrics) for key in record}
    assert [key for key in sorted(keys) if f"`{key}`" not in document and not re.fullmatch(r"js\d(_floor)?", key)] == []
    files = [path.name + "/" * path.is_dir() for path in any_run.path.iterdir() if not path.name.startswith(".")]
    assert [name for name in sorted(files) if f"`{name}`" not in document] == []


def test_a_report_is_one_file_that_loads_nothing(any_run: RunFolder) -> None:
    found = page(any_run)
    for element in found.every():
        for name in {"src", "href", "xlink:href", "data", "action"} & element.attributes.keys():
            assert str(element.attributes[name]).startswith(("data:image/png;base64,", "#"))
        assert not [name for name in element.attributes if name.startswith("on")]
    assert not {element.tag for element in found.every()} & {"link", "iframe", "object", "embed", "base", "form"}
    urls = re.findall(r"url\([^)]*\)|@import", html(any_run))
    assert {url for url in urls if not url.startswith("url(#")} == set()


def test_the_policy_allows_one_script_and_no_network(any_run: RunFolder) -> None:
    found = page(any_run)
    data, script = found.all("script")
    assert data.attributes == {"type": "application/json", "id": "frames"}
    policy = next(meta.attributes["content"] for meta in found.all("meta") if "http-equiv" in meta.attributes)
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert str(policy).startswith(f"default-src 'none'; script-src 'sha256-{digest}'; style-src")
    assert "http" not in str(policy)


def test_ids_are_unique_and_references_lead_somewhere(any_run: RunFolder) -> None:
    found = page(any_run)
    ids = [element.attributes["id"] for element in found.every() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {str(link.attributes["href"]).removeprefix("#") for link in found.all("a")} <= set(ids)


def test_charts_have_titles_labels_and_descriptions(any_run: RunFolder) -> None:
    charts = [svg for svg in page(any_run).all("svg") if svg.attributes.get("role") == "img"]
    assert len(charts) > 8
    assert all(svg.attributes.get("aria-label") for svg in charts)
    captions = texts(page(any_run).all("figcaption"))
    assert len(captions) == len(set(captions))


def test_lines_of_a_corpus_are_data(hostile: RunFolder, lines: RunFolder) -> None:
    found, harmless = page(hostile), page(lines)
    for tag in ("script", "style", "main", "section", "h2", "meta"):
        assert len(found.all(tag)) == len(harmless.all(tag))
    isolated = [bdi.text for bdi in found.all("bdi")]
    assert set(HOSTILE[:8]) <= set(isolated)
    printed = {printable(line) for line in HOSTILE}
    assert len([text for text in isolated if text.rstrip("0123456789") in printed]) >= 20 + len(HOSTILE[:8])
    outside = re.sub(r"(?s)<bdi.*?</bdi>|<script.*?</script>", "", html(hostile))
    assert {sign for sign in outside if not sign.isascii()} <= {"\N{MINUS SIGN}"}


def test_signs_that_sit_on_others_or_are_not_seen_are_named(hostile: RunFolder) -> None:
    names = [bdi.text for bdi in page(hostile).all("bdi") if bdi.attributes.get("class") == "name"]
    assert {"space", "\N{DOTTED CIRCLE}\N{COMBINING GRAVE ACCENT}"} <= set(names)
    assert all(name.isprintable() and name.strip() for name in names)


@pytest.mark.parametrize("value", ["</script>", "<!--", "&", "\u2028\u2029", ["a", {"b": "<"}]])
def test_data_in_a_page_ends_nothing(value: object) -> None:
    text = inert(value)
    assert text.isascii()
    assert not set(text) & set("<>&")
    assert json.loads(text) == value


def test_the_slider_has_the_samples_of_every_evaluation(lines: RunFolder) -> None:
    data = json.loads(page(lines).with_id("frames").text)
    assert data["steps"] == [2, 4, 6]
    for step, shown in zip(data["steps"], data["lines"], strict=True):
        assert shown == lines.sampled()[step].read_text().split("\n")[:20]


def test_pictures_are_those_of_the_run(images: RunFolder, points: RunFolder) -> None:
    for run in (images, points):
        data = json.loads(page(run).with_id("frames").text)
        assert data["steps"] == [2, 4, 5]
        read = [base64.b64decode(uri.removeprefix("data:image/png;base64,")) for uri in data["pictures"]]
        assert read == [file.read_bytes() for file in run.sampled().values()]
    assert len(page(images).all("img")) == 2  # generated and real
    assert len(page(points).all("img")) == 1


def test_numbers_are_those_of_the_model(lines: RunFolder) -> None:
    metrics = tensor_file.read_tensor_file(lines.model)[1]["metrics"]
    found = page(lines)
    rows = {row.all("th")[0].text.split()[0]: texts(row.all("td")) for row in found.with_id("quality").all("tr")[1:]}
    for n in (1, 2):
        halves = (metrics["validation"], metrics["test"])
        assert rows[f"JS-{n}"] == [f"{half[f'js{n}']:.4f} floor {half[f'js{n}_floor']:.4f}" for half in halves]
    assert rows["novel"] == [f"{metrics[half]['novel']:.1%}" for half in ("validation", "test")]
    tiles = dict(zip(texts(found.all("dt")), texts(found.all("dd")), strict=True))
    assert tiles["rounds"] == "6"
    evaluated = [record for record in read_records(lines.metrics) if "composite" in record]
    best = min(evaluated, key=lambda record: record["composite"])
    assert tiles["best composite"] == f"{best['composite']:.4f} validation split, round {best['step']}"
    assert found.with_id("status").text == "Finished after 6 rounds."


def test_the_settings_shown_train_the_same_run(lines: RunFolder, tmp_path: Path) -> None:
    section = page(lines).with_id("settings")
    command, settings = (pre.text for pre in section.all("pre"))
    (tmp_path / "config.toml").write_text(settings, encoding="utf-8")
    assert recipe("paper", file=tmp_path / "config.toml") == read_report_inputs(lines).config
    assert command == ("seqgan-wgp train CORPUS --config config.toml --steps 6 --set training.minutes=none --out again")
    assert json.loads((lines.path / "corpus.json").read_text())["sha256"] in section.text


def test_what_is_measured_of_the_data_is_shown(lines: RunFolder, images: RunFolder, points: RunFolder) -> None:
    captions = {run: texts(page(run).all("figcaption")) for run in (lines, images, points)}
    assert {"Lengths", "Characters", "N-grams", "Shares", "Is the training data memorised?", "Peakedness"} <= set(
        captions[lines]
    )
    assert {"Brightness", "fcd", "nearest"} <= set(captions[images])
    assert {"Modes", "W1", "modes"} <= set(captions[points])
    spread = [items for items in page(lines).all("ul") if items.attributes.get("class") == "shares"]
    assert 1 <= len(spread[0].all("li")) <= 30


def test_warnings_are_shown_where_they_were_given(copy: RunFolder) -> None:
    records = read_records(copy.metrics)
    assert "health" not in records[2]
    records[2]["health"] = [{"name": "dead <critic>", "message": "It is & stays <dead>.", "remedy": "Feed it."}]
    copy.metrics.write_text("".join(json.dumps(record) + "\n" for record in records))
    (item,) = texts(page(copy).with_id("health").all("li"))
    assert item == "dead <critic>, round 3: It is & stays <dead>. Feed it."
    (above,) = [one for one in page(copy).all("p") if one.attributes.get("class") == "warning"]
    assert "1 warning" in above.text
    assert "round 3" in above.text


def test_a_run_that_was_stopped_says_so(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    found, config = scan_data(tiny_lines, tiny_config())
    run = create(found, config, tmp_path / "run")
    run_training(run, should_stop=stop_at(3))
    shown = page(run)
    assert shown.with_id("status").text == "Stopped at round 3; continue it with resume."
    assert texts(shown.with_id("quality").all("th"))[:2] == ["measure", "validation split"]
    assert "test split" not in texts(shown.with_id("quality").all("th"))


def test_a_run_that_ran_out_of_patience_says_what_happened_not_what_was_set(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    # At rates this small nothing changes, so that the first evaluation stays the best.
    still = {f"optimizer.{part}.learning_rate": 1e-30 for part in ("generator", "critic")}
    found, config = scan_data(tiny_lines, tiny_config(**still, **{"training.steps": None, "evaluation.patience": 2}))
    run = create(found, config, tmp_path / "run")
    assert run_training(run).reason == "patience"
    shown = page(run)
    assert shown.with_id("status").text == "Finished early: no improvement in the last 2 evaluations."
    command = shown.with_id("settings").all("pre")[0].text
    assert command.endswith("--set evaluation.patience=none --out again")


def test_a_finished_run_that_was_given_a_later_end_is_not_called_finished(copy: RunFolder) -> None:
    # As a resume to step 9 leaves it when it is killed before its first checkpoint.
    settings = json.loads(copy.config.read_text(encoding="utf-8"))
    settings["training"] |= {"steps": 9, "minutes": None}
    copy.config.write_text(json.dumps(settings), encoding="utf-8")
    assert page(copy).with_id("status").text == "Stopped at round 6; continue it with resume."


def test_a_run_that_has_not_begun_says_so(
    tmp_path: Path, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> None:
    found, config = scan_data(tiny_lines, tiny_config())
    shown = page(create(found, config, tmp_path / "run"))
    assert "Not started" in shown.with_id("status").text
    assert "there has been no evaluation" in shown.with_id("samples").text
    assert "no evaluation" in shown.with_id("quality").text
    assert "No records" in shown.with_id("training").text
    assert len(shown.with_id("samples").all("bdi")) == 20  # real lines are there


def test_a_run_that_was_killed_before_its_first_checkpoint_has_a_report(copy: RunFolder) -> None:
    for file in (copy.model, copy.best, copy.checkpoint):
        file.unlink()
    copy.metrics.write_bytes(copy.metrics.read_bytes()[:-20])  # and in the middle of a line
    shown = page(copy)
    assert "before the first checkpoint" in shown.with_id("status").text
    assert json.loads(shown.with_id("frames").text)["steps"] == [2, 4]
    assert [row.all("th")[0].text.split()[0] for row in shown.with_id("quality").all("tr")[1:3]] == ["JS-1", "JS-2"]


@pytest.mark.parametrize("line", [b'{"step": 2, "va', b"[]", b"{}", b"\xff\x00", b""])
def test_a_damaged_record_in_the_middle_is_named(copy: RunFolder, line: bytes) -> None:
    lines = copy.metrics.read_bytes().split(b"\n")
    copy.metrics.write_bytes(b"\n".join([lines[0], line, *lines[2:]]))
    write_report(copy)
    assert "line 2" in copy.report.read_text()


def test_what_is_damaged_is_named(copy: RunFolder) -> None:
    data = copy.model.read_bytes()
    copy.model.write_bytes(data[:-10])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: damaged"):
        write_report(copy)
    copy.model.write_bytes(data)
    (copy.path / "ids.npy").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"(corpus|tokenizer)\.json|ids\.npy"):
        write_report(copy)


def test_a_run_of_another_machine_is_reported_on_this_one(copy: RunFolder, lines: RunFolder) -> None:
    tree = json.loads(copy.config.read_text())
    tree["training"]["device"] = "mps" if torch.cuda.is_available() else "cuda"
    copy.config.write_text(json.dumps(tree))
    assert texts(page(copy).all("dd")) == texts(page(lines).all("dd"))


def test_samples_that_are_lost_or_of_no_record_are_not_shown(
    copy: RunFolder, images: RunFolder, tmp_path: Path
) -> None:
    copy.sampled()[4].unlink()
    copy.samples(99).with_suffix(".txt").write_text("of a step that a killed run must do again\n")
    assert read_frames(copy, {2, 4, 6}).steps == (2, 6)
    shutil.copytree(images.path, tmp_path / "images")
    damaged = RunFolder(tmp_path / "images")
    damaged.sampled()[4].write_bytes(b"no picture")
    assert read_frames(damaged, {2, 4, 5}).steps == (2, 5)
    assert read_frames(damaged, {4}).steps == ()


def png(side: int) -> bytes:
    """Return a picture that does not pack."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side), np.uint8)).save(file, format="PNG")
    return file.getvalue()


def test_large_pictures_are_made_smaller_and_small_ones_are_kept() -> None:
    assert picture(png(100)) == png(100)
    for side in (900, 2500):
        smaller = picture(png(side))
        assert smaller is not None
        assert len(smaller) <= frames.MAX_PICTURE_BYTES
        assert max(Image.open(io.BytesIO(smaller)).size) <= 1000
    assert picture(b"none") is None
    assert picture(png(100)[:-300]) is None


def test_a_long_run_gives_a_page_of_bounded_size(copy: RunFolder) -> None:
    for file in copy.sampled().values():
        file.unlink()
    for step in range(1, 1001):
        copy.samples(step).with_suffix(".txt").write_text("x" * 5000 + "\n")
    shown = read_frames(copy, range(2000))
    assert len(shown.steps) == frames.MAX_STEPS
    assert shown.steps[0] == 1
    assert shown.steps[-1] == 1000
    assert len(shown.to_json()) < 100_000
    data = png(700)
    for step in range(1, 51):
        copy.samples(step).with_suffix(".txt").unlink()
        copy.samples(step).with_suffix(".png").write_bytes(data)
    shown = read_frames(copy, range(51))
    assert 2 <= len(shown.steps) * len(data) / 2 <= frames.MAX_BYTES
    assert (shown.steps[0], shown.steps[-1]) == (1, 50)


needs_browser = pytest.mark.skipif(browser.program() is None, reason="there is no Chromium on this machine")

Open = Callable[..., browser.Page]

ROUND = "document.getElementById('at').textContent"
LINES = "[...document.querySelectorAll('#lines bdi')].map(line => line.textContent)"
PICTURE = "document.getElementById('picture').src"
OUTSIDE = """
[...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre, svg"))
    .map(e => e.outerHTML.slice(0, 80))
"""
PLAYED = """
new Promise(done => {
    const slider = document.getElementById("step");
    const look = () => (slider.value === slider.max ? done(true) : setTimeout(look, 20));
    look();
})
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.page(str(browser.program()), tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def opened(window: browser.Page, tmp_path: Path) -> Open:
    """Open the report of a run in a browser, and check that nothing else was asked for."""

    def show(run: RunFolder, **how: Any) -> browser.Page:
        file = tmp_path / "report.html"
        file.write_text(html(run), encoding="utf-8")
        window.open(file, **how)
        assert [url for url in window.requests if not url.startswith("data:image/png;base64,")] == [file.as_uri()]
        return window

    return show


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_at_any_width(any_run: RunFolder, opened: Open, width: int, dark: bool) -> None:
    shown = opened(any_run, width=width, dark=dark)
    assert shown.errors == []
    assert shown.value("document.title").endswith(": training report")
    assert shown.value("document.documentElement.scrollWidth") == width
    assert shown.value(OUTSIDE) == []


@needs_browser
def test_the_slider_moves_through_the_training(any_run: RunFolder, opened: Open) -> None:
    shown, data = opened(any_run), json.loads(page(any_run).with_id("frames").text)
    samples, of = (data["lines"], LINES) if "lines" in data else (data["pictures"], PICTURE)
    assert shown.value(of) == samples[-1]
    assert shown.value("getComputedStyle(document.querySelector('.slider')).display") == "flex"
    shown.value("document.getElementById('step').focus()")
    for key, place in (("Home", 0), ("ArrowRight", 1), ("End", -1), ("ArrowLeft", -2)):
        shown.press(key)
        assert shown.value(of) == samples[place]
        assert shown.value(ROUND) == f"round {data['steps'][place]}"
    assert shown.errors == []


@needs_browser
def test_playing_begins_anew_and_ends_at_the_last_step(lines: RunFolder, opened: Open) -> None:
    shown = opened(lines)
    shown.value("document.getElementById('play').click()")
    assert shown.value(ROUND) == "round 2"
    assert shown.value(PLAYED)
    assert shown.value(ROUND) == "round 6"
    assert shown.errors == []


@needs_browser
def test_hostile_lines_do_nothing_in_a_browser(hostile: RunFolder, opened: Open) -> None:
    shown = opened(hostile)
    shown.value("document.getElementById('step').focus()")
    shown.press("Home")
    assert shown.value(LINES) == list(HOSTILE)
    assert shown.errors == []
    assert shown.value("document.title").endswith(": training report")
    assert shown.value("document.images.length") == 0
    assert shown.value("document.querySelectorAll('script').length") == 2
    lowest = "Math.max(...[...document.querySelectorAll('.pair li')].map(line => line.offsetHeight))"
    assert shown.value(lowest) < 120  # marks on marks stay in their line
