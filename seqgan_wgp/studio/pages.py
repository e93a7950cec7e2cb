"""What the studio shows, as HTML. Every text of a corpus, a model or a visitor is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from ..runs.report.charts import Chart, Series, svg
from ..text.generation.formats import printable
from ..text.inspection.report import Inspection
from .comparison import SideBySide
from .contributions import Explained
from .progress import RunProgress
from .training import JobState

STYLE = """
.prose .sg-strings {
  columns: 14em auto; font-family: var(--font-mono); white-space: pre; margin: 0; padding: 0 !important;
}
.prose .sg-strings li { list-style: none; margin: 0; }
.sg-strings li { overflow: hidden; text-overflow: ellipsis; }
.sg-note { opacity: .75; }
.sg-problem { color: var(--error-text-color, #b91c1c); }
.prose .sg-table, .prose .sg-table * { border: none !important; }
.sg-table { display: block; overflow-x: auto; }
.prose .sg-table td, .prose .sg-table th {
  padding: .2em .8em .2em 0 !important; text-align: left; vertical-align: top;
}
.sg-line { font-family: var(--font-mono); font-size: 1.2em; margin: .3em 0; overflow-wrap: anywhere; }
.sg-line span { border-radius: .2em; padding: .1em .05em; white-space: pre; }
.sg-curve { --grid: var(--border-color-primary); }
.dark .sg-curve { --series-0: #56b4e9; }
.sg-curve svg { width: min(100%, 34rem); height: auto; }
.sg-table + .sg-table td { font-family: var(--font-mono); }
:is(a, button, input, textarea):focus-visible {
  outline: 2px solid var(--color-accent) !important; outline-offset: 2px;
}
.sg-now { font-family: var(--font-mono); font-size: 1.8em; min-height: 2em; white-space: pre; overflow-x: auto; }
"""

_MOST_OPAQUE = 0.65


def strings_html(strings: Iterable[str], *, marked: int | None = None) -> str:
    """Return strings as a list in columns, one of them marked."""
    rows = (
        f"<li>{'<b>' if k == marked else ''}{_text(string)}{'</b>' if k == marked else ''}</li>"
        for k, string in enumerate(strings)
    )
    return f"<ul class='sg-strings'>{''.join(rows)}</ul>"


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts."""
    cells = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    first = "<tr>" + "".join(f"<th>{_text(cell)}</th>" for cell in head) + "</tr>" if head else ""
    return f"<table class='sg-table'>{first}{cells}</table>"


def inspection_html(found: Inspection) -> str:
    """Return the verdict on a corpus, its findings, and how it would be prepared."""
    verdict, outlook = found.verdict, found.outlook
    rows = [("corpus", f"{found.source.name}: {found.source.kind}, {found.source.bytes:,} bytes")]
    rows.append(("lines", f"{found.lines.read:,}, of which {found.lines.distinct:,} are distinct"))
    if outlook is not None:
        rows.append(("length", f"{outlook.length}: {outlook.rule}"))
        split = f"{outlook.train:,} training, {outlook.validation:,} validation, {outlook.test:,} test"
        rows.append(("rows", f"{outlook.rows:,}: {split}"))
    said = [(finding.level, "; ".join(filter(None, (finding.what, finding.remedy)))) for finding in found.findings]
    for file in found.source.files:  # where a file lies is nobody's business
        said = [(level, text.replace(file.label, Path(file.label).name)) for level, text in said]
    rows += said
    style = "" if verdict.trains else " class='sg-problem'"
    return f"<p{style}><b>{_text(verdict.what)}</b> {_text(verdict.remedy)}</p>{table_html((), rows)}"


def status_html(state: JobState | None, ahead: int, progress: RunProgress, run: str, error: str) -> str:
    """Return one line on a run, which is in no queue where there is no state."""
    if state == JobState.FAILED:
        return f"<p class='sg-problem'><b>failed</b> {_text(error)}</p>"
    parts = [f"<b>{state}</b>"] if state else []
    parts.append(_text(run))
    if state == JobState.WAITING:
        parts.append(f"{ahead} before it")
    if progress.step:
        parts.append(f"round {progress.step:,}, {progress.seconds:,.0f} s of training")
    if progress.curve:
        _, js, floor = progress.curve[-1]
        parts.append(f"JS-4 {js:.4f}, its floor {floor:.4f}")
    return f"<p>{' · '.join(parts)}</p>"


def curve_html(curve: Sequence[tuple[int, float, float]]) -> str:
    """Return JS-4 and its floor over the rounds as a chart in the colours of the page; not for several threads at once.

    Args:
        curve: (round, JS-4, floor) of each evaluation, in bits.
    """
    if not curve:
        return ""
    steps, js, floors = zip(*curve, strict=True)
    drawn = (
        Series(label="generated strings", x=steps, y=js),
        Series(label="floor: real lines", x=steps, y=floors, floor=True),
    )
    chart = Chart(title="JS-4", x_label="round", y_label="JS-4 (bits)", series=drawn, y_axis="zero")
    legend = "<p class='sg-note'>JS-4: generated strings, and dotted its floor, that of real lines</p>"
    return f"<div class='sg-curve'>{svg(chart, 'curve')}</div>{legend}"


def health_html(progress: RunProgress) -> str:
    """Return the warnings of a run."""
    if not progress.step:
        return ""
    if not progress.health:
        return "<p class='sg-note'>health: no warnings</p>"
    return "".join(f"<p><b>{_text(message)}</b> {_text(remedy)}</p>" for message, remedy in progress.health)


def explained_html(found: Sequence[Explained]) -> str:
    """Return strings with their symbols coloured by what each adds: green for more, red for less."""
    largest = max((abs(adds) for one in found for _, adds in one.symbols), default=0.0) or 1.0
    lines = []
    for one in found:
        symbols = "".join(_coloured(symbol, adds, adds / largest) for symbol, adds in one.symbols)
        likelihood = "" if one.log_probability is None else f", log probability {one.log_probability:.3f} nats"
        flag = f" ({_text(one.flag.replace('_', ' '))})" if one.flag else ""
        note = f"<span class='sg-note'>score {one.score:.4f}{likelihood}{flag}</span>"
        lines.append(f"<div class='sg-line'>{symbols} {note}</div>")
    return "".join(lines)


def comparison_html(found: SideBySide) -> str:
    """Return the measures of some models as a table, and their strings side by side."""
    columns = list(found.strings.values())
    rows = zip(*columns, strict=True)
    return table_html(found.columns, found.rows) + table_html([*found.strings], rows)


def _coloured(symbol: str, adds: float, share: float) -> str:
    colour = "34, 160, 90" if share > 0 else "215, 60, 50"
    opacity = min(abs(share), 1.0) * _MOST_OPAQUE
    return f"<span title='{adds:+.4f}' style='background: rgba({colour}, {opacity:.3f})'>{_text(symbol)}</span>"


def _text(text: str) -> str:
    """Return text as HTML that shows it, control characters as escapes."""
    return escape(printable(text))
