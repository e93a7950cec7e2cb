"""Signals that ask a command to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from cli.ui.console import interrupt_on_signals, stop_signals, stopping

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Begin with the default handlers, which a job in the background lacks, and put back those that were there."""
    former = {signal.Signals[name]: signal.getsignal(signal.Signals[name]) for name in SIGNALS}
    for number in former:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", SIGNALS)
def test_each_asks_training_to_stop(name: str) -> None:
    number = signal.Signals[name]
    with stopping() as should_stop:
        assert not should_stop()
        os.kill(os.getpid(), number)
        assert should_stop()


@pytest.mark.parametrize("name", SIGNALS)
def test_outside_of_training_each_is_an_interrupt(name: str) -> None:
    interrupt_on_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.Signals[name])


def test_one_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert signal.SIGHUP not in stop_signals()
    interrupt_on_signals()
    with stopping() as should_stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not should_stop()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_terminal_that_has_gone_is_written_to_no_more() -> None:
    """What the terminal would be given goes nowhere, and no write fails."""
    child, terminal = os.forkpty()
    if child == 0:
        with stopping() as should_stop:
            os.write(1, b"ready")
            while not should_stop():
                time.sleep(0.01)
            os.write(1, b"saved")
            os.write(2, b"saved")
        os._exit(7)
    os.read(terminal, 5)
    os.close(terminal)  # the system tells the child with SIGHUP
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
