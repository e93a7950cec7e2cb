"""One run trains at a time; it can be paused, resumed and watched, whatever becomes of its process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.studio.training import MAX_WAITING, Job, JobState, Order, TrainingQueue

# A command that keeps its words in the folder of the run, and ends when it is told to, as train does.
PROGRAM = """
import pathlib, signal, sys, time
words = sys.argv[1:]
run = pathlib.Path(words[words.index("--out") + 1] if words[0] == "train" else words[1])
run.mkdir(exist_ok=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
(run / f"{words[0]}.txt").write_text(" ".join(words))
if "quick" in run.name:
    sys.exit(0)
if "wrong" in run.name:
    sys.exit("some lines\\nerror: no such thing\\n       do otherwise")
time.sleep(600)
"""


@pytest.fixture
def queue(tmp_path: Path) -> TrainingQueue:
    return TrainingQueue([sys.executable, "-c", PROGRAM], tmp_path)


@pytest.fixture(autouse=True)
def _closed(queue: TrainingQueue) -> object:
    yield
    queue.close()


def order(name: str, **more: object) -> Order:
    return Order(corpus="words", name=name, steps=10, **more)  # type: ignore[arg-type]


def becomes(queue: TrainingQueue, job: Job, state: JobState) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if queue.state(job)[0] == state:
            return True
        time.sleep(0.02)
    return False


def is_written(file: Path) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and not (file.exists() and file.stat().st_size):
        time.sleep(0.02)
    return file.exists()


def test_a_run_ends_and_the_next_one_begins(queue: TrainingQueue) -> None:
    first, second, third = (queue.submit(order(name)) for name in ("quick", "long", "quick"))
    assert (first.run.name, third.run.name) == ("quick-fast-001", "quick-fast-002")
    assert becomes(queue, first, JobState.DONE)
    assert queue.state(second)[0] == JobState.RUNNING
    assert queue.state(third) == (JobState.WAITING, 1)
    assert is_written(second.run / "train.txt")
    queue.pause(second)
    assert becomes(queue, second, JobState.PAUSED)
    assert becomes(queue, third, JobState.DONE)


def test_a_paused_run_is_resumed_in_its_folder_to_a_later_end(queue: TrainingQueue) -> None:
    job = queue.submit(order("long"))
    with pytest.raises(ConfigError, match="already being trained"):
        queue.resume(job.run)
    assert is_written(job.run / "train.txt")
    queue.pause(job)
    assert becomes(queue, job, JobState.PAUSED)
    again = queue.resume(job.run, minutes=5)
    assert is_written(job.run / "resume.txt")
    assert (job.run / "resume.txt").read_text() == f"resume {job.run} --minutes 5"
    queue.close()
    assert queue.state(again)[0] == JobState.PAUSED


def test_a_waiting_run_can_be_taken_out(queue: TrainingQueue) -> None:
    queue.submit(order("long"))
    waiting, last = queue.submit(order("long")), queue.submit(order("long"))
    assert queue.state(last) == (JobState.WAITING, 2)
    queue.pause(waiting)
    assert queue.state(waiting)[0] == JobState.PAUSED and not waiting.run.exists()
    assert queue.state(last) == (JobState.WAITING, 1)


def test_what_the_command_says_is_kept_when_it_fails(queue: TrainingQueue) -> None:
    job = queue.submit(order("wrong"))
    assert becomes(queue, job, JobState.FAILED)
    assert job.error == "no such thing\n       do otherwise"


def test_the_queue_is_bounded(queue: TrainingQueue) -> None:
    for _ in range(MAX_WAITING + 1):
        queue.submit(order("long"))
    with pytest.raises(ConfigError, match="waiting already"):
        queue.submit(order("long"))


def test_an_order_is_what_the_command_is_told(tmp_path: Path) -> None:
    told = Order(corpus="/a b.txt", name="x", recipe="causal", minutes=0.5, seed=3, settings={"log.every": 5})
    assert told.words(tmp_path) == [
        *("train", "/a b.txt", "--out", str(tmp_path), "--recipe", "causal", "--seed", "3"),
        *("--minutes", "0.5", "--set", "log.every=5"),
    ]
    assert Order(corpus="words", name="x", steps=1_000_000).words(tmp_path)[-2:] == ["--steps", "1000000"]


@pytest.mark.parametrize("name", ["../../x.txt", "a/b", "ä ö.txt", "", "." * 300, "<script>"])
def test_names_are_safe_in_paths(name: str, tmp_path: Path) -> None:
    queue = TrainingQueue(["true"], tmp_path)
    run = queue.submit(order(name)).run
    assert run.parent == tmp_path and len(run.name) < 60 and "." not in run.name
    queue.close()


BAD: list[tuple[Callable[[], Order], str]] = [
    (lambda: Order(corpus="words", name="x"), "neither minutes nor rounds"),
    (lambda: Order(corpus="words", name="x", minutes=0), "0 minutes"),
    (lambda: Order(corpus="words", name="x", minutes=float("nan")), "nan minutes"),
    (lambda: Order(corpus="words", name="x", steps=0), "0 rounds"),
    (lambda: Order(corpus="words", name="x", steps=1, seed=-1), "seed -1"),
    (lambda: Order(corpus="words", name="x", steps=1, recipe="no"), "recipe"),
    (lambda: Order(corpus="words", name="x", steps=1, settings={"no.such": 1}), "no setting"),
]


@pytest.mark.parametrize(("make", "says"), BAD, ids=[says for _, says in BAD])
def test_a_bad_order_is_refused(make: Callable[[], Order], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()
