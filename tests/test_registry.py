"""Registries refuse what is no name, plugins are loaded once, and what fails in one is an error with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

import seqgan_wgp
from seqgan_wgp import ConfigError, PluginError, load_plugins, override, recipe, register
from seqgan_wgp.config import from_dict, to_dict
from seqgan_wgp.config.serialization import former_names, list_settings
from seqgan_wgp.nn.initialization import initialize
from seqgan_wgp.registry import LOSSES, Loss, Registry, plugin_names, unload_plugin
from seqgan_wgp.training.build import seeded_construction

PLUGIN = """
import seqgan_wgp

@seqgan_wgp.register.loss("mine", needs_bounded_critic=True)
class Mine:
    critic = staticmethod(lambda real_B, fake_B: fake_B.mean() - real_B.mean())
    generator = staticmethod(lambda fake_B: -fake_B.mean())
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    yield file
    unload_plugin(file.name)


@pytest.mark.parametrize("name", ["", "two words", "auto", "-x", "a,b", "ä", None, 3])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be named"):
        Registry[int]("thing").add(name, 1)


def test_a_taken_name_is_refused_and_its_owner_named() -> None:
    with pytest.raises(ConfigError, match="the loss 'wgan' is already registered by seqgan_wgp itself"):
        register.loss("wgan")(type("Mine", (), {"critic": None, "generator": None}))


def test_an_unknown_name_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(ConfigError, match=r"no loss 'wgam'; did you mean 'wgan'\?\nchoose one of: gan, gan-ns"):
        LOSSES["wgam"]
    assert LOSSES.get("wgam") is None


def test_a_network_is_for_a_kind_of_data() -> None:
    with pytest.raises(ConfigError, match=r"no kind of data 'texts' .*; did you mean 'text'\?"):
        register.generator("mine", data="texts")


def test_a_plugin_is_accepted_listed_checked_and_named(plugin: Path) -> None:
    load_plugins([plugin, plugin])
    load_plugins([str(plugin)])
    config = recipe("fast", {"objective.loss": "mine"})
    assert config.plugins == ("mine.py",) and to_dict(config)["plugins"] == ["mine.py"]
    assert from_dict(to_dict(config)) == config
    assert override(config, {"objective.loss": "wgan"}).plugins == ()
    with pytest.raises(ConfigError, match="choose one of: .*rpgan, mine"):
        recipe("fast", {"objective.loss": "nothing"})
    with pytest.raises(ConfigError, match="objective.loss is 'mine', .* critic loss would fall without bound"):
        recipe("fast", {"objective.loss": "mine", "objective.constraint": "r1"})


def test_settings_that_need_a_plugin_are_refused_without_it(plugin: Path) -> None:
    load_plugins([plugin])
    tree = to_dict(recipe("fast", {"objective.loss": "mine"}))
    unload_plugin("mine.py")
    with pytest.raises(PluginError, match=r"need the plugin mine\.py, which is not loaded\n.*--plugin mine\.py"):
        from_dict(tree)


def test_a_changed_plugin_takes_the_place_of_what_it_was(plugin: Path) -> None:
    load_plugins([plugin])
    plugin.write_text(PLUGIN.replace('"mine"', '"other"'))
    load_plugins([plugin])
    assert "other" in LOSSES and "mine" not in LOSSES and "mine.py" in plugin_names()


def test_two_different_plugins_of_one_name_are_refused(plugin: Path, tmp_path: Path) -> None:
    load_plugins([plugin])
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "mine.py"
    other.write_text("x = 1")
    with pytest.raises(ConfigError, match="another plugin with this file name is already loaded"):
        load_plugins([other])
    other.write_text(PLUGIN)
    load_plugins([other])  # the same code under the same name is the same plugin


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\ny = (\n", r"mine\.py, line 2: "),
        ("x = 1\n\nimport nothing_of_this_name\n", r"mine\.py, line 3: ModuleNotFoundError: .*\ninstall nothing_of"),
        ("def f():\n    1 / 0\n\nf()\n", r"mine\.py, line 2: ZeroDivisionError"),
        (PLUGIN + PLUGIN, r"mine\.py, line 1[12]: the loss 'mine' is already registered by mine\.py"),
        (PLUGIN + "\nraise ValueError('late')", r"mine\.py, line 9: ValueError: late"),
    ],
)
def test_a_plugin_that_fails_is_one_error_with_file_and_line(tmp_path: Path, code: str, words: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    before = list(LOSSES)
    with pytest.raises(ConfigError, match=words):
        load_plugins([file])
    assert list(LOSSES) == before and "mine.py" not in plugin_names()


def test_a_missing_plugin_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.py: no such plugin file"):
        load_plugins([tmp_path / "none.py"])


# Former names


FORMER = {
    "objective.thinning": "objective.penalty_every",
    "objective.weight": "objective.penalty_weight",
    "optimizer.generator.fall_steps": "optimizer.generator.lr_decay_steps",
    "optimizer.critic.fall_steps": "optimizer.critic.lr_decay_steps",
    "training.repeat_above": "training.extra_steps_above",
    "training.repeat_rises": "training.extra_steps_max_rises",
    "corpus.long": "corpus.overflow",
    "corpus.held_out_most": "corpus.held_out_max",
    "generator.output": "generator.relaxation",
}


def test_the_former_names_are_those_that_were_given_up() -> None:
    assert former_names(seqgan_wgp.Config) == FORMER


@pytest.mark.parametrize("former", FORMER)
def test_a_former_name_is_accepted_everywhere(former: str, tmp_path: Path) -> None:
    value = {"corpus.long": "drop", "generator.output": "sampled"}.get(former, 3)
    config = recipe("fast", {FORMER[former]: value})
    assert recipe("fast", {former: value}) == override(recipe("fast"), {former: value}) == config
    *sections, name = former.split(".")
    file = tmp_path / "settings.toml"
    file.write_text(f"[{'.'.join(sections)}]\n{name} = {value!r}\n")
    assert recipe("fast", file=file) == config
    tree = to_dict(config)
    section = tree
    for part in sections:
        section = section[part]
    section[name] = section.pop(FORMER[former].split(".")[-1])
    assert from_dict(tree) == config
    section[FORMER[former].split(".")[-1]] = value
    with pytest.raises(ConfigError, match=f"{former} has been renamed to {FORMER[former]}, but both are set"):
        from_dict(tree)


def test_what_was_left_open_as_none_is_auto() -> None:
    for dotted in ("corpus.length", "evaluation.samples", "images.rows", "images.columns"):
        assert list_settings(seqgan_wgp.Config)[dotted].metadata["auto"]
        assert recipe("fast", {dotted: "none"}) == recipe("fast", {dotted: "auto"}) == recipe("fast")


# First weights


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)


def test_a_parameter_that_no_scheme_knows_is_named() -> None:
    with pytest.raises(ConfigError, match=r"parameter attention\.in_proj_weight, which .*'tflib'.*\n.*constructor"):
        initialize(Attention(), "tflib", seed=0, first=0)


def test_what_a_constructor_draws_follows_from_the_seed() -> None:
    def drawn(seed: int) -> list[float]:
        with seeded_construction(seed):
            network = Attention()
        initialize(network, "constructor", seed=seed, first=0)
        weights: list[float] = network.attention.in_proj_weight.flatten().tolist()
        return weights

    assert drawn(0) == drawn(0) != drawn(1)


def test_a_loss_without_numbers_needs_no_settings() -> None:
    assert [name for name, loss in LOSSES.items() if loss.configure is not None] == ["lsgan"]
    assert isinstance(LOSSES["wgan"], Loss)
