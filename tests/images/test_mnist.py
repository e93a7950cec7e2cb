"""MNIST is found where it is and downloaded where it is not, whatever mirrors do; nothing half-made stays."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import itertools
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import platformdirs
import pytest

from seqgan_wgp.errors import CorpusError
from seqgan_wgp.images import mnist
from seqgan_wgp.images.idx import read_images, read_labels, write_idx
from seqgan_wgp.images.mnist import FILES, Expected, cache_folder, find_images, mnist_folder
from seqgan_wgp.utils.cache_dir import ENVIRONMENT

NAMES = tuple(FILES)
PLAIN = tuple(name.removesuffix(".gz") for name in NAMES)
DOTTED = tuple(name.replace("-idx", ".idx") for name in PLAIN)


def content(name: str) -> bytes:
    """A small file of that name: five images, or their labels."""
    values = np.random.default_rng(len(name)).integers(0, 10, 5 if "labels" in name else 5 * 16, np.uint8)
    header = struct.pack(">HBB", 0, 8, 1) if "labels" in name else struct.pack(">HBB", 0, 8, 3)
    sizes = (5,) if "labels" in name else (5, 4, 4)
    return gzip.compress(header + struct.pack(f">{len(sizes)}I", *sizes) + values.tobytes(), mtime=0)


CONTENT = {name: content(name) for name in NAMES}

ANSWERS: dict[str, Callable[[str], tuple[int, bytes, int]]] = {
    "good": lambda name: (200, CONTENT[name], len(CONTENT[name])),
    "truncated": lambda name: (200, CONTENT[name][:-9], len(CONTENT[name])),
    "wrong": lambda name: (200, CONTENT[name][:-1] + b"!", len(CONTENT[name])),
    "missing": lambda name: (404, b"not here", 8),
    "broken": lambda name: (503, b"later", 5),
    "endless": lambda name: (200, CONTENT[name] + b"more", len(CONTENT[name]) + 4),
    "portal": lambda name: (200, b"<html>", 6),
    "silent": lambda name: (0, b"", 0),
    "lost": lambda name: (302, b"", 0),
    "partial": lambda name: (404, b"", 0) if name == NAMES[2] else (200, CONTENT[name], len(CONTENT[name])),
    "rest": lambda name: (200, CONTENT[name], len(CONTENT[name])) if name == NAMES[2] else (404, b"", 0),
}
"""Kind of mirror -> what it answers: status (0: it hangs up), body, and the length that it claims."""

REASONS = {
    "truncated": r"sends \d+ of the \d+ bytes of",
    "wrong": "its SHA-256 differs",
    "missing": "answers with HTTP 404",
    "broken": "answers with HTTP 503",
    "endless": "sends more than the",
    "portal": r"sends 6 of the \d+ bytes of",
    "silent": "connection failed",
    "lost": "connection failed",
    "dead": "connection failed",
}


class Handler(BaseHTTPRequestHandler):
    """Answers /KIND/NAME as a mirror of that kind does."""

    asked: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        _, kind, name = self.path.split("/")
        self.asked[kind] += 1
        assert self.headers["User-Agent"] == "seqgan_wgp"
        status, body, length = ANSWERS[kind](name)
        self.close_connection = True
        if status:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://[::1")  # which is no address
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (what the base calls it)
        pass


@dataclass(frozen=True, kw_only=True)
class Web:
    """Mirrors of every kind, on this machine."""

    address: str
    dead: str
    asked: Counter[str]

    def __call__(self, *kinds: str) -> list[str]:
        return [self.dead if kind == "dead" else f"{self.address}/{kind}/" for kind in kinds]


@pytest.fixture(scope="module")
def running() -> Iterator[Web]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    with socket.socket() as closed:  # bound but not listening: it refuses, and nobody else can have the port
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        yield Web(address=f"http://127.0.0.1:{server.server_port}", dead=dead, asked=Handler.asked)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def web(running: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The mirrors, with the small files as the files that are wanted."""
    for name, data in CONTENT.items():
        monkeypatch.setitem(FILES, name, Expected(sha256=hashlib.sha256(data).hexdigest(), size=len(data)))
    monkeypatch.setenv("no_proxy", "*")
    running.asked.clear()
    return running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is downloaded to; not there yet."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "cache"))
    return tmp_path / "cache" / "mnist"


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Downloads


