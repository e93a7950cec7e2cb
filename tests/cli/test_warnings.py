"""Warnings of the library are one line on stderr, and those of others as Python shows them."""

from __future__ import annotations

import warnings

import pytest

from cli.ui.console import show_warnings
from seqgan_wgp.errors import SeqganWarning


def test_our_warnings_are_one_line_and_others_as_ever(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = []
    monkeypatch.setattr(warnings, "showwarning", lambda *given: others.append(given[1]))
    show_warnings()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for category in (SeqganWarning, UserWarning):
            warnings.showwarning("there is a [GPU]", category, "model.py", 7)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "warning: there is a [GPU]\n")
    assert others == [UserWarning]
