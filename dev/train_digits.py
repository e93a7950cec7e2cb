"""Train the digit classifier whose features measure images, and write seqgan_wgp/images/digits.safetensors.

    python -m dev.train_digits FOLDER

FOLDER holds the four files of MNIST, as they are distributed. The test images are looked at once, at the end. The same
machine and version of torch give the same file, byte for byte; others differ in the last places of the arithmetic.

Then it prints what the Frechet distance says of images whose worth is known; --measure does that alone, with the
weights that are there.

Shape suffixes: N images, B batch, C channels, H, W.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from seqgan_wgp.images.features import BLOCK_IMAGES, SIDE, WEIGHTS, Digits, FeatureReference, class_kl, prepared
from seqgan_wgp.images.idx import read_images, read_labels
from seqgan_wgp.images.nearest import nearest_distance

EPOCHS = 12
BATCH = 128
RATE = 3e-3  # the largest; it rises in the first tenth of the steps and falls to 0 along a cosine
DECAY = 1e-2
SHIFT = 2  # pixels, each way
SEED = 1

MEASURED = 10_000  # images in each measurement, as many as there are test images

Bytes = NDArray[np.uint8]


def shifted(x_B1HW: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by up to SHIFT pixels in either direction, black coming in."""
    wide_B1HW = functional.pad(x_B1HW, (SHIFT,) * 4)
    windows = wide_B1HW.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # (B, 1, row, column, H, W), a view
    places = torch.randint(2 * SHIFT + 1, (2, len(x_B1HW)), generator=generator)
    return windows[torch.arange(len(x_B1HW)), :, places[0], places[1]]


def rate(done: float) -> float:
    """Return the share of RATE at a share of the steps."""
    return done / 0.1 if done < 0.1 else (1 + math.cos(math.pi * (done - 0.1) / 0.9)) / 2


def train(images_N1HW: Tensor, labels_N: Tensor) -> Digits:
    """Return a trained classifier of uint8 images; prints the mean loss of each epoch."""
    torch.manual_seed(SEED)
    digits = Digits()
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(digits.parameters(), RATE, weight_decay=DECAY)
    batches = len(images_N1HW) // BATCH
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step / (EPOCHS * batches)))
    for epoch in range(EPOCHS):
        order_N = torch.randperm(len(images_N1HW), generator=generator)
        total = 0.0
        for chosen_B in order_N[: batches * BATCH].reshape(batches, BATCH):
            logits = digits(shifted(prepared(images_N1HW[chosen_B]), generator))
            loss = functional.cross_entropy(logits, labels_N[chosen_B])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / batches:.4f}", flush=True)
    return digits.eval()


@torch.inference_mode()
def accuracy(digits: Digits, images_N1HW: Tensor, labels_N: Tensor) -> float:
    """Return the share of images that are classified right."""
    blocks = (slice(start, start + BLOCK_IMAGES) for start in range(0, len(labels_N), BLOCK_IMAGES))
    right = sum(int((digits(prepared(images_N1HW[each])).argmax(dim=1) == labels_N[each]).sum()) for each in blocks)
    return right / len(labels_N)


def read(folder: Path, name: str) -> tuple[Bytes, Bytes]:
    """Return the images (N, 1, H, W) and labels (N,) of "train" or "t10k"."""
    images_N1HW = read_images(folder / f"{name}-images-idx3-ubyte.gz")
    return images_N1HW, read_labels(folder / f"{name}-labels-idx1-ubyte.gz", len(images_N1HW))


def tensors(images_N1HW: Bytes, labels_N: Bytes) -> tuple[Tensor, Tensor]:
    """Return what training and testing take."""
    return torch.from_numpy(images_N1HW), torch.from_numpy(labels_N).long()


def as_bytes(x_N1HW: Tensor) -> Bytes:
    """Return images in [0, 1] as uint8."""
    pixels_N1HW: Bytes = (x_N1HW * 255).round().to(torch.uint8).numpy()
    return pixels_N1HW


