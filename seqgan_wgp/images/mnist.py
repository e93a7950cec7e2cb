"""Find the four files of MNIST in a folder, or download them once.

The files of Fashion-MNIST and KMNIST have the same names, so folders of them work too.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CorpusError
from ..utils import cache_dir
from .picture_files import is_picture_set

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
"""Download addresses of MNIST, in the order in which they are tried."""

TIMEOUT = 20.0
"""Seconds without a byte after which a mirror counts as dead."""

MIN_SPEED = 1 << 12
"""Bytes a second: a mirror that is slower counts as dead."""

_BLOCK_BYTES = 1 << 16
_PLACES = (".", "raw", "MNIST/raw")
"""Where files can be below a folder; torchvision uses MNIST/raw."""

_TRAIN_IMAGES, _TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_TEST_IMAGES, _TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Size and hash that a downloaded file must have."""

    sha256: str
    """SHA-256 of its content, in hexadecimal digits."""

    size: int
    """Size in bytes."""


FILES: dict[str, Expected] = {
    f"{_TRAIN_IMAGES}.gz": Expected(
        sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", size=9_912_422
    ),
    f"{_TRAIN_LABELS}.gz": Expected(
        sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", size=28_881
    ),
    f"{_TEST_IMAGES}.gz": Expected(
        sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", size=1_648_877
    ),
    f"{_TEST_LABELS}.gz": Expected(
        sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", size=4_542
    ),
}
"""The files of a mirror, by name."""


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Paths of the image and label files in a folder; None: there is no such file."""

    train_images: Path
    """Training images."""

    train_labels: Path | None
    """Labels of the training images."""

    test_images: Path | None
    """Test images."""

    test_labels: Path | None
    """Labels of the test images."""


class _Failed(Exception):
    """A file that could not be downloaded from a mirror.

    Args:
        reason: a short description.
        dead: whether to skip the mirror for other files too.
    """

    def __init__(self, reason: str, *, dead: bool) -> None:
        super().__init__(reason)
        self.dead = dead


def find_images(folder: Path) -> ImageFiles:
    """Return the files of a folder that have the names of MNIST's files, compressed or not; otherwise its pictures.

    All are taken from the same place: the folder itself, or `raw` or `MNIST/raw` below it.

    Raises:
        CorpusError: no such folder, or no training images in it.
    """
    try:
        if is_picture_set(folder) and not any(_find(folder / below, _TRAIN_IMAGES) for below in _PLACES):
            return ImageFiles(train_images=folder, train_labels=None, test_images=None, test_labels=None)
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "no such folder"
            raise CorpusError(
                f"{folder}: {what}", f"give a folder with {_TRAIN_IMAGES}.gz or with pictures, or an .npy or .npz file"
            )
        places = [folder / below for below in _PLACES]
        for place in places:
            images = _find(place, _TRAIN_IMAGES)
            if images:
                return ImageFiles(
                    train_images=images,
                    train_labels=_find(place, _TRAIN_LABELS),
                    test_images=_find(place, _TEST_IMAGES),
                    test_labels=_find(place, _TEST_LABELS),
                )
        folders = [path for place in places for name in _spellings(_TRAIN_IMAGES) if (path := place / name).is_dir()]
    except OSError as error:
        raise CorpusError(f"{folder}: cannot be read ({error.strerror})", "give another folder") from None
    raise CorpusError(
        f"{folder}: has no training images (looked for {', '.join(_spellings(_TRAIN_IMAGES))};"
        f" there and in {' and '.join(_PLACES[1:])})" + "".join(f"; {path} is a folder" for path in folders),
        f"put {_TRAIN_IMAGES}.gz there, and beside it, where you have them, "
        + ", ".join(f"{name}.gz" for name in (_TRAIN_LABELS, _TEST_IMAGES, _TEST_LABELS))
        + "; or give a folder of PNG or JPEG pictures of one size, or an .npy or .npz file",
    )


def _spellings(name: str) -> list[str]:
    """Return the possible names of a file: compressed first, since gzip has a checksum."""
    return [f"{each}{ending}" for each in (name, name.replace("-idx", ".idx")) for ending in (".gz", "")]


def _find(folder: Path, name: str) -> Path | None:
    return next((path for each in _spellings(name) if (path := folder / each).is_file()), None)


def cache_folder() -> Path:
    """Return the folder for downloads of MNIST."""
    return cache_dir.root() / "mnist"


def mnist_folder(
    data: Path | None,
    on_progress: Callable[[str, int, int], None] = lambda *_progress: None,
    mirrors: Sequence[str] | None = None,
) -> Path:
    """Return a folder in which `find_images` finds images.

    Args:
        data: the folder given by the user; None: MNIST, which is downloaded if it is not in `cache_folder` yet.
        on_progress: called with a file's name, its bytes so far, and its total bytes; restarts with each mirror.
        mirrors: base addresses of the files, tried in turn; None: MIRRORS.

    Raises:
        CorpusError: `data` has no images, the cache cannot be written, or the download failed at all mirrors.
    """
    if data is not None:
        find_images(data)
        return data
    folder = cache_folder()
    failures: dict[str, str] = {}
    try:
        if not _missing(folder):
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        for mirror in MIRRORS if mirrors is None else mirrors:
            _ask(mirror, folder, on_progress, failures)
        missing = _missing(folder)
    except OSError as error:
        raise CorpusError(
            f"{folder}: cannot be written ({error.strerror})",
            "give a folder with MNIST: --data DIR; or set a folder for downloads in the environment variable "
            f"{cache_dir.ENVIRONMENT}",
        ) from None
    if missing:
        tried = "; ".join(f"{mirror}: {reason}" for mirror, reason in failures.items()) or "no mirrors"
        raise CorpusError(
            f"MNIST is not on this machine and could not be downloaded ({tried})",
            f"put {', '.join(missing)} into {folder}, or give a folder with MNIST: --data DIR",
        )
    return folder


def _missing(folder: Path) -> list[str]:
    """Return the names of the files that are missing in a folder, under any of their names."""
    return [name for name in FILES if not _find(folder, name.removesuffix(".gz"))]


def _ask(mirror: str, folder: Path, on_progress: Callable[[str, int, int], None], failures: dict[str, str]) -> None:
    """Download the missing files of a folder from a mirror; store in `failures` why a download failed."""
    for name in _missing(folder):
        try:
            _fetch(f"{mirror.rstrip('/')}/{name}", folder / name, FILES[name], on_progress)
        except _Failed as failed:
            failures.setdefault(mirror, str(failed))
            if failed.dead:
                return


def _fetch(url: str, to: Path, expected: Expected, on_progress: Callable[[str, int, int], None]) -> None:
    """Download a file atomically. Other processes may do the same at the same time.

    Raises:
        _Failed: the download failed, or the file has a wrong size or hash.
        OSError: the file cannot be written.
    """
    temporary = to.with_name(f".{to.name}.{uuid.uuid4().hex}.new")
    done, content = 0, hashlib.sha256()
    try:
        on_progress(to.name, 0, expected.size)
        begun = time.monotonic()
        with temporary.open("xb") as file, contextlib.closing(_blocks(url)) as blocks:
            for block in blocks:
                done += len(block)
                if time.monotonic() - begun > TIMEOUT + done / MIN_SPEED:
                    raise _Failed("is too slow", dead=True)
                if done > expected.size:
                    raise _Failed(f"sends more than the {expected.size:,} bytes of {to.name}", dead=False)
                content.update(block)
                file.write(block)
                on_progress(to.name, done, expected.size)
            file.flush()
            os.fsync(file.fileno())
        if done < expected.size:
            raise _Failed(f"sends {done:,} of the {expected.size:,} bytes of {to.name}", dead=False)
        if content.hexdigest() != expected.sha256:
            raise _Failed(f"sends another {to.name} (its SHA-256 differs)", dead=False)
        temporary.replace(to)
    finally:
        temporary.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, and closes the answer of one that leads to no address."""

    def http_error_302(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: http.client.HTTPMessage
    ) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _blocks(url: str) -> Generator[bytes, None, None]:
    """Yield the content at an address. Raises _Failed, but does not detect a truncated download."""
    request = urllib.request.Request(url, headers={"User-Agent": "seqgan_wgp"})
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as response:
            while block := response.read1(_BLOCK_BYTES):  # not read, which waits until there is so much
                yield block
    except urllib.error.HTTPError as error:
        error.close()
        raise _Failed(f"answers with HTTP {error.code}", dead=False) from None
    except http.client.IncompleteRead:
        return
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirection to no address
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        words = " ".join(str(getattr(cause, "strerror", None) or cause).split())
        raise _Failed(f"connection failed ({words})", dead=True) from None
