"""Networks: shapes, independence of samples, exact first weights, the authors' numbers."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from seqgan_wgp.config import Config, from_dict, override, recipe, to_dict
from seqgan_wgp.nn.fast_conv.convolution import CONVOLUTIONS, set_convolution_algorithm
from seqgan_wgp.nn.initialization import INITIALIZATIONS, initialize, initialize_pair
from seqgan_wgp.nn.layers import CONTEXTS
from seqgan_wgp.text.domain import networks
from seqgan_wgp.text.networks import (
    CRITICS,
    GENERATORS,
    LOOKED_UP,
    NORMALIZATIONS,
    ResidualBlock,
    ResidualCritic,
    straight_through,
)
from seqgan_wgp.training.latents import noise_columns, run_latents, training_latents
from seqgan_wgp.utils.counter_rng import Stream, uniform

L, V, B = 9, 6, 5


def small(normalization: str) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    config = recipe("fast", {"generator.width": 24, "critic.width": 24})
    generator = dataclasses.replace(config.generator, width=8, blocks=2, latent=7, normalization=normalization)
    critic = dataclasses.replace(config.critic, width=8, blocks=2, normalization=normalization)
    return GENERATORS["residual"](generator, L, V), CRITICS["residual"](critic, L, V)


def first_networks(config: Config, length: int, size: int) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a critic with their first weights."""
    generator, critic = networks(config, length, size)
    initialize_pair(generator, critic, config)
    return generator, critic


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_generator_gives_probabilities_and_critic_one_score_each(normalization: str) -> None:
    generator, critic = small(normalization)
    x_BLV = generator(torch.randn(B, 7))
    assert x_BLV.shape == (B, L, V)
    assert (x_BLV >= 0).all()
    assert torch.allclose(x_BLV.sum(dim=-1), torch.ones(B, L))
    assert critic(x_BLV).shape == (B,)


@pytest.mark.parametrize("normalization", sorted(set(NORMALIZATIONS) - {"batch"}))
def test_changing_sample_0_changes_only_score_0(normalization: str) -> None:
    _, critic = small(normalization)
    x_BLV = torch.rand(B, L, V).softmax(dim=-1)
    changed = x_BLV.clone()
    changed[0] = x_BLV[0].flip(0).roll(1, dims=1)
    before, after = critic(x_BLV), critic(changed)
    assert before[0] != after[0]
    assert torch.equal(before[1:], after[1:])


def test_residual_block_leaves_its_input_alone_and_adds_a_scaled_branch() -> None:
    block = ResidualBlock(dataclasses.replace(recipe("paper").critic, width=4, kernel=3))
    x_BCL = torch.randn(2, 4, L)
    before = x_BCL.clone()
    out = block(x_BCL)
    assert torch.equal(x_BCL, before)
    branch = block.conv2(functional.relu(block.conv1(functional.relu(before))))
    assert torch.allclose(out, before + 0.3 * branch)


def test_layer_norm_makes_each_sample_of_mean_0_and_variance_1() -> None:
    x_BCL = 3 + 2 * torch.randn(B, 8, L)
    normed = NORMALIZATIONS["layer"](8)(x_BCL).flatten(1)
    assert torch.allclose(normed.mean(dim=1), torch.zeros(B), atol=1e-5)
    assert torch.allclose(normed.var(dim=1, unbiased=False), torch.ones(B), atol=1e-3)
    by_position = NORMALIZATIONS["layer-channels"](8)(x_BCL)
    assert torch.allclose(by_position.mean(dim=1), torch.zeros(B, L), atol=1e-5)


def weights(network: nn.Module) -> list[nn.Conv1d | nn.Linear]:
    return [module for module in network.modules() if isinstance(module, nn.Conv1d | nn.Linear)]


def test_tflib_initialization_has_the_authors_standard_deviations() -> None:
    config = recipe("paper")
    config = dataclasses.replace(
        config,
        generator=dataclasses.replace(config.generator, width=128),
        critic=dataclasses.replace(config.critic, width=128),
    )
    for network in first_networks(config, 32, 60):
        for module in weights(network):
            receptive = module.kernel_size[0] if isinstance(module, nn.Conv1d) else 1
            fans = receptive * (module.weight.shape[0] + module.weight.shape[1])
            expected = math.sqrt((4 if isinstance(module, nn.Conv1d) else 2) / fans)
            assert module.weight.std().item() == pytest.approx(expected, rel=0.05)
            assert module.weight.abs().max().item() <= math.sqrt(3) * expected * 1.0001
            assert module.bias is not None
            assert (module.bias == 0).all()


