"""Warnings of the library are one line on stderr."""

from __future__ import annotations

import logging

import pytest

from cli.ui.console import show_warnings
from seqgan_wgp.utils.messages import LOGGER, warn


def test_a_warning_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [logging.NullHandler()])
    show_warnings()
    warn("there is a [GPU]")
    LOGGER.info("which nobody asked for")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "warning: there is a [GPU]\n")