ORDERS = list(itertools.permutations(["good", "truncated", "wrong", "missing", "dead"]))
UNLIKE = {kinds[: kinds.index("good")]: kinds for kinds in ORDERS}
"""What fails before a good mirror is met -> one order of all: those behind it are not asked."""


@pytest.mark.parametrize("kinds", UNLIKE.values(), ids="-".join)
def test_any_mirror_that_is_good_is_enough(kinds: tuple[str, ...], web: Web, cache: Path) -> None:
    assert mnist_folder(None, mirrors=web(*kinds)) == cache
    assert held(cache) == CONTENT
    asked = kinds[: kinds.index("good") + 1]
    assert web.asked == {kind: 4 for kind in asked if kind != "dead"}


@pytest.mark.parametrize("kind", REASONS)
def test_a_mirror_that_fails_leaves_nothing_and_is_named(kind: str, web: Web, cache: Path) -> None:
    with pytest.raises(CorpusError, match=REASONS[kind]) as caught:
        mnist_folder(None, mirrors=web(kind))
    assert held(cache) == {}
    assert web(kind)[0] in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert mnist_folder(None, mirrors=web(kind, "good")) == cache
    assert held(cache) == CONTENT


def test_when_all_fail_each_is_named_with_its_reason_and_the_remedy_says_what_goes_where(web: Web, cache: Path) -> None:
    mirrors = web("dead", "missing", "truncated")
    with pytest.raises(CorpusError) as caught:
        mnist_folder(None, mirrors=mirrors)
    places = [caught.value.message.index(f"{mirror}: ") for mirror in mirrors]
    reasons = [caught.value.message.index(words) for words in ("connection failed", "answers with HTTP 404", "sends ")]
    assert sorted(places + reasons) == [place for pair in zip(places, reasons, strict=True) for place in pair]
    assert caught.value.remedy == (f"put {', '.join(NAMES)} into {cache}, or give a folder with MNIST: --data DIR")
    for name, data in CONTENT.items():
        (cache / name).write_bytes(data)
    assert mnist_folder(None, mirrors=mirrors) == cache


def test_a_mirror_that_is_dead_is_asked_once_and_another_for_every_file(web: Web, cache: Path) -> None:
    mnist_folder(None, mirrors=web("silent", "missing", "good"))
    assert web.asked == {"silent": 1, "missing": 4, "good": 4}
    assert held(cache) == CONTENT