def test_torch_initialization_has_torchs_own_spread() -> None:
    ours, theirs = nn.Conv1d(64, 64, 5), nn.Conv1d(64, 64, 5)
    initialize(ours, "torch", seed=0, first=0)
    assert ours.weight.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.05)
    assert ours.bias is not None
    assert theirs.bias is not None
    assert ours.bias.abs().max().item() == pytest.approx(theirs.bias.abs().max().item(), rel=0.2)


@pytest.mark.parametrize("scheme", [name for name, how in INITIALIZATIONS.items() if how.scales is not None])
def test_first_weights_are_a_function_of_the_seed_alone(scheme: str) -> None:
    def drawn(seed: int) -> Tensor:
        network = small("layer")[0]
        initialize(network, scheme, seed=seed, first=0)
        return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    generator, critic = first_networks(recipe("fast", {"generator.width": 64, "critic.width": 64}), L, V)
    assert not torch.equal(
        generator.get_parameter("blocks.0.conv1.weight"), critic.get_parameter("blocks.0.conv1.weight")
    )


def straight_pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    settings = recipe("fast").generator
    soft = dataclasses.replace(settings, width=8, blocks=1, latent=4, relaxation="softmax")
    hard = dataclasses.replace(soft, relaxation="straight-through")
    one, other = (GENERATORS["residual"](each, L, V).double() for each in (soft, hard))
    other.load_state_dict(one.state_dict())
    return one, other


def test_straight_through_is_one_hot_in_training_and_the_same_probabilities_in_use() -> None:
    soft, hard = straight_pair()
    latent_BZ = torch.randn(B, 4, dtype=torch.float64)
    with torch.no_grad():  # as in critic steps
        shown_BLV, probabilities_BLV = hard(latent_BZ), soft(latent_BZ)
    assert torch.equal(shown_BLV.argmax(dim=-1), probabilities_BLV.argmax(dim=-1))
    assert torch.allclose(shown_BLV.sum(dim=-1), torch.ones(B, L, dtype=torch.float64))
    assert torch.allclose(shown_BLV.max(dim=-1).values, torch.ones(B, L, dtype=torch.float64))
    assert torch.equal(hard.eval()(latent_BZ), probabilities_BLV)


