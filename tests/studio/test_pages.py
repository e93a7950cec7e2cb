"""Text is shown as text, and colours follow the signs of numbers."""

from __future__ import annotations

import re
from pathlib import Path

from seqgan_wgp.config import recipe
from seqgan_wgp.studio import pages
from seqgan_wgp.studio.comparison import SideBySide
from seqgan_wgp.studio.contributions import Explained
from seqgan_wgp.studio.progress import RunProgress
from seqgan_wgp.studio.training import JobState
from seqgan_wgp.text.inspection.inspect import inspect
from seqgan_wgp.text.readers.open import open_inputs

HOSTILE = "<img src=x onerror='alert(1)'>\"&\x1b[31m</ul><script>"
SHOWN = "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;&quot;&amp;\\x1b[31m&lt;/ul&gt;&lt;script&gt;"


def test_text_is_escaped_wherever_it_stands(tmp_path: Path) -> None:
    explained = Explained(text=HOSTILE, score=1.0, flag="", log_probability=-1.0, symbols=((HOSTILE, 1.0),))
    progress = RunProgress(step=1, samples=(HOSTILE,), health=((HOSTILE, HOSTILE),))
    corpus = tmp_path / "<b>.txt"
    corpus.write_text("".join(f"{HOSTILE}{k}\n" for k in range(99)))
    shown = [
        pages.strings_html([HOSTILE], marked=0),
        pages.table_html([HOSTILE], [[HOSTILE]]),
        pages.explained_html([explained]),
        pages.comparison_html(SideBySide(columns=(HOSTILE,), rows=[[HOSTILE]], strings={HOSTILE: [HOSTILE]})),
        pages.status_html(JobState.RUNNING, 0, progress, HOSTILE, ""),
        pages.status_html(JobState.FAILED, 0, progress, "", HOSTILE),
        pages.health_html(progress),
    ]
    for page in shown:
        assert SHOWN in page and "<img" not in page and "<script" not in page and "\x1b" not in page
    page = pages.inspection_html(inspect(open_inputs([str(corpus)]), recipe("fast")))
    assert "&lt;b&gt;" in page and "<b>:" not in page and "<img" not in page
    assert str(tmp_path) not in page  # where a file lies is nobody's business


def test_the_verdict_of_inspect_comes_first(tiny_corpus: Path, tmp_path: Path) -> None:
    assert pages.inspection_html(inspect(open_inputs([str(tiny_corpus)]), recipe("fast"))).startswith(
        "<p><b>can be trained on"
    )
    (tmp_path / "bad.txt").write_bytes(b"a\xff\n" * 50)
    found = inspect(open_inputs([str(tmp_path / "bad.txt")]), recipe("fast"))
    assert pages.inspection_html(found).startswith("<p class='sg-problem'><b>train would")


def test_a_finding_and_what_to_do_about_it_are_parted(tmp_path: Path) -> None:
    (tmp_path / "twice.txt").write_text("".join(f"word{k % 40:02}\n" for k in range(99)))
    page = pages.inspection_html(inspect(open_inputs([str(tmp_path / "twice.txt")]), recipe("fast")))
    assert re.search(r"duplicate lines: 59 of 99; frequent lines", page), page


def test_green_adds_red_takes_and_the_largest_is_the_strongest() -> None:
    one = Explained(
        text="abc", score=0.5, flag="too_long", log_probability=None, symbols=(("a", 2.0), ("b", -1.0), ("c", 0.0))
    )
    page = pages.explained_html([one])
    found = re.findall(r"title='([^']+)' style='background: rgba\((\d+), \d+, \d+, ([\d.]+)\)'>(.)<", page)
    assert [(title, symbol) for title, _, _, symbol in found] == [("+2.0000", "a"), ("-1.0000", "b"), ("+0.0000", "c")]
    (_, green, first, _), (_, red, second, _), (_, _, none, _) = found
    assert int(red) > int(green) and float(first) == 2 * float(second) and float(none) == 0
    assert "score 0.5000 (too long)" in page
    assert pages.explained_html([]) == ""


def test_a_status_says_where_a_run_stands() -> None:
    progress = RunProgress(step=1200, seconds=61.0, curve=((600, 0.3, 0.1), (1200, 0.25, 0.125)))
    line = pages.status_html(JobState.RUNNING, 0, progress, "names-fast-001", "")
    assert "running" in line and "round 1,200, 61 s" in line and "JS-4 0.2500, its floor 0.1250" in line
    assert "2 before it" in pages.status_html(JobState.WAITING, 2, RunProgress(), "x", "")
    assert pages.curve_html(()) == "" and pages.curve_html(progress.curve).startswith("<div class='sg-curve'><svg")
    assert pages.health_html(RunProgress()) == "" and "no warnings" in pages.health_html(progress)
