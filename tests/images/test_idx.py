"""IDX files: what is written is read, and whatever is not such a file is said in one line."""

from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from seqgan_wgp.errors import CorpusError
from seqgan_wgp.images.idx import TYPES, read_idx, read_images, read_labels, write_idx

Array = npt.NDArray[Any]

every_array = st.sampled_from(sorted(TYPES.values())).flatmap(
    lambda name: arrays(np.dtype(name), array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
)
either_form = st.sampled_from(["file", "file.gz"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all examples of a property."""
    return tmp_path_factory.mktemp("idx")


def images(*shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def same(one: Array, other: Array) -> bool:
    """Bit for bit, as not-a-number is unlike itself."""
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


# Round trips


@pytest.mark.parametrize(
    ("code", "dtype", "packed"),
    [
        (0x08, "u1", b"\x01\xff"),
        (0x09, "i1", b"\x01\xff"),
        (0x0B, "i2", b"\x00\x01\xff\xfe"),
        (0x0C, "i4", b"\x00\x00\x00\x01\xff\xff\xff\xfe"),
        (0x0D, "f4", struct.pack(">ff", 1.5, -2.0)),
        (0x0E, "f8", struct.pack(">dd", 1.5, -2.0)),
    ],
)
def test_each_type_is_written_as_the_format_says(code: int, dtype: str, packed: bytes, tmp_path: Path) -> None:
    values = {"u1": [1, 255], "i1": [1, -1], "i2": [1, -2], "i4": [1, -2]}.get(dtype, [1.5, -2.0])
    array = np.array([values], dtype)
    write_idx(tmp_path / "file", array)
    assert (tmp_path / "file").read_bytes() == bytes([0, 0, code, 2, 0, 0, 0, 1, 0, 0, 0, 2]) + packed
    assert same(read_idx(tmp_path / "file"), array)


@given(array=every_array, form=either_form)
def test_what_is_written_is_read(folder: Path, array: Array, form: str) -> None:
    write_idx(folder / form, array)
    read = read_idx(folder / form)
    assert same(read, array)
    assert read.dtype.isnative
    assert read.flags.writeable
    assert (folder / form).read_bytes().startswith(b"\x1f\x8b" if form.endswith(".gz") else b"\0\0")


@given(array=every_array)
def test_any_order_in_memory_is_written_the_same(folder: Path, array: Array) -> None:
    write_idx(folder / "one.gz", array)
    write_idx(folder / "other.gz", np.asfortranarray(array).astype(array.dtype.newbyteorder(">")))
    assert (folder / "one.gz").read_bytes() == (folder / "other.gz").read_bytes()


def test_content_tells_what_is_compressed_and_the_name_within_does_not_matter(tmp_path: Path) -> None:
    array = images(5, 4, 4)
    write_idx(tmp_path / "plain", array)
    (tmp_path / "plain").rename(tmp_path / "plain.gz")
    with (
        (tmp_path / "packed").open("wb") as file,
        gzip.GzipFile("../else.png", "wb", fileobj=file) as stream,
    ):
        stream.write((tmp_path / "plain.gz").read_bytes())
    assert b"else.png" in (tmp_path / "packed").read_bytes()
    assert same(read_idx(tmp_path / "plain.gz"), array)
    assert same(read_idx(tmp_path / "packed"), array)


@pytest.mark.parametrize("array", [np.zeros(3, np.uint16), np.zeros(3, np.int64), np.zeros((1,) * 5), np.array(1.0)])
def test_what_the_format_does_not_have_is_not_written(array: Array, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        write_idx(tmp_path / "file", array)
    assert list(tmp_path.iterdir()) == []


# Damage


@given(data=st.data(), array=every_array, form=either_form)
def test_a_file_cut_off_at_any_byte_is_refused(folder: Path, data: st.DataObject, array: Array, form: str) -> None:
    write_idx(folder / form, array)
    whole = (folder / form).read_bytes()
    (folder / form).write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CorpusError, match="is cut off|is empty|begins with the bytes 1f,") as caught:
        read_idx(folder / form)
    assert str(folder / form) in caught.value.message
    assert caught.value.remedy


@given(array=every_array, form=either_form, extra=st.binary(min_size=1, max_size=20))
def test_a_file_with_more_behind_is_refused(folder: Path, array: Array, form: str, extra: bytes) -> None:
    write_idx(folder / "plain", array)
    longer = (folder / "plain").read_bytes() + extra
    (folder / form).write_bytes(gzip.compress(longer) if form.endswith(".gz") else longer)
    with pytest.raises(CorpusError, match="is too long"):
        read_idx(folder / form)


@given(data=st.data(), array=every_array)
def test_gzip_data_with_one_bit_changed_is_refused_or_holds_the_same(
    folder: Path, data: st.DataObject, array: Array
) -> None:
    write_idx(folder / "file.gz", array)
    packed = bytearray((folder / "file.gz").read_bytes())
    place = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[place // 8] ^= 1 << place % 8
    (folder / "file.gz").write_bytes(packed)
    try:
        assert same(read_idx(folder / "file.gz"), array)
    except CorpusError as error:
        assert len(error.message.splitlines()) == 1


@given(
    content=st.binary(max_size=40),
    begin=st.sampled_from([b"", b"\0\0", b"\0\0\x08\x01", b"\0\0\x0e\x04", b"\x1f\x8b\x08"]),
)
def test_any_bytes_are_an_array_or_an_error(folder: Path, content: bytes, begin: bytes) -> None:
    (folder / "any").write_bytes(begin + content)
    try:
        read_idx(folder / "any")
    except CorpusError as error:
        assert len(error.message.splitlines()) == 1
        assert error.remedy


@pytest.mark.parametrize("name", ["lying", "lying.gz"])
def test_a_header_that_lies_takes_no_memory(name: str, tmp_path: Path) -> None:
    lying = struct.pack(">HBB3I", 0, 8, 3, 1 << 22, 28, 28) + b"some"
    (tmp_path / name).write_bytes(gzip.compress(lying) if name.endswith(".gz") else lying)
    tracemalloc.start()
    try:
        with pytest.raises(CorpusError, match=r"4,194,304 x 28 x 28 uint8, that is 3,288,334,336 .* 4 are there"):
            read_idx(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_reading_takes_little_more_memory_than_the_images(tmp_path: Path) -> None:
    array = images(5_000, 32, 32, 3)
    write_idx(tmp_path / "file", array)
    tracemalloc.start()
    try:
        read = read_images(tmp_path / "file")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert same(read, np.ascontiguousarray(array.transpose(0, 3, 1, 2)))
    assert peak < 1.5 * array.nbytes


# Images and labels


@pytest.mark.parametrize("form", ["file", "file.gz"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((7, 4, 8), (0, 1, 2)),
        ((7, 1, 4, 8), (0, 1, 2, 3)),
        ((7, 3, 8, 4), (0, 1, 2, 3)),
        ((7, 4, 8, 1), (0, 3, 1, 2)),
        ((7, 4, 8, 3), (0, 3, 1, 2)),
        ((2_100, 8, 4, 3), (0, 3, 1, 2)),
    ],
)
def test_images_are_read_with_channels_first(
    shape: tuple[int, ...], axes: tuple[int, ...], form: str, tmp_path: Path
) -> None:
    array = images(*shape)
    write_idx(tmp_path / form, array)
    expected = array.transpose(axes)
    read = read_images(tmp_path / form)
    assert same(read, expected[:, None] if expected.ndim == 3 else np.ascontiguousarray(expected))
    assert read.flags.c_contiguous


def test_labels_are_read_where_there_is_one_for_each_image(tmp_path: Path) -> None:
    write_idx(tmp_path / "labels", np.arange(5, dtype=np.uint8))
    assert read_labels(tmp_path / "labels", 5).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(CorpusError, match=r"labels: has 5 labels, and there are 6 images\ngive images and labels that"):
        read_labels(tmp_path / "labels", 6)


def test_mnist_is_read(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("mnist")
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        read = read_images(folder / f"{part}-images-idx3-ubyte.gz")
        labels_N = read_labels(folder / f"{part}-labels-idx1-ubyte.gz", count)
        assert read.shape == (count, 1, 28, 28)
        assert (read.dtype, read.min(), read.max()) == (np.dtype("u1"), 0, 255)
        assert np.unique(labels_N).tolist() == list(range(10))
        assert len({image.tobytes() for image in read}) == count


# Bad input

REFUSED: dict[str, tuple[bytes | Array, str]] = {
    "a picture": (
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        r"is not an IDX file \(it begins with the bytes 89 50, not 00 00\)",
    ),
    "text": (b"Ana\nBo\n", "is not an IDX file"),
    "a packed text": (gzip.compress(b"Ana\nBo\n", mtime=0), "is not an IDX file"),
    "another format": (bytes([0, 0, 7, 1]) + bytes(4), r"its type is 07, and IDX has 08, 09, 0b, 0c, 0d, 0e"),
    "no dimensions": (bytes([0, 0, 8, 0, 5]), "has 0 dimensions"),
    "five dimensions": (bytes([0, 0, 8, 5]) + bytes([0, 0, 0, 1] * 5) + b"x", "has 5 dimensions"),
    "endless": (bytes([0, 0, 8, 4]) + b"\xff" * 16, "which is impossible"),
    "endless nothing": (bytes([0, 0, 8, 4]) + b"\xff" * 12 + bytes(4), "which is impossible"),
    "a terabyte": (bytes([0, 0, 8, 3]) + bytes([0, 0, 64, 0]) * 3, r"holds 4,398,046,511,104 bytes, and images of at"),
    "a packed terabyte": (
        gzip.compress(bytes([0, 0, 8, 3]) + bytes([0, 0, 64, 0]) * 3, mtime=0),
        "holds 4,398,046,511,104 bytes",
    ),
    "empty": (b"", "is empty"),
    "packed emptiness": (gzip.compress(b"", mtime=0), "is empty"),
    "garbage behind gzip": (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 0]), mtime=0) + b"more", "is damaged gzip data"),
    "labels": (np.zeros(1_000, np.uint8), r"these are 1,000 labels, not images"),
    "flat": (np.zeros((5, 784), np.uint8), "has 5 x 784 values, which is not a set of images"),
    "two channels": (np.zeros((5, 2, 28, 28), np.uint8), "has 5 x 2 x 28 x 28 values, which is not a set of images"),
    "real numbers": (np.zeros((5, 28, 28), np.float32), r"its values are float32, and pixels are unsigned bytes"),
    "signed": (np.zeros((5, 28, 28), np.int8), "its values are int8"),
    "none": (np.zeros((0, 28, 28), np.uint8), "has no images"),
    "odd": (np.zeros((5, 27, 30), np.uint8), r"images are 27 x 30 pixels, .* divisible by 4\npad them to 28 x 32$"),
    "no pixels": (np.zeros((5, 0, 28), np.uint8), r"images are 0 x 28 pixels, .* 4\npad them to 4 x 28$"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_images_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    path = tmp_path / "images"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_idx(path, content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_images(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 28, 28), np.uint8), "has 5 x 28 x 28 values, which is not a list of labels"),
        (np.zeros(5, np.int32), "its values are int32, and labels are unsigned bytes"),
    ],
)
def test_what_is_no_labels_is_refused(array: Array, message: str, tmp_path: Path) -> None:
    write_idx(tmp_path / "labels", array)
    with pytest.raises(CorpusError, match=message):
        read_labels(tmp_path / "labels", 5)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "closed").write_bytes(b"")
    (tmp_path / "closed").chmod(0)
    cases = {tmp_path: "cannot be read", tmp_path / "circle": "cannot be read", tmp_path / "none": "no such file"}
    cases |= {Path("a\0b"): r"'a\\x00b' is not a valid path"}
    if os.access(tmp_path / "closed", os.R_OK) is False:  # root may read everything
        cases[tmp_path / "closed"] = "cannot be read"
    for path, message in cases.items():
        with pytest.raises(CorpusError, match=message) as caught:
            read_idx(path)
        assert caught.value.remedy
