"""Measures of images: known answers, brute force, invariances, and the classifier on real digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.nn import functional

from seqgan_wgp.images.features import (
    CLASSES,
    FEATURES,
    WEIGHTS,
    Digits,
    FeatureReference,
    class_counts,
    class_kl,
    confidence,
    frechet_distance,
    load_digits,
    prepared,
)
from seqgan_wgp.images.idx import read_images, read_labels
from seqgan_wgp.utils.arrays import Floats

Bytes = NDArray[np.uint8]
SharedData = Callable[[str], Path]


def noise(count: int, channels: int = 1, side: int = 28, seed: int = 1) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, side, side), np.uint8)


def covariance(rng: np.random.Generator, size: int, rank: int, scale: float = 1.0) -> Floats:
    factor = rng.normal(0, scale, (size, rank))
    product: Floats = factor @ factor.T
    return product


def strokes(count: int, seed: int = 1) -> Bytes:
    """Images with something in them that the classifier tells apart: bright rectangles on black."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 1, 28, 28), np.uint8)
    for image in images:
        top, left, height, width = rng.integers((3, 3, 3, 3), (12, 12, 14, 14))
        image[0, top : top + height, left : left + width] = rng.integers(128, 256)
    return images


class TestFrechetDistance:
    """Closed forms and properties."""

    # A variance of less than about 1e-15 of the largest is a rounding error to the matrix root, so 0: none so small.
    @given(
        st.lists(st.tuples(*[st.floats(-9, 9)] * 2, *[st.just(0.0) | st.floats(1e-5, 9)] * 2), min_size=1, max_size=9)
    )
    def test_of_diagonal_gaussians_is_that_of_means_and_deviations(self, rows: list[tuple[float, ...]]) -> None:
        mean1, mean2, spread1, spread2 = np.array(rows).T
        expected = float(np.sum((mean1 - mean2) ** 2) + np.sum((spread1 - spread2) ** 2))
        got = frechet_distance(mean1, np.diag(spread1**2), mean2, np.diag(spread2**2))
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)

    def test_by_hand(self) -> None:
        # The product is [[2, 1], [1, 2]] with eigenvalues 1 and 3; the trace of its root is 1 + sqrt(3).
        c1, c2 = np.eye(2), np.array([[2.0, 1.0], [1.0, 2.0]])
        got = frechet_distance(np.zeros(2), c1, np.array([3.0, 4.0]), c2)
        assert got == pytest.approx(25 + 2 + 4 - 2 * (1 + math.sqrt(3)), rel=1e-14)

    def test_of_a_scaled_covariance(self) -> None:
        c = covariance(np.random.default_rng(1), 20, 20)
        got = frechet_distance(np.zeros(20), c, np.zeros(20), 9 * c)
        assert got == pytest.approx(4 * np.trace(c), rel=1e-12)  # tr(C + 9C - 2 * 3C)

    @pytest.mark.parametrize("rank", [0, 1, 5, 64])
    def test_of_equals_is_zero_at_any_rank(self, rank: int) -> None:
        rng = np.random.default_rng(2)
        mean, c = rng.normal(0, 5, 64), covariance(rng, 64, rank, 5)
        assert 0 <= frechet_distance(mean, c, mean, c) <= 1e-12 * max(1, float(np.trace(c)))

    @pytest.mark.parametrize("ranks", [(64, 64), (64, 3), (5, 5), (0, 64)])
    def test_is_symmetric_and_unchanged_by_rotation(self, ranks: tuple[int, int]) -> None:
        rng = np.random.default_rng(3)
        (m1, c1), (m2, c2) = ((rng.normal(0, 1, 64), covariance(rng, 64, rank)) for rank in ranks)
        q = np.linalg.qr(rng.normal(0, 1, (64, 64)))[0]
        plain = frechet_distance(m1, c1, m2, c2)
        assert frechet_distance(m2, c2, m1, c1) == pytest.approx(plain, rel=1e-12)
        assert frechet_distance(q @ m1, q @ c1 @ q.T, q @ m2, q @ c2 @ q.T) == pytest.approx(plain, rel=1e-9)

    def test_of_orthogonal_supports_shares_nothing(self) -> None:
        c1, c2 = np.diag([4.0, 9.0, 0.0, 0.0]), np.diag([0.0, 0.0, 1.0, 16.0])
        assert frechet_distance(np.zeros(4), c1, np.zeros(4), c2) == pytest.approx(30, rel=1e-14)

    def test_equals_the_trace_of_the_root_of_the_product(self) -> None:
        """The formula as it is printed, from the eigenvalues of C1 C2 itself."""
        rng = np.random.default_rng(4)
        c1, c2 = covariance(rng, 12, 12), covariance(rng, 12, 12)
        root = np.sqrt(np.linalg.eigvals(c1 @ c2).real).sum()
        expected = float(np.trace(c1 + c2) - 2 * root)
        assert frechet_distance(np.ones(12), c1, np.ones(12), c2) == pytest.approx(expected, rel=1e-9)


