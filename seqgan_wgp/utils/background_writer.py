"""Do work in a background thread while the main thread produces more of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

Item = TypeVar("Item")

WAITING_MOST = 8
"""Items that wait for the thread at most; then whoever gives it more waits."""

_AWAKE_SECONDS = 0.5
"""How long to wait at a stretch. A signal that comes just before a wait begins is only seen when the wait is over."""

_GRACE_SECONDS = 1.0
"""How long a thread may take to end when all is broken off. It may be one that nobody reads from, and never ends."""


@contextmanager
def in_background(work: Callable[[Item], None]) -> Iterator[Callable[[Item], None]]:
    """Give a function that has `work` done with an item in another thread, one item after another.

    At the end all items have been worked on. An exception of the thread's is raised in the caller's, by the next call
    or at the end. When the caller fails, items that still wait are dropped.
    """
    waiting: queue.Queue[Item | None] = queue.Queue(WAITING_MOST)
    failures: list[BaseException] = []
    broken_off = threading.Event()

    def run() -> None:
        while (item := waiting.get()) is not None:
            if not (failures or broken_off.is_set()):
                try:
                    work(item)
                except BaseException as failure:  # noqa: BLE001  (it goes to the caller)
                    failures.append(failure)

    def give(item: Item) -> None:
        while not failures:
            with suppress(queue.Full):
                waiting.put(item, timeout=_AWAKE_SECONDS)
                return
        raise failures[0]

    # A daemon, since it may hang in a write when the user interrupts the command.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield give
    except BaseException:
        broken_off.set()
        _end(waiting)
        thread.join(_GRACE_SECONDS)
        raise
    _end_when_done(waiting, thread)
    if failures:
        raise failures[0]


def _end_when_done(waiting: queue.Queue[Item | None], thread: threading.Thread) -> None:
    """Have the thread end behind the last item, and wait for it."""
    told = False
    while thread.is_alive():
        if not told:
            with suppress(queue.Full):
                waiting.put(None, timeout=_AWAKE_SECONDS)
                told = True
        thread.join(_AWAKE_SECONDS if told else 0)


def _end(waiting: queue.Queue[Item | None]) -> None:
    """Have the thread end, also where the queue is full of what it will never come to."""
    while True:
        try:
            waiting.put_nowait(None)
            return
        except queue.Full:
            try:
                waiting.get_nowait()
            except queue.Empty:
                continue
