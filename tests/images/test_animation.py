"""A film of training: every picture or evenly thinned, the last one held, the same bytes for the same pictures."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqgan_wgp.images.animation import LAST_MILLISECONDS, MAX_FRAMES, MAX_SIDE, MILLISECONDS, thinned, write_film


def pictures(folder: Path, steps: list[int], size: tuple[int, int] = (60, 40), mode: str = "L") -> dict[int, Path]:
    """Write a picture of noise for each step."""
    chance = np.random.default_rng(0)
    files = {step: folder / f"{step:08d}.png" for step in steps}
    for file in files.values():
        shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
        Image.fromarray(chance.integers(0, 256, shape, np.uint8)).save(file)
    return files


def frames(path: Path) -> list[tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]:
    """Return milliseconds and pixels of each."""
    with Image.open(path) as film:
        count: int = getattr(film, "n_frames")  # noqa: B009
        found = []
        for place in range(count):
            film.seek(place)
            found.append((film.info.get("duration", 0), np.asarray(film.convert("L"))))
    return found


@given(steps=st.lists(st.integers(0, 10**6), unique=True, max_size=400).map(sorted), most=st.integers(2, 120))
def test_thinning_keeps_both_ends_and_even_distances(steps: list[int], most: int) -> None:
    kept = thinned(steps, most)
    assert len(kept) == min(len(steps), most)
    assert kept == sorted(set(kept))
    if steps:
        assert (kept[0], kept[-1]) == (steps[0], steps[-1])
        places = [steps.index(step) for step in kept]
        gaps = {after - before for before, after in itertools.pairwise(places)}
        assert not gaps or max(gaps) - min(gaps) <= 1


def test_every_picture_is_a_frame_with_its_step_below_and_the_last_is_held(tmp_path: Path) -> None:
    files = pictures(tmp_path, [500, 1_000, 12_000])
    write_film(files, tmp_path / "training.gif")
    found = frames(tmp_path / "training.gif")
    assert [milliseconds for milliseconds, _ in found] == [MILLISECONDS, MILLISECONDS, LAST_MILLISECONDS]
    captions = []
    for (_, frame), file in zip(found, files.values(), strict=True):
        with Image.open(file) as picture:
            assert np.array_equal(frame[:40], np.asarray(picture))
        captions.append(frame[40:])
        assert captions[-1].max() > 128
    assert not np.array_equal(captions[0], captions[1])


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    files = pictures(tmp_path, [1, 2, 3])
    for name in ("one.gif", "two.gif"):
        write_film(files, tmp_path / name)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()


def test_a_long_run_has_a_short_film_from_the_first_to_the_last_picture(tmp_path: Path) -> None:
    files = pictures(tmp_path, list(range(10, 10 + 3 * MAX_FRAMES)), size=(30, 10))
    write_film(files, tmp_path / "training.gif")
    found = frames(tmp_path / "training.gif")
    assert len(found) == MAX_FRAMES
    for place, file in ((0, files[10]), (-1, files[9 + 3 * MAX_FRAMES])):
        with Image.open(file) as picture:
            assert np.array_equal(found[place][1][:10], np.asarray(picture))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_large_pictures_and_colours_fit(mode: str, tmp_path: Path) -> None:
    files = pictures(tmp_path, [1, 2], size=(2 * MAX_SIDE + 2, 90), mode=mode)
    write_film(files, tmp_path / "training.gif")
    with Image.open(tmp_path / "training.gif") as film:
        assert film.width <= MAX_SIDE
        assert getattr(film, "n_frames") == 2  # noqa: B009


def test_what_is_no_picture_or_of_another_size_is_left_out(tmp_path: Path) -> None:
    files = pictures(tmp_path, [2, 3]) | pictures(tmp_path, [1], size=(50, 40))
    files |= {4: tmp_path / "gone.png", 5: tmp_path / "damaged.png", 6: tmp_path / "text.png"}
    files[5].write_bytes(files[3].read_bytes()[:200])
    files[6].write_text("no picture")
    write_film(dict(sorted(files.items())), tmp_path / "training.gif")
    assert len(frames(tmp_path / "training.gif")) == 2


def test_without_pictures_there_is_no_film(tmp_path: Path) -> None:
    write_film({}, tmp_path / "training.gif")
    write_film({1: tmp_path / "gone.png"}, tmp_path / "training.gif")
    assert list(tmp_path.iterdir()) == []