class TestFeatureReference:
    """Of synthetic images."""

    def test_mean_and_covariance_are_those_of_numpy(self) -> None:
        images = strokes(90)
        seen = FeatureReference.of(images, block=32)
        with torch.inference_mode():
            features = load_digits().features(prepared(images)).double().numpy()
        np.testing.assert_allclose(seen.mean_F, features.mean(axis=0), rtol=0, atol=1e-6)
        np.testing.assert_allclose(seen.covariance_FF, np.cov(features.T), rtol=0, atol=1e-5)
        assert seen.images == 90
        assert seen.mean_F.shape == (FEATURES,)
        assert seen.counts_K.tolist() == class_counts(images).tolist()
        assert seen.confidence == pytest.approx(confidence(images), rel=0, abs=1e-6)

    def test_neither_order_nor_block_size_matters(self) -> None:
        images, others = strokes(150), noise(100)
        plain = FeatureReference.of(images)
        expected = plain.distance(others)
        assert expected > 1
        mixed = np.random.default_rng(5).permutation(images)
        for block in (1, 7, 64, 1000):
            assert FeatureReference.of(mixed, block=block).distance(others, block=block) == pytest.approx(
                expected, 1e-6
            )
            assert class_counts(mixed, block=block).tolist() == plain.counts_K.tolist()
            assert confidence(mixed, block=block) == pytest.approx(plain.confidence, rel=0, abs=1e-6)

    def test_of_the_same_images_is_zero_even_of_few(self) -> None:
        for count in (2, 10, 200):
            images = strokes(count)
            assert 0 <= FeatureReference.of(images).distance(images) < 1e-9

    def test_bytes_floats_tensors_channels_and_memory_maps_agree(self, tmp_path: Path) -> None:
        images = strokes(40)
        others = FeatureReference.of(noise(40))
        expected = others.distance(images)
        np.save(tmp_path / "images.npy", images)
        for same in (
            torch.from_numpy(images),
            torch.from_numpy(images).double() / 255,
            images.astype(np.float32) / 255,
            np.repeat(images, 3, axis=1),
            np.load(tmp_path / "images.npy", mmap_mode="r"),
            images[::-1],
        ):
            assert others.distance(same) == pytest.approx(expected, rel=1e-5)

    def test_refuses_too_few_and_what_are_no_images(self) -> None:
        reference = FeatureReference.of(noise(4))
        with pytest.raises(ValueError, match=r"images \(=1\) must be two or more"):
            reference.distance(noise(1))
        with pytest.raises(ValueError, match="one or more"):
            class_counts(noise(0))
        with pytest.raises(ValueError, match="one or more"):
            confidence(noise(0))
        with pytest.raises(ValueError, match=r"block \(=0\) must be 1 or more"):
            FeatureReference.of(noise(4), block=0)
        with pytest.raises(ValueError, match=r"got \(4, 28, 28\)"):
            reference.distance(noise(4)[:, 0])
        with pytest.raises(ValueError, match=r"got torch.int64"):
            reference.distance(noise(4).astype(np.int64))


class TestPrepared:
    """What the classifier is given."""

    def test_bytes_become_floats_in_0_to_1(self) -> None:
        x = prepared(np.array([0, 51, 255], np.uint8).repeat(784).reshape(3, 1, 28, 28))
        assert x.dtype == torch.float32
        assert x.shape == (3, 1, 28, 28)
        assert torch.equal(x[:, 0, 0, 0], torch.tensor([0.0, 51 / 255, 1.0]))

    @pytest.mark.parametrize(("channels", "height", "width"), [(1, 32, 32), (3, 28, 28), (3, 64, 48), (4, 8, 12)])
    def test_other_sizes_and_channels_keep_the_mean_brightness(self, channels: int, height: int, width: int) -> None:
        plain = torch.full((2, channels, height, width), 0.25)
        torch.testing.assert_close(prepared(plain), torch.full((2, 1, 28, 28), 0.25))

    def test_channels_are_averaged(self) -> None:
        images = noise(5, channels=3)
        torch.testing.assert_close(prepared(images)[:, 0], torch.from_numpy(images).float().mean(1) / 255)

    def test_no_images_are_none(self) -> None:
        assert prepared(noise(0, side=32)).shape[0] == 0


