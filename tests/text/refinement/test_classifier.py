"""The classifier: where it looks, and that logits depend on the string alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqgan_wgp.text.refinement.classifier import BLOCK, BLOCKS, ClassifierConfig, StringClassifier, logits
from seqgan_wgp.text.vocabulary import PAD

V, LENGTH = 9, 12


def trained_looking(config: ClassifierConfig | None = None, seed: int = 0) -> StringClassifier:
    """Return a classifier none of whose weights is 0, so that nothing is invisible to it by accident."""
    classifier = StringClassifier(V, LENGTH, config or ClassifierConfig(width=16), seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return classifier


def rows(n: int, seed: int = 0) -> np.ndarray:
    ids_NL = np.random.default_rng(seed).integers(1, V, (n, LENGTH))
    sizes_N = np.random.default_rng(seed + 1).integers(0, LENGTH + 1, n)
    return np.where(np.arange(LENGTH) < sizes_N[:, None], ids_NL, PAD).astype(np.uint8)


def test_what_stands_behind_the_first_pad_does_not_count() -> None:
    classifier, ids_NL = trained_looking(), rows(50)
    dirty_NL = ids_NL.copy()
    for row, dirty in zip(ids_NL, dirty_NL, strict=True):
        first = int((row != PAD).sum())
        dirty[first + 1 :] = 3
    assert (dirty_NL != ids_NL).any()
    expected = classifier(torch.from_numpy(ids_NL))
    torch.testing.assert_close(classifier(torch.from_numpy(dirty_NL)), expected, rtol=0, atol=0)
    assert (logits(classifier, dirty_NL) == logits(classifier, ids_NL)).all()


@pytest.mark.parametrize("name", BLOCKS)
def test_every_position_and_the_length_matter(name: str) -> None:
    classifier = trained_looking(ClassifierConfig(width=16, blocks=(name,)))
    ids_NL = np.full((1, LENGTH), 2, np.uint8)
    base = logits(classifier, ids_NL)[0]
    for place in range(LENGTH):
        for other in (3, PAD):
            changed_NL = ids_NL.copy()
            changed_NL[0, place] = other
            assert logits(classifier, changed_NL)[0] != base
    moved = np.roll(np.array([[2, 3, 4, 5, 6, 7, 8, 2, 2, 2, 2, 2]], np.uint8), 1)
    assert logits(classifier, moved)[0] != logits(classifier, np.roll(moved, -1))[0]


@pytest.mark.parametrize("name", ["conv-1", "conv-2", "conv-4", "attention"])
def test_blocks_reach_as_far_as_they_say(name: str) -> None:
    config = ClassifierConfig(width=16)
    block = BLOCKS[name](config)
    with torch.no_grad():
        block.pointwise.weight.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.randn(1, LENGTH, 16, generator=torch.Generator().manual_seed(1), requires_grad=True)
    block(x)[0, 5].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(1).nonzero().ravel().tolist()
    dilation = {"conv-1": 1, "conv-2": 2, "conv-4": 4}.get(name)
    assert seen == (list(range(LENGTH)) if dilation is None else [5 - dilation, 5, 5 + dilation])


def test_an_untrained_classifier_tells_nothing() -> None:
    classifier = StringClassifier(V, LENGTH, ClassifierConfig(), 3).eval()
    assert not logits(classifier, rows(20)).any()


def test_first_weights_are_a_function_of_the_seed() -> None:
    one, same, other = (StringClassifier(V, LENGTH, ClassifierConfig(), seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.windows.weight, other.windows.weight)
    name = "blocks.0.taps.weight"
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 3])
def test_a_logit_does_not_depend_on_how_many_rows_there_are(n: int) -> None:
    classifier, ids_NL = trained_looking(), rows(2 * BLOCK)
    assert (logits(classifier, ids_NL[:n]) == logits(classifier, ids_NL)[:n]).all()
    assert logits(classifier, ids_NL[:0]).shape == (0,)


def test_wide_alphabets_and_long_rows() -> None:
    classifier = StringClassifier(3_000, 300, ClassifierConfig(width=8), 0).eval()
    ids_NL = np.random.default_rng(0).integers(0, 3_000, (4, 300)).astype(np.uint16)
    assert np.isfinite(logits(classifier, ids_NL)).all()
