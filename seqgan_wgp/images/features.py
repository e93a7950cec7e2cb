"""Compare images through a small digit classifier: Frechet distance and class frequencies.

The classifier `Digits` was trained on MNIST by `dev/train_digits.py`; its weights are next to this file. Its features
describe digits, so distances are meaningful for images of digits and only relative for others.

Shape suffixes: N images, C channels, H, W, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ..utils.arrays import Floats

Images: TypeAlias = NDArray[Any] | Tensor

WEIGHTS = Path(__file__).with_name("digits.safetensors")

SIDE = 28
FEATURES = 64
CLASSES = 10

BLOCK_IMAGES = 512  # images per batch of the classifier: limits memory, and affects only the last digits of results


class Digits(nn.Module):
    """A convolutional classifier of digits: (N, 1, 28, 28) in [0, 1] -> (N, 10) logits. Images are independent."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.hidden = nn.Linear(64 * 3 * 3, FEATURES)
        self.output = nn.Linear(FEATURES, CLASSES)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """Return the (N, F) outputs of the last but one layer, before its ReLU.

        After the ReLU many are exactly 0, which is far from the Gaussians that the Frechet distance assumes.
        """
        for conv in (self.conv1, self.conv2, self.conv3):
            # A ReLU after the pooling gives the same result as before it, with a quarter of the operations.
            x_NCHW = functional.max_pool2d(conv(x_NCHW), 2).relu()
        features_NF: Tensor = self.hidden(x_NCHW.flatten(1))
        return features_NF

    def classify(self, features_NF: Tensor) -> Tensor:
        """Return the (N, K) logits for the result of `features`."""
        logits_NK: Tensor = self.output(features_NF.relu())
        return logits_NK

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Return the (N, K) logits."""
        return self.classify(self.features(x_NCHW))


@cache
def load_digits() -> Digits:
    """Return the trained classifier, on the CPU, in evaluation mode and without gradients; shared by all callers."""
    with torch.device("meta"):  # the weights are replaced at once, so they need no memory and no random numbers
        digits = Digits()
    digits.load_state_dict(load_file(WEIGHTS), assign=True)
    return digits.eval().requires_grad_(False)


def prepared(images_NCHW: Images) -> Tensor:
    """Convert images to the classifier's input: (N, 1, 28, 28) float32 in [0, 1], on the same device.

    Channels are averaged, then another size is resized to 28 x 28 (bilinear, antialiased).

    Args:
        images_NCHW: uint8, or floating point in [0, 1].

    Raises:
        ValueError: another type or number of dimensions, or a side or number of channels of 0.
    """
    x_NCHW = images_NCHW if isinstance(images_NCHW, Tensor) else torch.tensor(np.ascontiguousarray(images_NCHW))
    if x_NCHW.ndim != 4 or 0 in x_NCHW.shape[1:]:
        raise ValueError(f"images must be of shape (N, C, H, W), with C, H and W above 0; got {tuple(x_NCHW.shape)}")
    if x_NCHW.dtype != torch.uint8 and not x_NCHW.is_floating_point():
        raise ValueError(f"images must be uint8, or floating point in [0, 1]; got {x_NCHW.dtype}")
    x_NCHW = x_NCHW.to(torch.float32) / 255 if x_NCHW.dtype == torch.uint8 else x_NCHW.to(torch.float32)
    if x_NCHW.shape[1] > 1:
        x_NCHW = x_NCHW.mean(dim=1, keepdim=True)
    if len(x_NCHW) and x_NCHW.shape[2:] != (SIDE, SIDE):
        x_NCHW = functional.interpolate(x_NCHW, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    return x_NCHW


def _outputs(images_NCHW: Images, block: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield the features (N, F) and class probabilities (N, K) of consecutive images, `block` at a time."""
    if block < 1:
        raise ValueError(f"block (={block}) must be 1 or more")
    if not len(images_NCHW):
        raise ValueError("images must be one or more")
    digits = load_digits()
    for start in range(0, len(images_NCHW), block):
        with torch.inference_mode():
            features_NF = digits.features(prepared(images_NCHW[start : start + block]).cpu())
            probabilities_NK = digits.classify(features_NF).double().softmax(dim=1)
            outputs = features_NF.double().numpy(), probabilities_NK.numpy()
        yield outputs


def _class_counts(probabilities_NK: Floats) -> NDArray[np.int64]:
    return np.bincount(probabilities_NK.argmax(axis=1), minlength=CLASSES).astype(np.int64)


def class_counts(images_NCHW: Images, *, block: int = BLOCK_IMAGES) -> NDArray[np.int64]:
    """Return the number of images predicted as each digit: (K,). Raises ValueError as `FeatureReference.of` does."""
    counts_K = np.zeros(CLASSES, np.int64)
    for _, probabilities_NK in _outputs(images_NCHW, block):
        counts_K += _class_counts(probabilities_NK)
    return counts_K


def confidence(images_NCHW: Images, *, block: int = BLOCK_IMAGES) -> float:
    """Return the mean of the largest class probability. Raises ValueError as `FeatureReference.of` does."""
    total = sum(float(probabilities_NK.max(axis=1).sum()) for _, probabilities_NK in _outputs(images_NCHW, block))
    return total / len(images_NCHW)


