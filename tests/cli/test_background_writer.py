"""Work in a thread: in order, all of it, and its errors come back."""

from __future__ import annotations

import threading

import pytest

from cli.ui.output import MAX_WAITING, in_background


@pytest.mark.parametrize("count", [0, 1, 10 * MAX_WAITING])
def test_all_is_done_in_order_in_another_thread(count: int) -> None:
    done: list[tuple[int, int]] = []

    def work(item: int) -> None:
        done.append((item, threading.get_ident()))

    with in_background(work) as give:
        for item in range(count):
            give(item)
    assert [item for item, _thread in done] == list(range(count))
    assert threading.get_ident() not in {thread for _item, thread in done}


@pytest.mark.parametrize("failing", [0, 3, 5 * MAX_WAITING])
def test_an_error_comes_back_and_nothing_is_done_after_it(failing: int) -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == failing:
            raise OSError(28, "No space left on device")
        done.append(item)

    with pytest.raises(OSError, match="No space left"), in_background(work) as give:
        for item in range(failing + 3 * MAX_WAITING):
            give(item)
    assert done == list(range(failing))


def test_an_error_with_the_last_item_comes_back() -> None:
    def work(item: int) -> None:
        raise BrokenPipeError(item)

    with pytest.raises(BrokenPipeError), in_background(work) as give:
        give(7)


def test_a_caller_that_fails_does_not_wait_for_what_is_left() -> None:
    run_training, begun = threading.Event(), threading.Event()
    done: list[int] = []

    def work(item: int) -> None:
        begun.set()
        run_training.wait()
        done.append(item)

    with pytest.raises(KeyboardInterrupt), in_background(work) as give:
        for item in range(MAX_WAITING):
            give(item)
        begun.wait()
        give(MAX_WAITING)  # the queue is full now
        threading.Timer(0.1, run_training.set).start()
        raise KeyboardInterrupt
    assert len(done) <= 1