def known(train_N1HW: Bytes, test_N1HW: Bytes) -> Iterator[tuple[str, Bytes]]:
    """Yield images by what they are, from as good as real to worthless."""
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(train_N1HW))
    yield "all training images", train_N1HW
    for part in range(3):
        yield f"training images, draw {part + 1}", train_N1HW[chosen[part * MEASURED : (part + 1) * MEASURED]]
    sample_N1HW = train_N1HW[chosen[:MEASURED]]
    x_N1HW = prepared(sample_N1HW)
    for pixels in (1, 2, 4):
        yield f"moved right by {pixels}", np.roll(sample_N1HW, pixels, axis=3)
    for side in (3, 5, 7):
        yield f"blurred, mean of {side} x {side}", as_bytes(functional.avg_pool2d(x_N1HW, side, 1, side // 2))
    for spread in (0.1, 0.3):
        noise = torch.from_numpy(rng.normal(0, spread, x_N1HW.shape)).float()
        yield f"with noise of deviation {spread}", as_bytes((x_N1HW + noise).clamp(0, 1))
    yield "mean of two training images", as_bytes((x_N1HW + prepared(train_N1HW[chosen[-MEASURED:]])) / 2)
    yield "1,000 training images, ten times", np.tile(sample_N1HW[:1000], (MEASURED // 1000, 1, 1, 1))
    yield "pixels of each image shuffled", rng.permuted(sample_N1HW.reshape(MEASURED, -1), axis=1).reshape(x_N1HW.shape)
    yield "noise, uniform", rng.integers(0, 256, x_N1HW.shape, np.uint8)
    yield "black", np.zeros(x_N1HW.shape, np.uint8)
    yield "the test images themselves", test_N1HW


def measure(train_N1HW: Bytes, test_N1HW: Bytes) -> None:
    """Print what each measure says of known images, against the test images."""
    reference = FeatureReference.of(test_N1HW)
    print(f"{'against the test images':36} {'fcd':>9} {'class KL':>9} {'confidence':>11}")
    for name, images_N1HW in known(train_N1HW, test_N1HW):
        seen = FeatureReference.of(images_N1HW)
        kl = class_kl(seen.counts_K, reference.counts_K)
        print(f"{name:36} {reference.distance_to(seen):9.3f} {kl:9.4f} {seen.confidence:11.4f}", flush=True)
    for count in (500, 1000, 2000, 5000):
        print(f"{f'{count} training images':36} {reference.distance(train_N1HW[:count]):9.3f}")
    start = time.perf_counter()
    nearest_N = nearest_distance(test_N1HW, train_N1HW)
    quantiles = ", ".join(f"{q:.2f}" for q in np.quantile(nearest_N, (0, 0.05, 0.5, 0.95, 1)))
    print(f"test images to the nearest training image (0, 5, 50, 95, 100 %): {quantiles}")
    print(f"that took {time.perf_counter() - start:.0f} s")


def main() -> None:
    """Train, test, write, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="FILE", help="default: where the package has it")
    parser.add_argument("--measure", action="store_true", help="train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums in another order would be other weights
    torch.use_deterministic_algorithms(True)
    (train_images, train_labels), (test_images, test_labels) = (
        read(options.folder, part) for part in ("train", "t10k")
    )
    if not options.measure:
        start = time.perf_counter()
        digits = train(*tensors(train_images, train_labels))
        minutes = (time.perf_counter() - start) / 60
        right = accuracy(digits, *tensors(test_images, test_labels))
        facts = {
            "command": "python -m dev.train_digits FOLDER",
            "test_accuracy": right,
            # Of the pixels, then the labels: the same however the files are compressed.
            "train_sha256": hashlib.sha256(train_images.tobytes() + train_labels.tobytes()).hexdigest(),
            "torch": torch.__version__,
        }
        # One entry: several would be written in random order.
        save_file(digits.state_dict(), options.out, {"training": json.dumps(facts)})
        parameters = sum(parameter.numel() for parameter in digits.parameters())
        print(f"test accuracy {right:.2%}, {parameters:,} parameters, {options.out.stat().st_size:,} bytes")
        print(f"trained in {minutes:.1f} minutes", flush=True)
    if options.out == WEIGHTS:  # the ones that the measures look through
        measure(train_images, test_images)


if __name__ == "__main__":
    main()