def class_kl(counts_K: ArrayLike, reference_counts_K: ArrayLike) -> float:
    """Return the Kullback-Leibler divergence KL(P||Q) in bits, with P from the counts and Q from the reference counts.

    0 log 0 is 0. The result is infinite when P has a class that Q lacks. Raises ValueError for different shapes,
    negative counts, or counts that are all 0.
    """
    counts, reference = np.asarray(counts_K, np.float64), np.asarray(reference_counts_K, np.float64)
    if counts.shape != reference.shape:
        raise ValueError(f"counts of shape {counts.shape} must have that of the reference, {reference.shape}")
    for each in (counts, reference):
        if not each.sum() > 0 or each.min() < 0:
            raise ValueError(f"counts must be 0 or more, and not all 0; got {each.tolist()}")
    support = counts > 0
    if not reference[support].all():
        return float("inf")
    p, q = counts[support] / counts.sum(), reference[support] / reference.sum()
    return max(0.0, float(np.sum(p * np.log2(p / q))))  # below 0 by rounding only


def _root(covariance_FF: Floats) -> Floats:
    """Return the symmetric square root of a positive semidefinite matrix."""
    values_F, vectors_FF = np.linalg.eigh(covariance_FF)
    # Eigenvalues of 0 become rounding errors of either sign, whose roots would not be small.
    values_F[values_F <= len(values_F) * np.finfo(np.float64).eps * values_F[-1]] = 0
    root_FF: Floats = (vectors_FF * np.sqrt(values_F)) @ vectors_FF.T
    return root_FF


def frechet_distance(mean_F: Floats, covariance_FF: Floats, mean2_F: Floats, covariance2_FF: Floats) -> float:
    """Return |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the squared Frechet distance of two Gaussians.

    Dowson and Landau 1982, "The Frechet distance between multivariate normal distributions", equation 4; used on
    features of images by Heusel et al. 2017, equation 6, who call it FID. Covariances may be of any rank.

    The trace of (C1 C2)^(1/2) equals that of (C1^(1/2) C2 C1^(1/2))^(1/2), the sum of the singular values of
    C1^(1/2) C2^(1/2). This avoids roots of rounding errors of a product: equal inputs give 0 up to about 1e-14 of the
    traces, even with reduced rank.
    """
    squared = float(np.sum((np.asarray(mean_F, np.float64) - np.asarray(mean2_F, np.float64)) ** 2))
    c1_FF, c2_FF = np.asarray(covariance_FF, np.float64), np.asarray(covariance2_FF, np.float64)
    shared = float(np.linalg.svd(_root(c1_FF) @ _root(c2_FF), compute_uv=False).sum())
    return squared + max(0.0, float(np.trace(c1_FF) + np.trace(c2_FF)) - 2 * shared)  # below 0 by rounding only


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureReference:
    """Statistics of the classifier on a set of images, for comparison with other sets; computed in one pass."""

    images: int
    """Number of images, N."""

    mean_F: Floats
    """Mean of the features."""

    covariance_FF: Floats
    """Covariance of the features, with divisor N - 1."""

    counts_K: NDArray[np.int64]
    """The result of `class_counts`."""

    confidence: float
    """The result of `confidence`."""

    @classmethod
    def of(cls, images_NCHW: Images, *, block: int = BLOCK_IMAGES) -> FeatureReference:
        """Compute the statistics of images, which are read in blocks and not kept.

        Args:
            images_NCHW: two or more, uint8 or floating point in [0, 1], memory-mapped or not.
            block: images per batch of the classifier; limits memory, and affects only the last digits of results.

        Raises:
            ValueError: fewer than two images, or images that `prepared` refuses.
        """
        count = len(images_NCHW)
        if count < 2:
            raise ValueError(f"images (={count}) must be two or more: fewer have no covariance")
        sum_F, products_FF = np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
        counts_K, confident = np.zeros(CLASSES, np.int64), 0.0
        for features_NF, probabilities_NK in _outputs(images_NCHW, block):
            # Mean and deviation of features are of similar size, so the difference below is accurate in float64.
            sum_F += features_NF.sum(axis=0)
            products_FF += features_NF.T @ features_NF
            counts_K += _class_counts(probabilities_NK)
            confident += float(probabilities_NK.max(axis=1).sum())
        mean_F = sum_F / count
        return cls(
            images=count,
            mean_F=mean_F,
            covariance_FF=(products_FF - count * np.outer(mean_F, mean_F)) / (count - 1),
            counts_K=counts_K,
            confidence=confident / count,
        )

    def distance_to(self, other: FeatureReference) -> float:
        """Return the Frechet distance of the features of both ("fcd").

        The distance is biased upwards for few images, so compare only results with equal N.
        """
        return frechet_distance(self.mean_F, self.covariance_FF, other.mean_F, other.covariance_FF)

    def distance(self, images_NCHW: Images, *, block: int = BLOCK_IMAGES) -> float:
        """Return `distance_to` of other images; arguments and errors are those of `of`."""
        return self.distance_to(FeatureReference.of(images_NCHW, block=block))
