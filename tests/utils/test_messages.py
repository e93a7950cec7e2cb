"""Messages go to who has set up logging, and are Python warnings elsewhere: never lost, and never twice."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

from seqgan_wgp.errors import SeqganWarning
from seqgan_wgp.utils.messages import LOGGER, warn

PACKAGE = Path(__file__).parents[2] / "seqgan_wgp"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Return the logger as in a program that has not set up logging; pytest has, at the root."""
    monkeypatch.setattr(LOGGER, "propagate", False)
    monkeypatch.setattr(LOGGER, "handlers", [logging.NullHandler()])
    return LOGGER


class Kept(logging.Handler):
    """Keeps what it gets."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_it_is_a_warning_where_nobody_has_set_up_logging(bare: logging.Logger) -> None:
    for handler in ([], [Kept(logging.ERROR)]):
        bare.handlers[1:] = handler
        with pytest.warns(SeqganWarning, match="^100% odd$") as caught:
            warn("100% odd", stacklevel=1)
        assert caught[0].filename == __file__ and len(caught) == 1


@pytest.mark.parametrize("name", ["", "seqgan_wgp"])
def test_it_is_logged_where_somebody_has(name: str, bare: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    monkeypatch.setattr(bare, "propagate", not name)
    monkeypatch.setattr(logging.getLogger(name), "handlers", [kept])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("100% odd", stacklevel=1)
    (record,) = kept.records
    assert (record.name, record.levelno, record.getMessage()) == ("seqgan_wgp", logging.WARNING, "100% odd")
    assert record.pathname == __file__


def test_it_can_be_silenced(bare: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "level", logging.ERROR)
    bare.manager._clear_cache()  # type: ignore[attr-defined]  # what setLevel does
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn("odd")
    finally:
        monkeypatch.undo()
        bare.manager._clear_cache()  # type: ignore[attr-defined]


def test_the_library_says_nothing_in_another_way() -> None:
    others = [
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if "warnings.warn(" in file.read_text(encoding="utf-8")
    ]
    assert others == ["utils/messages.py"]
