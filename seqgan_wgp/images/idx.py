"""IDX, the file format of MNIST: two zero bytes, a type, the number of dimensions, their sizes, the values.

All numbers are big-endian. Gzip data is recognised by its content, not by the file name.

Shape suffixes: N images, C channels, H, W.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from ..errors import CorpusError, one_line

TYPES: dict[int, str] = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
"""Type code -> numpy type."""

MAX_DIMENSIONS = 4
"""The format allows up to 255; images need at most 4."""

SIDE_FACTOR = 4
"""Height and width are multiples of this: networks halve images twice."""

MAX_SET_BYTES = 1 << 32
"""All images of a set are in memory at once; a larger set is refused before any of it is read."""

_GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 20
_BLOCK_IMAGES = 1024
_AGAIN = "get the file from its source again"
_AN_IDX_FILE = "give an IDX file, plain or gzip, such as train-images-idx3-ubyte.gz"


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Return the array of an IDX file, in this machine's byte order.

    A wrong header cannot make it take more memory than the values in the file.

    Raises:
        CorpusError: the file does not exist, is not IDX, has an unsupported type or number of dimensions, is truncated
            or too long, has damaged gzip data, or holds more than MAX_SET_BYTES.
    """
    with _opened(path) as stream:
        dtype, sizes = _header(path, stream)
        count = math.prod(sizes) * dtype.itemsize
        check_bytes(path, count)
        values = bytearray()
        while block := stream.read(min(_BLOCK_BYTES, count - len(values))):
            values += block
        more = stream.read(1)  # this also makes gzip verify its checksum
    header = f"its header says {_times(sizes)} {dtype.name}, that is {count:,} bytes"
    if len(values) < count:
        raise CorpusError(f"{path}: is cut off ({header}, and {len(values):,} are there)", _AGAIN)
    if more:
        raise CorpusError(f"{path}: is too long ({header}, and more follow)", _AGAIN)
    array: npt.NDArray[Any] = np.ndarray(sizes, dtype, buffer=values)
    return array.byteswap(inplace=True) if sys.byteorder == "little" else array


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Yield a stream of a file's bytes, decompressed if gzip. Errors in reading become CorpusErrors."""
    try:
        with path.open("rb") as file:
            if file.peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
                with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                    yield cast("IO[bytes]", stream)
            else:
                yield file
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file", _AN_IDX_FILE) from None
    except EOFError:
        raise CorpusError(f"{path}: is cut off (it ends within its gzip data)", _AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{path}: is damaged gzip data ({one_line(error)})", _AGAIN) from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or one_line(error)})", _AN_IDX_FILE) from None
    except ValueError as error:
        raise CorpusError(f"{str(path)!r} is not a valid path ({error})", _AN_IDX_FILE) from None


