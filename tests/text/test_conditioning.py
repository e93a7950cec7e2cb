"""Conditional networks: the label behind each row, and what it adds, as the papers have it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from seqgan_wgp.config import recipe
from seqgan_wgp.text.conditioning import split_places, split_points, with_label_place, with_label_row
from seqgan_wgp.text.domain import networks
from seqgan_wgp.text.networks import ResidualCritic, ResidualGenerator
from seqgan_wgp.training.labels import with_label

L, V, B, K, Z = 9, 6, 5, 3, 7
LABEL_B = torch.tensor([2, 0, 1, 2, 1])


def made(labels: int = K, ngrams: int = 1) -> tuple[ResidualGenerator, ResidualCritic]:
    torch.manual_seed(0)
    config = recipe("fast", {"generator.width": 8, "critic.width": 8, "generator.latent": Z})
    sampled = dataclasses.replace(config.generator, relaxation="sampled", self_modulation=True)
    judging = dataclasses.replace(config.critic, ngrams=ngrams)
    generator, critic = networks(dataclasses.replace(config, generator=sampled, critic=judging), L, V, labels)
    assert isinstance(generator, ResidualGenerator)
    assert isinstance(critic, ResidualCritic)
    return generator, critic


def table_of(critic: ResidualCritic) -> nn.Parameter:
    """Return the embeddings of labels."""
    assert critic.projection is not None
    return critic.projection.table.weight


@pytest.mark.parametrize("labels", [0, 1, 999])
def test_a_label_behind_a_row_is_parted_from_it_again(labels: int) -> None:
    label_B = torch.full((B,), labels)
    points_BLV, ids_BL, entered_BCL = torch.rand(B, L, V), torch.randint(V, (B, L)), torch.randn(B, 4, L)
    for rows, found in (
        (points_BLV, split_points(with_label_row(points_BLV, label_B))),
        (ids_BL, split_points(with_label(ids_BL, label_B))),
        (entered_BCL, split_places(with_label_place(entered_BCL, label_B))),
    ):
        assert torch.equal(found[0], rows)
        assert torch.equal(found[1], label_B)


def test_points_between_two_of_one_label_have_it_wherever_they_are() -> None:
    label_B = torch.arange(1_000)
    ends = [with_label_place(torch.randn(1_000, 2, 3), label_B) for _ in range(2)]
    epsilon_B = torch.rand(1_000, 1, 1)
    assert torch.equal(split_places(epsilon_B * ends[0] + (1 - epsilon_B) * ends[1])[1], label_B)


def test_the_score_is_that_without_label_plus_the_projection() -> None:
    """f(x, y) = psi(phi(x)) + <v_y, phi(x)>: linear in v_y, and phi is the same for all labels."""
    critic = made()[1]
    rows_BLV = torch.rand(B, L, V).softmax(dim=-1)
    plain_B = critic(with_label_row(rows_BLV, LABEL_B))
    for label in range(K):  # embeddings start as 0: at first a label changes nothing
        assert torch.equal(critic(with_label_row(rows_BLV, torch.full((B,), label))), plain_B)
    table_KF = table_of(critic)
    with torch.no_grad():
        table_KF.normal_()
        once_B = critic(with_label_row(rows_BLV, LABEL_B)) - plain_B
        table_KF.mul_(-2)
        torch.testing.assert_close(critic(with_label_row(rows_BLV, LABEL_B)) - plain_B, -2 * once_B)
        table_KF.copy_(critic.output.weight.expand(K, -1))
        bias = critic.output.bias
        twice_B = critic(with_label_row(rows_BLV, LABEL_B))
    torch.testing.assert_close(twice_B, 2 * plain_B - bias)


@pytest.mark.parametrize("ngrams", [1, 3])
def test_a_critic_judges_ids_with_labels_as_their_one_hot_rows(ngrams: int) -> None:
    critic = made(ngrams=ngrams)[1]
    with torch.no_grad():
        table_of(critic).normal_()
    ids_BL = torch.randint(V, (B, L))
    one_hot_BLV = nn.functional.one_hot(ids_BL, V).float()
    torch.testing.assert_close(critic(with_label(ids_BL, LABEL_B)), critic(with_label_row(one_hot_BLV, LABEL_B)))


def test_a_generator_shows_its_label_in_training_alone() -> None:
    generator = made()[0]
    latent_BZ, chance_BL = torch.randn(B, Z), torch.rand(B, 1 + L)
    with torch.no_grad():  # as in critic steps
        shown = generator(with_label(torch.cat([latent_BZ, chance_BL], dim=1), LABEL_B))
    assert shown.shape == (B, L + 1, V)
    assert torch.equal(split_points(shown)[1], LABEL_B)
    assert torch.isin(split_points(shown)[0], torch.tensor([0.0, 1.0])).all()
    generator.eval()
    probabilities_BLV = generator(with_label(latent_BZ, LABEL_B))
    assert probabilities_BLV.shape == (B, L, V)
    logits_BLV = generator.logits(with_label(latent_BZ, LABEL_B))
    torch.testing.assert_close(probabilities_BLV, logits_BLV.softmax(dim=-1))


def test_without_labels_networks_have_the_weights_and_shapes_that_they_had() -> None:
    for network in made(0):
        assert not [name for name, _ in network.named_parameters() if "table" in name]
    generator = made(0)[0]
    assert generator.input.weight.shape[1] == Z