def test_a_mirror_that_never_answers_is_left(web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mirror = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(CorpusError, match=r"connection failed \(timed out\)"):
            mnist_folder(None, mirrors=[mirror])
    assert held(cache) == {}
    monkeypatch.setattr(mnist, "TIMEOUT", 20.0)
    assert mnist_folder(None, mirrors=web("good")) == cache


def test_two_mirrors_together_may_have_everything(web: Web, cache: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        mnist_folder(None, mirrors=web("partial"))
    assert caught.value.remedy.startswith(f"put {NAMES[2]} into")
    assert held(cache) == {name: data for name, data in CONTENT.items() if name != NAMES[2]}
    assert mnist_folder(None, mirrors=web("rest")) == cache
    assert held(cache) == CONTENT
    assert web.asked == {"partial": 4, "rest": 1}


@pytest.mark.parametrize("names", [NAMES, PLAIN, DOTTED])
def test_what_is_there_is_not_downloaded_again(names: tuple[str, ...], cache: Path) -> None:
    cache.mkdir(parents=True)
    for name in names:
        (cache / name).write_bytes(b"")
    assert mnist_folder(None, mirrors=[]) == cache


@pytest.mark.usefixtures("cache")
def test_progress_is_told(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "_BLOCK_BYTES", 10)
    told: list[tuple[str, int, int]] = []
    mnist_folder(None, lambda *progress: told.append(progress), web("good"))
    for name, data in CONTENT.items():
        steps = [*range(0, len(data), 10), len(data)]
        assert [progress for progress in told if progress[0] == name] == [(name, done, len(data)) for done in steps]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("after", [0, 10])
def test_an_interruption_leaves_no_part_of_a_file(
    stop: type[BaseException], after: int, web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "_BLOCK_BYTES", 10)

    def interrupt(name: str, done: int, _total: int) -> None:
        if name == NAMES[1] and done >= after:
            raise stop

    with pytest.raises(stop):
        mnist_folder(None, interrupt, web("good"))
    assert held(cache) == {NAMES[0]: CONTENT[NAMES[0]]}


def test_many_at_the_same_time_do_not_disturb_each_other(
    web: Web, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "_BLOCK_BYTES", 10)
    all_ready, found = threading.Barrier(6), []

    def begin(*_progress: object) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            all_ready.wait(timeout=0.2)  # nobody has finished a file when all have begun

    def fetch() -> None:
        found.append(mnist_folder(None, begin, web("wrong", "good")))

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cache] * 6
    assert held(cache) == CONTENT


def test_a_disk_that_takes_no_more_is_no_fault_of_the_mirror(web: Web, cache: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(CorpusError, match=r"mnist: cannot be written \(File too large\)\ngive a folder"):
            mnist_folder(None, mirrors=web("good", "good"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert held(cache) == {}
    assert web.asked == {"good": 1}


def test_a_cache_that_cannot_be_made_is_said(web: Web, cache: Path) -> None:
    cache.parent.write_text("a file")
    with pytest.raises(CorpusError, match=f"mnist: cannot be written .*\ngive a folder .* {ENVIRONMENT}$"):
        mnist_folder(None, mirrors=web("good"))


def test_the_real_files_are_what_is_expected(shared_data: Callable[[str], Path], cache: Path) -> None:
    folder = shared_data("mnist")
    assert mnist_folder(folder) == folder
    assert mnist_folder(None, mirrors=[folder.as_uri()]) == cache
    files = find_images(cache)
    assert files.test_images is not None
    assert files.test_labels is not None
    assert read_images(files.test_images).shape == (10_000, 1, 28, 28)
    assert read_labels(files.test_labels, 10_000).max() == 9


@pytest.mark.parametrize("value", ["", None])
def test_without_the_variable_the_user_s_cache_is_meant(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    if value is not None:
        monkeypatch.setenv(ENVIRONMENT, value)
    assert cache_folder() == Path(platformdirs.user_cache_dir("seqgan_wgp")) / "mnist"


# Folders


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("names", [NAMES, PLAIN, DOTTED, tuple(f"{name}.gz" for name in DOTTED)])
def test_the_four_files_are_found(names: tuple[str, ...], below: str, tmp_path: Path) -> None:
    place = tmp_path / below
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / name).write_bytes(b"")
    files = find_images(tmp_path)
    found = (files.train_images, files.train_labels, files.test_images, files.test_labels)
    assert found == tuple(place / name for name in names)
    assert mnist_folder(tmp_path, mirrors=[]) == tmp_path


def test_only_training_images_are_needed_and_none_come_from_another_place(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in NAMES:
        (tmp_path / "raw" / name).write_bytes(b"")
    write_idx(tmp_path / PLAIN[0], np.zeros((5, 4, 4), np.uint8))
    files = find_images(tmp_path)
    assert files.train_images == tmp_path / PLAIN[0]
    assert files.train_labels is files.test_images is files.test_labels is None


def test_compressed_files_go_first(tmp_path: Path) -> None:
    for name in (PLAIN[0], NAMES[0]):
        (tmp_path / name).write_bytes(b"")
    assert find_images(tmp_path).train_images == tmp_path / NAMES[0]


def test_a_folder_without_training_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAMES[2]).write_bytes(b"")
    (tmp_path / NAMES[0]).mkdir()
    with pytest.raises(CorpusError) as caught:
        find_images(tmp_path)
    for name in (NAMES[0], PLAIN[0], DOTTED[0], f"{DOTTED[0]}.gz", "MNIST/raw"):
        assert name in caught.value.message
    assert f"{tmp_path / NAMES[0]} is a folder" in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert all(name in caught.value.remedy for name in NAMES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "no such folder"),
        ("file", "is a file"),
        ("n" * 5_000, "cannot be read|no such folder"),
        ("a\0b", "no such folder"),
    ],
)
def test_what_is_no_folder_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CorpusError, match=message) as caught:
        mnist_folder(tmp_path / name)
    assert caught.value.remedy
