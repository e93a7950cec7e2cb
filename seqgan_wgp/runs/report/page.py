"""Write the report of a run: one self-contained HTML file.

The report is a pure function of the run's files, so the same run gives the same bytes. Text from the corpus is escaped
and marked as distinct from the page's own text.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from ... import config as configs
from ..._version import __version__
from ...utils.atomic_files import new_file
from ..folder import RunFolder
from ..health.findings import findings_of
from ..measures import duration, measures_in, value_text, wording
from . import chart_specs
from .charts import Chart, svg
from .frames import data_uri
from .inputs import ReportInputs, read_report_inputs

NOTES_SHOWN = 10
"""Records that could not be read are named up to this number; the others are counted."""

_TEMPLATES = Path(__file__).with_name("templates")


def write_report(run: RunFolder, path: Path | None = None) -> Path:
    """Write the report of a run atomically and return its path.

    Args:
        run: a run that is finished, interrupted or still training.
        path: the file, replaced if it exists; None: report.html in the run folder.

    Raises:
        CheckpointError: a file of the run is damaged, or a required file is missing.
        OSError: the report cannot be written.
    """
    text, place = render(read_report_inputs(run)), run.report if path is None else path
    with new_file(place) as file:
        file.write(text.encode())
    return place


def render(found: ReportInputs) -> str:
    """Render the report as HTML."""
    config, exhibits, records = found.config, found.exhibits, found.records
    groups = {
        "Quality": chart_specs.quality_charts(records),
        "Training": chart_specs.training_charts(records, config) + chart_specs.position_charts(records),
        "Spread": [chart_specs.histogram_chart(one) for one in exhibits.histograms],
    }
    drawn = {title: _drawn(title, charts) for title, charts in groups.items()}
    return (
        _environment()
        .get_template("report.html")
        .render(
            config=config,
            exhibits=exhibits,
            real_picture=data_uri(exhibits.real) if isinstance(exhibits.real, bytes) else None,
            frames=found.frames,
            frame_data=Markup(found.frames.to_json()),
            status=_status(found),
            tiles=_tiles(found),
            quality=_quality(found),
            charts=drawn,
            health=[finding for record in records for finding in findings_of(record)],
            notes=found.notes[:NOTES_SHOWN],
            more_notes=max(0, len(found.notes) - NOTES_SHOWN),
            settings=configs.to_toml(config),
            again=_again(found),
            policy=_policy(),
            version=__version__,
            **{name: Markup(_text(name)) for name in ("css", "js")},
        )
    )


def _drawn(group: str, charts: list[Chart]) -> list[tuple[Chart, Markup]]:
    return [(chart, Markup(svg(chart, f"{group.lower()}-{place}"))) for place, chart in enumerate(charts)]


def _status(found: ReportInputs) -> str:
    """Return the state of the run in one sentence."""
    limits, patience = found.config.training, found.config.evaluation.patience
    stopped = f"Stopped at round {found.step:,}; continue it with resume."
    if not found.records and found.model is None:
        return "Not started: there are no records yet."
    if found.model is None:
        return "Stopped before the first checkpoint, so there is no model yet; resume starts it again."
    if not found.finished:
        return stopped
    if limits.steps is not None and found.step >= limits.steps:
        return f"Finished after {found.step:,} rounds."
    if limits.minutes is not None and found.seconds >= 60 * limits.minutes:
        return f"Finished: the time limit of {limits.minutes:g} minutes was reached."
    if patience is not None and found.stale >= patience:
        return f"Finished early: no improvement in the last {found.stale:,} evaluations."
    return stopped  # it had finished and was then given a later end


def _tiles(found: ReportInputs) -> list[tuple[str, str, str]]:
    """Return the key numbers at the top: (label, value, note)."""
    criterion, best = found.exhibits.criterion, found.best
    tiles = [("rounds", f"{found.step:,}", ""), ("training time", duration(found.seconds), "")]
    half = "test" if found.finished else "validation"
    value = found.metrics.get(half, {}).get(criterion)
    if value is not None:
        floor = found.metrics[half].get(f"{criterion}_floor")
        beside = "" if floor is None else f", floor {value_text(criterion, floor)}"
        tiles.append((wording(criterion).title, value_text(criterion, value), f"{half} split{beside}"))
    if best is not None:
        where = f"validation split, round {best['step']:,}"
        tiles.append((f"best {wording(criterion).title}", value_text(criterion, best[criterion]), where))
    if found.model is not None:
        weights = sum(parameter.numel() for parameter in found.model.generator.parameters())
        critic = sum(parameter.numel() for parameter in found.model.critic.parameters())
        tiles.append(("generator", f"{weights:,}", f"weights; critic {critic:,}"))
    return tiles


def _quality(found: ReportInputs) -> list[dict[str, str]]:
    """Return a row for each measure: validation and test, each with its floor."""
    last = {"validation": measures_in(found.evaluations[-1])} if found.evaluations else {}
    halves = dict(found.metrics) if found.finished else last
    names = [name for name in measures_in(halves.get("validation", {})) if not name.endswith("_floor")]
    rows = []
    for name in names:
        words = wording(name)
        row = {"title": words.title, "meaning": words.meaning, "unit": words.unit.replace("%", "")}
        for half, measures in halves.items():
            for key, of in ((half, name), (f"{half}_floor", f"{name}_floor")):
                row[key] = value_text(of, measures[of]) if of in measures else ""
        rows.append(row)
    return rows


def _again(found: ReportInputs) -> str:
    """Return the command that reproduces the run up to its current step."""
    words = f"seqgan-wgp {found.exhibits.command} --config config.toml --steps {max(1, found.step)}"
    if found.config.training.minutes is not None:
        words += " --set training.minutes=none"
    if found.config.evaluation.patience is not None:
        words += " --set evaluation.patience=none"
    return f"{words} --out again"


@cache
def _text(ending: str) -> str:
    return (_TEMPLATES / f"report.{ending}").read_text(encoding="utf-8")


def _policy() -> str:
    """Return the content security policy: no requests, and only the page's own script."""
    digest = base64.b64encode(hashlib.sha256(_text("js").encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