class TestClassKl:
    """In bits, of generated counts from reference counts."""

    @pytest.mark.parametrize(
        ("counts", "reference", "expected"),
        [
            ([5, 5], [10, 10], 0),
            ([4, 0], [7, 7], 1),
            ([1, 0, 0, 0], [1, 1, 1, 1], 2),
            ([2, 2, 0], [1, 2, 1], 0.5),
            ([1, 3], [1, 1], 0.25 * math.log2(0.5) + 0.75 * math.log2(1.5)),
            ([1, 1], [2, 0], math.inf),
            ([2, 0], [2, 0], 0),
        ],
    )
    def test_known_answers(self, counts: list[int], reference: list[int], expected: float) -> None:
        assert class_kl(counts, reference) == pytest.approx(expected, rel=1e-14)

    @given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), min_size=1, max_size=10))
    def test_is_never_negative_and_scale_does_not_matter(self, pairs: list[tuple[int, int]]) -> None:
        counts, reference = np.array(pairs).T
        counts[0] += 1
        value = class_kl(counts, reference)
        assert value >= 0
        assert class_kl(counts * 7, reference * 3) == pytest.approx(value, rel=1e-9, abs=1e-12)

    def test_refuses_what_are_no_counts(self) -> None:
        for counts, reference in (([0, 0], [1, 1]), ([1, 1], [0, 0]), ([-1, 2], [1, 1]), ([1, 2], [3, -1])):
            with pytest.raises(ValueError, match="counts must be 0 or more, and not all 0"):
                class_kl(counts, reference)
        with pytest.raises(ValueError, match=r"counts of shape \(2,\) must have that of the reference, \(3,\)"):
            class_kl([1, 1], [1, 1, 1])


class TestNetwork:
    """The committed weights."""

    def test_loads_once_in_evaluation_mode_and_draws_no_numbers(self) -> None:
        load_digits.cache_clear()
        before = torch.get_rng_state()
        digits = load_digits()
        assert torch.equal(torch.get_rng_state(), before)
        assert load_digits() is digits
        assert not digits.training
        assert not any(parameter.requires_grad for parameter in digits.parameters())
        assert digits.features(torch.zeros(3, 1, 28, 28)).shape == (3, FEATURES)
        assert digits(torch.zeros(3, 1, 28, 28)).shape == (3, CLASSES)

    def test_is_small(self) -> None:
        assert WEIGHTS.stat().st_size <= 500_000
        weights = load_file(WEIGHTS)
        assert sum(tensor.numel() for tensor in weights.values()) <= 120_000
        assert {name: tensor.shape for name, tensor in weights.items()} == {
            name: tensor.shape for name, tensor in Digits().state_dict().items()
        }
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())

    def test_mixes_no_images(self) -> None:
        x = prepared(strokes(6))
        torch.testing.assert_close(load_digits()(x)[2:3], load_digits()(x[2:3]))

    def test_knows_the_digits_of_mnist(self, shared_data: SharedData) -> None:
        images = read_images(shared_data("mnist/t10k-images-idx3-ubyte.gz"))
        labels = read_labels(shared_data("mnist/t10k-labels-idx1-ubyte.gz"), len(images))
        with torch.inference_mode():
            classes = torch.cat([load_digits()(prepared(part)).argmax(dim=1) for part in np.array_split(images, 20)])
        assert float((classes.numpy() == labels).mean()) >= 0.99
        assert class_kl(class_counts(images), np.bincount(labels)) < 1e-3
        assert confidence(images) > 0.98

    def test_distances_are_in_the_order_of_what_is_seen(self, shared_data: SharedData) -> None:
        test = read_images(shared_data("mnist/t10k-images-idx3-ubyte.gz"))[:3000]
        train = read_images(shared_data("mnist/train-images-idx3-ubyte.gz"))[:3000]
        blurred = (functional.avg_pool2d(prepared(train), 5, 1, 2) * 255).to(torch.uint8)
        reference = FeatureReference.of(test)
        distances = [reference.distance(images) for images in (test, train, blurred, noise(3000))]
        assert distances == sorted(distances)
        assert distances[0] < 1e-9
        assert distances[1] * 5 < distances[2]