def test_straight_through_has_the_gradient_of_the_probabilities() -> None:
    soft, hard = straight_pair()
    latent_BZ, pull_BLV = torch.randn(B, 4, dtype=torch.float64), torch.randn(B, L, V, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((network(latent_BZ) * pull_BLV).sum(), tuple(network.parameters()))
        for network in (soft, hard)
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("relaxation", ["straight-through", "sampled"])
def test_generator_steps_see_rows_that_are_soft_by_the_share_and_critic_steps_one_hot_rows(
    relaxation: str, share: float
) -> None:
    torch.manual_seed(0)
    few = dataclasses.replace(recipe("fast").generator, width=8, blocks=1, latent=4)
    settings = dataclasses.replace(few, relaxation=relaxation, soft_share=share)
    generator = GENERATORS["residual"](settings, L, V).double()
    columns = 4 + (1 + L if relaxation == "sampled" else 0)
    input_BZ = torch.rand(B, columns, dtype=torch.float64)
    with torch.no_grad():
        one_hot_BLV = generator(input_BZ)
    soft_BLV = generator.logits(input_BZ[:, :4]).softmax(dim=2)  # type: ignore[operator]
    assert torch.equal(one_hot_BLV, functional.one_hot(one_hot_BLV.argmax(dim=2), V).double())
    assert torch.allclose(generator(input_BZ), (1 - share) * one_hot_BLV + share * soft_BLV, rtol=1e-12, atol=1e-14)


def test_sampled_draws_characters_as_often_as_they_are_likely() -> None:
    torch.manual_seed(0)
    logits_LV, count = torch.randn(L, V), 20_000
    chance_NL = uniform(7, Stream.CRITIC_SAMPLING, torch.arange(count), L)
    drawn_NLV = straight_through(logits_LV.expand(count, L, V), chance_NL)
    assert torch.equal(drawn_NLV.sum(dim=2), torch.ones(count, L))
    assert torch.equal(drawn_NLV, drawn_NLV.bool().float())
    expected_LV = logits_LV.softmax(dim=1)
    deviation_LV = (expected_LV * (1 - expected_LV) / count).sqrt()
    assert ((drawn_NLV.mean(dim=0) - expected_LV).abs() < 5 * deviation_LV).all()


def test_where_nothing_is_drawn_it_is_the_likeliest() -> None:
    torch.manual_seed(0)
    logits_BLV, chance_BL = torch.randn(B, L, V), torch.rand(B, L)
    shown_BLV = straight_through(logits_BLV, chance_BL, torch.arange(B)[:, None] % 2 == 1)
    assert torch.equal(shown_BLV[::2], straight_through(logits_BLV)[::2])
    assert torch.equal(shown_BLV[1::2], straight_through(logits_BLV[1::2], chance_BL[1::2]))


@pytest.mark.parametrize("size", [2, LOOKED_UP, LOOKED_UP + 1])
def test_rows_shown_are_one_hot_at_the_chosen_symbol_position_first_in_memory(size: int) -> None:
    torch.manual_seed(0)
    logits_BLV = torch.randn(B, L, size)
    shown_BLV = straight_through(logits_BLV)
    assert torch.equal(shown_BLV, functional.one_hot(logits_BLV.argmax(dim=2), size).float())
    assert shown_BLV.transpose(0, 1).is_contiguous()


@pytest.mark.parametrize("way", CONVOLUTIONS)
@pytest.mark.parametrize(("blocks", "ngrams"), [(0, 1), (1, 1), (1, 3)])
def test_the_stem_of_two_batches_is_that_of_each(way: str, blocks: int, ngrams: int) -> None:
    settings = dataclasses.replace(recipe("fast").critic, width=8, blocks=blocks, ngrams=ngrams)
    critic = CRITICS["residual"](settings, L, V)
    assert isinstance(critic, ResidualCritic)
    set_convolution_algorithm(critic, way)
    ids_BL, soft_BLV = torch.randint(V, (B, L)), torch.rand(B, L, V)
    assert torch.equal(critic.stem(ids_BL, soft_BLV), torch.cat([critic.stem(ids_BL), critic.stem(soft_BLV)]))


def test_sampled_draws_half_of_the_strings_and_shows_the_others_as_in_use() -> None:
    torch.manual_seed(0)
    settings = dataclasses.replace(recipe("fast").generator, width=8, blocks=1, latent=4, relaxation="sampled")
    generator, count = GENERATORS["residual"](settings, L, V), 2_000
    latent_NZ, chance_NL = torch.randn(1, 4).expand(count, 4), torch.rand(count, 1 + L)
    with torch.no_grad():
        shown_NLV = generator(torch.cat([latent_NZ, chance_NL], dim=1))
    drawn_N = chance_NL[:, 0] < 0.5
    likeliest_LV = straight_through(generator.logits(latent_NZ[:1]))[0]  # type: ignore[operator]
    assert (shown_NLV[~drawn_N] == likeliest_LV).all()
    expected_LV = generator.eval()(latent_NZ[:1])[0]
    assert (shown_NLV[drawn_N].mean(dim=0) - expected_LV).abs().max() < 0.08


@pytest.mark.parametrize("chance", [0.0, 0.5, 1 - 2**-24])
def test_sampled_never_draws_what_is_impossible(chance: float) -> None:
    impossible = torch.tensor([True, False, True, False, True])
    logits_BLV = torch.zeros(1, 1, 5).masked_fill(impossible, -torch.inf)
    (drawn_V,) = straight_through(logits_BLV, torch.full((1, 1), chance))[0]
    assert drawn_V.argmax().item() == (1 if chance < 0.5 else 3)


def test_sampled_has_the_gradient_of_the_probabilities_and_needs_its_chances() -> None:
    soft, _ = straight_pair()
    few = dataclasses.replace(recipe("fast").generator, width=8, blocks=1, latent=4)
    settings = dataclasses.replace(few, relaxation="sampled", soft_share=0.5)
    sampled = GENERATORS["residual"](settings, L, V).double()
    sampled.load_state_dict(soft.state_dict())
    assert sampled.noise_dim == 1 + L and soft.noise_dim == 0
    latent_BZ, pull_BLV = torch.randn(B, 4, dtype=torch.float64), torch.randn(B, L, V, dtype=torch.float64)
    both_BZ = torch.cat([latent_BZ, torch.rand(B, 1 + L, dtype=torch.float64)], dim=1)
    gradients = [
        torch.autograd.grad((shown_BLV * pull_BLV).sum(), tuple(network.parameters()))
        for network, shown_BLV in ((soft, soft(latent_BZ)), (sampled, sampled(both_BZ)))
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-14)
    # Without them it shows the likeliest, and in use it is what it would be had it been trained on probabilities.
    assert torch.equal(sampled(latent_BZ).argmax(dim=2), soft(latent_BZ).argmax(dim=2))
    assert torch.equal(sampled.eval()(latent_BZ), soft(latent_BZ))
    both_BZ[:, 4] = 0.0
    assert not torch.equal(sampled.train()(both_BZ), sampled(latent_BZ))


def test_chances_stand_behind_latents_in_training_alone() -> None:
    config = recipe("fast", {"generator.relaxation": "sampled", "generator.width": 8, "generator.latent": 4})
    generator = GENERATORS["residual"](config.generator, L, V)
    index_B = torch.arange(5, 5 + B)
    alone_BZ = run_latents(config, Stream.CRITIC_LATENT, index_B)
    seen_BZ = training_latents(noise_columns(generator), config, Stream.CRITIC_LATENT, index_B)
    assert torch.equal(seen_BZ[:, :4], alone_BZ) and seen_BZ.shape == (B, 5 + L)
    assert torch.equal(seen_BZ[:, 4:], uniform(config.training.seed, Stream.CRITIC_SAMPLING, index_B, 1 + L))
    other_BZ = training_latents(noise_columns(generator), config, Stream.GENERATOR_LATENT, index_B)
    assert not torch.equal(seen_BZ[:, 4:], other_BZ[:, 4:])
    assert torch.equal(
        training_latents(noise_columns(generator.eval()), config, Stream.CRITIC_LATENT, index_B), alone_BZ
    )


# How far a position sees


def pair_with(changes: dict[str, object], length: int = 16) -> tuple[nn.Module, nn.Module]:
    """Return a pair of four-channel networks with settings changed, all weights but the gains drawn anew."""
    config = recipe("fast", {"generator.width": 4, "critic.width": 4, "generator.relaxation": "softmax"} | changes)
    return first_networks(config, length, V)


CHOICES: list[tuple[str, dict[str, object]]] = [
    ("generator", {"generator.context": "attention"}),
    ("generator", {"generator.context": "mixing"}),
    ("critic", {"critic.context": "attention"}),
    ("critic", {"critic.context": "mixing"}),
    ("generator", {"generator.self_modulation": True}),
    ("generator", {"generator.self_modulation": True, "generator.normalization": "none"}),
]


@pytest.mark.parametrize(("part", "changes"), CHOICES, ids=str)
def test_what_is_added_changes_nothing_at_first_and_something_later(part: str, changes: dict[str, object]) -> None:
    place = ("generator", "critic").index(part)
    alike = {key: value for key, value in changes.items() if key.endswith("normalization")}
    plain, added = (pair_with(each)[place] for each in (alike, changes))
    missing = added.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing
    assert all(key.startswith(("contexts.", "modulation.")) for key in missing)
    x = torch.randn(B, 128) if part == "generator" else torch.rand(B, 16, V).softmax(dim=-1)
    assert torch.equal(plain(x), added(x))
    for key in missing:
        if key.endswith("gain.weight"):
            torch.nn.init.normal_(added.get_parameter(key))
    after = added(x)
    assert not torch.allclose(plain(x), after)
    assert torch.allclose(added(x[:1]), after[:1], atol=1e-6)  # it mixes no samples


@pytest.mark.parametrize(
    ("changes", "reach"),
    [
        ({}, 4),
        ({"critic.dilation_growth": 2}, 15),
        ({"critic.dilation_growth": 2, "critic.blocks": 1}, 3),
        *(({"critic.context": name}, 15) for name in CONTEXTS if name != "none"),
    ],
    ids=str,
)
def test_a_critics_first_position_sees_as_far_as_the_settings_say(changes: dict[str, object], reach: int) -> None:
    critic = pair_with(changes)[1].double()
    for name, parameter in critic.named_parameters():
        if name.endswith("gain.weight"):
            torch.nn.init.ones_(parameter)
    entered_BCL = torch.randn(8, 4, 16, dtype=torch.float64, requires_grad=True)
    assert isinstance(critic, ResidualCritic)
    (pull_BCL,) = torch.autograd.grad(critic._through(entered_BCL)[:, :, 0].sum(), entered_BCL)
    assert pull_BCL.abs().sum(dim=(0, 1)).nonzero().max().item() == reach


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_dilated_taps_are_convolved_directly_whatever_the_algorithm(convolution: str) -> None:
    critic = pair_with({"critic.dilation_growth": 2, "critic.kernel": 5})[1].double()
    x_BLV = torch.rand(B, 16, V, dtype=torch.float64)
    expected = critic(x_BLV)
    set_convolution_algorithm(critic, convolution)
    assert torch.allclose(critic(x_BLV), expected)


def test_settings_of_an_older_file_mean_none_of_it() -> None:
    tree = to_dict(recipe("fast"))
    for part, keys in {
        "generator": ("context", "context_rate", "dilation_growth", "self_modulation", "soft_share"),
        "critic": ("context", "context_rate", "dilation_growth", "ngrams"),
    }.items():
        for key in keys:
            del tree[part][key]
    older = from_dict(tree)
    assert older == override(
        recipe("fast"),
        {
            "generator.context": "none",
            "generator.context_rate": 1.0,
            "generator.dilation_growth": 1,
            "generator.self_modulation": False,
            "generator.soft_share": 0.0,
            "critic.context": "none",
            "critic.context_rate": 1.0,
            "critic.dilation_growth": 1,
            "critic.ngrams": 1,
        },
    )
