"""Charts: the same for the same numbers, of the page's colours, and fit to stand beside each other in one page."""

from __future__ import annotations

import functools
import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from seqgan_wgp.config import recipe
from seqgan_wgp.runs.measures import duration, measures_in, value_text, wording
from seqgan_wgp.runs.report.chart_specs import histogram_chart, position_charts, quality_charts, training_charts
from seqgan_wgp.runs.report.charts import MAX_POINTS, PALETTE, Chart, Series, svg
from seqgan_wgp.training.report_data import Histogram


def chart(*lines: list[float], **more: Any) -> Chart:
    series = tuple(Series(label=f"line {k}", x=range(len(y)), y=y, place=k) for k, y in enumerate(lines))
    return Chart(title="T", x_label="rounds", y_label="value (bits)", series=series, **more)


HISTOGRAM = Histogram(
    title="H", axis="length", edges=(0.0, 1.0, 2.0), generated=(0.25, 0.75), held_out=(0.5, 0.5), note="n"
)

CHARTS = {
    "line": chart([1.0, 2.0, 3.0]),
    "lines": chart(*([float(k), 1.0] for k in range(9))),
    "logarithmic": chart([1e-3, 1.0, 1e3]),
    "negative": chart([-1e6, 0.0, 2.5e9]),
    "constant": chart([0.1, 0.1], y_axis="zero"),
    "point": chart([5.0], x_zero=True),
    "bars": histogram_chart(HISTOGRAM),
}


@functools.cache
def drawn(name: str) -> str:
    return svg(CHARTS[name], "a")


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_chart_is_the_same_text_and_is_well_formed(name: str) -> None:
    assert drawn(name) == svg(CHARTS[name], "a")
    page = ElementTree.fromstring(drawn(name))
    assert page.tag == "svg"
    assert page.get("role") == "img"
    assert page.get("viewBox")
    assert page.get("width") is None


@pytest.mark.parametrize("name", CHARTS)
def test_every_colour_is_the_pages_and_nothing_is_loaded_or_dated(name: str) -> None:
    text = drawn(name)
    fallbacks = re.findall(r"var\(--[a-z0-9-]+, (#[0-9a-f]+)\)", text)
    assert set(fallbacks) <= {*PALETTE, "#ccc"}
    assert re.findall(r"#[0-9a-f]{3,8}", re.sub(r"var\([^)]*\)", "", text).replace("url(#a-clip)", "")) == []
    assert re.findall(r"(?i)http|href|date|matplotlib|font-family|<style|<script", text) == []


@pytest.mark.parametrize("name", CHARTS)
def test_labels_are_text_and_the_chart_is_described_in_words(name: str) -> None:
    one = CHARTS[name]
    page = ElementTree.fromstring(drawn(name))
    texts = [text.text for text in page.iter("text")]
    assert one.x_label in texts
    assert one.y_label in texts
    assert len(texts) > 4
    said = page.get("aria-label", "")
    assert all(part in said for part in (one.title, one.x_label, one.y_label, *(line.label for line in one.series)))


def test_charts_of_different_names_share_no_id_and_use_only_their_own() -> None:
    pages = {name: ElementTree.fromstring(svg(CHARTS["lines"], name)) for name in ("a", "b")}
    ids = {name: {each.get("id") for each in page.iter()} - {None} for name, page in pages.items()}
    assert ids["a"]
    assert not ids["a"] & ids["b"]
    for name, page in pages.items():
        used = {each.get("clip-path") for each in page.iter()} - {None}
        assert used == {f"url(#{place})" for place in ids[name]}


def points(text: str, place: int) -> list[tuple[float, float]]:
    page = ElementTree.fromstring(text)
    path = next(path for path in page.iter("path") if f"stroke: var(--series-{place}" in path.get("style", ""))
    numbers = re.findall(r"[ML] (\S+) (\S+)", path.get("d", ""))
    return [(float(x), float(y)) for x, y in numbers]


def test_points_lie_where_their_numbers_are() -> None:
    (x0, y0), (x1, y1), (x2, y2) = sorted(points(svg(chart([0.0, 1.0, 3.0]), "a"), 0))
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y2 == pytest.approx(3 * (y0 - y1), abs=0.4)


def test_a_long_line_is_thinned_and_keeps_its_last_point() -> None:
    count = 10 * MAX_POINTS + 7
    whole, last = chart([0.0] * (count - 1) + [1.0]), chart([0.0] * count)
    assert len(points(svg(whole, "a"), 0)) <= MAX_POINTS
    assert points(svg(whole, "a"), 0) != points(svg(last, "a"), 0)