def _header(path: Path, stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the type, in this machine's byte order, and the sizes."""
    magic = stream.read(4)
    if not magic:
        raise CorpusError(f"{path}: is empty", _AGAIN)
    if any(magic[:2]):
        raise CorpusError(
            f"{path}: is not an IDX file (it begins with the bytes {magic[:2].hex(' ')}, not 00 00)", _AN_IDX_FILE
        )
    if len(magic) < 4:
        raise CorpusError(f"{path}: is cut off (it ends within its header)", _AGAIN)
    code, dimensions = magic[2:]
    if code not in TYPES:
        known = ", ".join(f"{each:02x}" for each in TYPES)
        raise CorpusError(f"{path}: is not an IDX file (its type is {code:02x}, and IDX has {known})", _AN_IDX_FILE)
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise CorpusError(
            f"{path}: has {dimensions} dimensions", f"give an IDX file of 1 to {MAX_DIMENSIONS} dimensions"
        )
    packed = stream.read(4 * dimensions)
    if len(packed) < 4 * dimensions:
        raise CorpusError(f"{path}: is cut off (it ends within its header)", _AGAIN)
    sizes, dtype = struct.unpack(f">{dimensions}I", packed), np.dtype(TYPES[code])
    if math.prod(size or 1 for size in sizes) * dtype.itemsize > sys.maxsize:  # numpy cannot create such arrays
        raise CorpusError(f"{path}: is damaged (its header says {_times(sizes)} values, which is impossible)", _AGAIN)
    return dtype, sizes


def read_images(path: Path) -> npt.NDArray[np.uint8]:
    """Return images (N, C, H, W) of unsigned bytes, from a file of (N, H, W), (N, C, H, W) or (N, H, W, C).

    Raises:
        CorpusError: an error of `read_idx`, labels, another shape or type, no images, or sides not divisible by 4.
    """
    array = read_idx(path)
    wanted = "give unsigned bytes, N x height x width or with 1 or 3 channels, such as train-images-idx3-ubyte.gz"
    if array.ndim == 1:
        raise CorpusError(f"{path}: these are {len(array):,} labels, not images", wanted)
    if array.dtype != np.uint8:
        raise CorpusError(f"{path}: its values are {array.dtype}, and pixels are unsigned bytes (uint8)", wanted)
    return checked_images(array, path, wanted)


def check_bytes(path: Path, count: int) -> None:
    """Raise CorpusError if a set of images of so many bytes is too large."""
    if count > MAX_SET_BYTES:
        raise CorpusError(
            f"{path}: holds {count:,} bytes, and images of at most {MAX_SET_BYTES:,} are read",
            "give fewer or smaller images",
        )


def checked_images(array: npt.NDArray[np.uint8], path: Path, wanted: str) -> npt.NDArray[np.uint8]:
    """Return unsigned bytes as images (N, C, H, W).

    Raises:
        CorpusError: the shape is not that of images, there are none, or sides are not divisible by 4.
    """
    images_NCHW = _channels_first(array)
    if images_NCHW is None:
        raise CorpusError(f"{path}: has {_times(array.shape)} values, which is not a set of images", wanted)
    count, _, height, width = images_NCHW.shape
    if not count:
        raise CorpusError(f"{path}: has no images", _AGAIN)
    if height % SIDE_FACTOR or width % SIDE_FACTOR or not height * width:
        fit = " x ".join(str(max(1, math.ceil(side / SIDE_FACTOR)) * SIDE_FACTOR) for side in (height, width))
        raise CorpusError(
            f"{path}: images are {height} x {width} pixels, and both must be divisible by {SIDE_FACTOR}",
            f"pad them to {fit}",
        )
    return images_NCHW


def _channels_first(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """Return images as (N, C, H, W) without a copy of all; None if the shape is not that of images."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim != 4:
        return None
    if array.shape[1] in (1, 3):
        return array
    if array.shape[3] not in (1, 3):
        return None
    count, height, width, channels = array.shape
    moved_NCHW = array.reshape(count, channels, height, width)
    for first in range(0, count, _BLOCK_IMAGES):  # numpy copies overlapping memory, so only some images at a time
        block = slice(first, first + _BLOCK_IMAGES)
        moved_NCHW[block] = array[block].transpose(0, 3, 1, 2)
    return moved_NCHW


def read_labels(path: Path, count: int) -> npt.NDArray[np.uint8]:
    """Return the labels (N,) of images.

    Args:
        path: an IDX file of one dimension.
        count: N, the number of images.

    Raises:
        CorpusError: an error of `read_idx`, images, another type, or another number of labels.
    """
    labels_N = read_idx(path)
    wanted = "give N unsigned bytes, such as train-labels-idx1-ubyte.gz"
    if labels_N.ndim != 1:
        raise CorpusError(f"{path}: has {_times(labels_N.shape)} values, which is not a list of labels", wanted)
    if labels_N.dtype != np.uint8:
        raise CorpusError(f"{path}: its values are {labels_N.dtype}, and labels are unsigned bytes (uint8)", wanted)
    if len(labels_N) != count:
        raise CorpusError(
            f"{path}: has {len(labels_N):,} labels, and there are {count:,} images",
            "give images and labels that belong together",
        )
    return labels_N


def write_idx(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an IDX file, compressed if the name ends in .gz. The same array gives the same bytes.

    Raises:
        ValueError: a type that the format lacks, or a number of dimensions that `read_idx` does not support.
    """
    codes = {np.dtype(name).newbyteorder(">"): code for code, name in TYPES.items()}
    big = array.dtype.newbyteorder(">")
    if big not in codes or not 1 <= array.ndim <= MAX_DIMENSIONS:
        raise ValueError(f"{array.ndim} dimensions of {array.dtype} cannot be written as IDX")
    data = struct.pack(f">HBB{array.ndim}I", 0, codes[big], array.ndim, *array.shape) + array.astype(big).tobytes()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)