def test_lines_are_told_apart_by_dashes_and_floors_have_their_lines_colour() -> None:
    lines = [Series(label="x", x=[0], y=[0], place=place) for place in range(len(PALETTE))]
    assert len({line.dash for line in lines}) == len(lines)
    assert len({line.color for line in lines}) == len(lines)
    floor = Series(label="x", x=[0], y=[0], place=2, floor=True)
    assert floor.color == lines[2].color
    assert floor.dash not in {line.dash for line in lines}


def named(charts: list[Chart]) -> dict[str, Chart]:
    return {one.title: one for one in charts}


def test_measures_are_drawn_with_their_floors_also_those_that_nothing_is_known_of() -> None:
    records = [
        {"step": step, "js1": 0.5, "js1_floor": 0.1, "js2": 0.6, "unique": 0.5, "new": 3.0, "new_floor": 2.0, "loss": 1}
        for step in (10, 20)
    ]
    found = named(quality_charts([{"step": 5, "loss": 2.0}, *records]))
    assert list(found) == ["N-grams", "new", "Shares"]
    assert [(one.label, one.floor, one.place) for one in found["N-grams"].series] == [
        ("JS-1", False, 0), ("floor of JS-1", True, 0), ("JS-2", False, 1),
    ]  # fmt: skip
    assert list(found["new"].series[1].y) == [2.0, 2.0]
    assert list(found["Shares"].series[0].x) == [10, 20]
    assert list(found["Shares"].series[0].y) == [50.0, 50.0]


def test_what_is_not_finite_or_no_number_is_left_out() -> None:
    values = [1.0, math.nan, math.inf, None, "2", 3]
    records = [{"step": step, "wasserstein": value} for step, value in enumerate(values)]
    (series,) = named(training_charts(records, recipe("fast")))["Wasserstein estimate"].series
    assert (list(series.x), list(series.y)) == ([0, 5], [1.0, 3.0])


def test_what_is_no_part_of_a_run_is_not_drawn() -> None:
    records = [{"step": step, "penalty": 0.0, "slope_mean": 0.0, "segment_slope_p50": 0.7} for step in (1, 2)]
    found = named(training_charts(records, recipe("fast")))
    assert "Penalty" not in found
    assert [one.label for one in found["Slope of the critic"].series] == ["between real and generated, median"]
    assert training_charts([], recipe("fast")) == []
    assert quality_charts([]) == []
    assert position_charts([{"step": 1}]) == []


def test_learning_rates_are_those_that_the_records_have() -> None:
    rates = {"critic_learning_rate": 0.25, "generator_learning_rate": 0.5}
    records = [{"step": 1, **rates}, {"step": 9, **{name: rate / 2 for name, rate in rates.items()}}]
    drawn = named(training_charts(records, recipe("fast")))["Learning rates"].series
    assert {one.label: list(one.y) for one in drawn} == {"critic": [0.25, 0.125], "generator": [0.5, 0.25]}


def test_learning_rates_of_old_records_are_those_of_the_schedule() -> None:
    changes = {"optimizer.critic.learning_rate": 0.5, "optimizer.critic.lr_decay_steps": 100}
    config = recipe(
        "fast", {**changes, "optimizer.generator.learning_rate": 0.25, "optimizer.generator.lr_decay_steps": 0}
    )
    records = [{"step": 1}, {"step": 301}, {"step": 2401}]  # the rounds 0, 300 and 2,400
    drawn = named(training_charts(records, config))["Learning rates"].series
    assert {one.label: list(one.y) for one in drawn} == {
        "critic": pytest.approx([0.5, 0.25, 0.1]), "generator": [0.25, 0.25, 0.25],
    }  # fmt: skip


def test_peaks_are_those_of_the_first_and_of_the_last_diagnosis() -> None:
    records = [{"step": step, "peaks_by_position": [step / 10, 1.0]} for step in (1, 2, 3)] + [{"step": 4}]
    (found,) = position_charts(records)
    assert [(one.label, list(one.x), list(one.y)) for one in found.series] == [
        ("round 1", [1, 2], [0.1, 1.0]), ("round 3", [1, 2], [0.3, 1.0]),
    ]  # fmt: skip


def test_measures_are_known_by_their_words_or_their_floors() -> None:
    record = {"step": 1, "critic_loss": 2.0, "js3": 0.1, "odd": 1.0, "odd_floor": math.nan, "class_kl": math.inf}
    assert measures_in(record) == {"js3": 0.1, "odd": 1.0}
    assert wording("js3").title == "JS-3"
    assert wording("odd").title == "odd"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("unique", 0.5, "50.0%"),
        ("unique_floor", 1.0, "100.0%"),
        ("modes", 19.0, "19"),
        ("js4", 0.12345, "0.1235"),
        ("fcd", 123.456, "123.46"),
    ],
)
def test_values_are_written_as_people_read_them(name: str, value: float, text: str) -> None:
    assert value_text(name, value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (150, "2 min 30 s"), (7325, "2 h 2 min")]
)
def test_times_are_of_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
