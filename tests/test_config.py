"""Configs: recipes load, every setting is checked, and what is written is read back equal.

Every test about settings runs over the settings that there are, so a new one is tested without a word here.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import math
import tomllib
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seqgan_wgp
from seqgan_wgp.config import (
    Config,
    from_dict,
    override,
    recipe,
    recipe_names,
    recipe_text,
    replace_end,
    to_dict,
    to_toml,
)
from seqgan_wgp.config.fields import AUTO, setting
from seqgan_wgp.config.serialization import list_settings, merged, parse_assignments
from seqgan_wgp.errors import ConfigError
from seqgan_wgp.images import dense
from seqgan_wgp.images import networks as image_networks
from seqgan_wgp.nn.initialization import INITIALIZATIONS
from seqgan_wgp.text import networks as text_networks
from seqgan_wgp.toy.distributions import DISTRIBUTIONS
from seqgan_wgp.training.losses import LOSSES
from seqgan_wgp.training.optimizers import OPTIMIZERS
from seqgan_wgp.training.penalties import CONSTRAINTS

SETTINGS = {dotted: field for dotted, field in list_settings(Config).items() if dotted != "plugins"}
"""All settings but `plugins`, which is found out and has tests of its own."""


def kind(dotted: str) -> Any:
    """The type of a setting, without its None."""
    hint: Any = Config
    for name in dotted.split("."):
        hint = typing.get_type_hints(hint)[name]
    arms = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
    return arms[0] if arms else hint


def optional(dotted: str) -> bool:
    return SETTINGS[dotted].type in ("int | None", "float | None")


def value_of(config: Config, dotted: str) -> object:
    value: object = config
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def choices(dotted: str) -> tuple[str, ...]:
    """What a setting may be."""
    return tuple(SETTINGS[dotted].metadata["choices"])


def step(dotted: str) -> float:
    """Something small to step over a bound with."""
    return 1 if kind(dotted) is int else 1e-3


def bounds() -> list[tuple[str, float, bool, str]]:
    """(setting, value, whether it is allowed, words of the message) at and beyond every bound that there is."""
    cases: list[tuple[str, float, bool, str]] = []
    for dotted, field in SETTINGS.items():
        if kind(dotted) in (str, bool):
            continue
        rule, small = field.metadata, step(dotted)
        for name, words, inside in (("ge", "at least", small), ("le", "at most", -small)):
            if math.isfinite(rule[name]):
                cases += [(dotted, rule[name], True, ""), (dotted, rule[name] - inside, False, words)]
        for name, words, inside in (("gt", "above", small), ("lt", "below", -small)):
            if math.isfinite(rule[name]):
                cases += [(dotted, rule[name] + inside, True, ""), (dotted, rule[name], False, words)]
        if rule["odd"]:
            cases += [(dotted, 2, False, "odd"), (dotted, 3, True, "")]
    return cases


WRONG_TYPES: dict[type, tuple[str, list[object]]] = {
    int: ("a whole number", [1.0, 1.5, math.nan, "1.5", "1e3", "several words", ""]),
    float: ("a number", ["several words", "", "1,5", "0x1"]),
    str: ("text", [1, 1.5, None]),
    bool: ("true or false", [0, 1, 1.0, "1", "yes", "none", "", None]),
}

numbers = pytest.mark.parametrize("dotted", [dotted for dotted in SETTINGS if kind(dotted) in (int, float)])
choosing = pytest.mark.parametrize("dotted", [dotted for dotted in SETTINGS if SETTINGS[dotted].metadata["choices"]])
all_recipes = pytest.mark.parametrize("name", recipe_names())


# Settings that go with one that `fast` has not.
COMPANIONS: dict[str, dict[str, object]] = {
    "objective.clip": {"objective.constraint": "clip", "objective.penalty_weight": 0.0},
    "toy.theta": {"toy.name": "parallel-lines"},
    "training.noise_steps": {"training.noise": 0.1},
    "training.warm_up_until": {"training.warm_up": 1},
}

ADAMS = {f"optimizer.{part}.{beta}" for part in ("generator", "critic") for beta in ("beta1", "beta2")}
ANY_NUMBER = {"toy.theta", "training.extra_steps_above", "training.warm_up_until"}  # a place and losses, also below 0


def changed(dotted: str, value: object) -> Config:
    """`fast` with one setting changed, and what goes with it."""
    return recipe("fast", {**COMPANIONS.get(dotted, {}), dotted: value})


# Recipes


def test_the_recipes_that_are_promised_are_there() -> None:
    assert {"fast", "paper", "passgan"} <= set(recipe_names())
    assert recipe_names() == sorted(recipe_names())


@all_recipes
def test_every_recipe_loads_and_says_what_it_is_and_where_its_numbers_come_from(name: str) -> None:
    config = recipe(name)
    assert config.recipe == name
    assert config.description
    assert config.source
    assert tomllib.loads(recipe_text(name))["description"] == config.description


@all_recipes
def test_a_config_survives_dict_json_and_toml(name: str) -> None:
    config = recipe(name, {"evaluation.patience": "none", "training.minutes": 2.5, "corpus.length": None})
    assert from_dict(to_dict(config)) == config
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config
    assert from_dict(tomllib.loads(to_toml(config))) == config


@all_recipes
def test_written_toml_gives_the_same_config_on_top_of_any_recipe(name: str, tmp_path: Path) -> None:
    """What is none must stay none where the recipe below has a number."""
    config = override(recipe("fast"), {"evaluation.patience": "none", "evaluation.samples": 77})
    file = tmp_path / "config.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    assert recipe(name, file=file) == config


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(1e-9, 9, exclude_min=True))
def test_any_text_and_number_survive_toml(text: str, rate: float) -> None:
    config = recipe("fast", {"description": text, "optimizer.critic.learning_rate": rate})
    assert from_dict(tomllib.loads(to_toml(config))) == config


def test_toml_explains_every_setting() -> None:
    written = to_toml(recipe("fast"))
    assert not [dotted for dotted, field in SETTINGS.items() if f"# {field.metadata['doc']}" not in written]


def test_paper_is_the_published_language_model_to_the_letter() -> None:
    config = recipe("paper")
    network = {"network": "residual", "width": 512, "blocks": 5, "kernel": 5, "residual_scale": 0.3}
    network |= {"normalization": "none", "initialization": "tflib", "units": 0, "activation": "softplus"}
    network |= {"context": "none", "context_rate": 1.0, "dilation_growth": 1}
    adam = {"name": "adam", "learning_rate": 1e-4, "lr_decay_steps": 0, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-8}
    adam |= {"decay": None, "momentum": 0.0}
    tree = to_dict(config)
    generator = {"latent": 128, "latent_distribution": "normal", "relaxation": "softmax", "counts": 0, "dropout": 0.0}
    generator |= {"self_modulation": False, "soft_share": 0.0}
    assert tree["generator"] == network | generator
    assert tree["critic"] == network | {"ngrams": 1}
    unused = {"targets": "0, 1, 1", "clip": None, "penalty_every": 1}
    assert tree["objective"] == {"loss": "wgan", "constraint": "gp", "penalty_weight": 10.0} | unused
    assert tree["optimizer"] == {"generator": adam, "critic": adam}
    assert (config.training.batch_size, config.training.critic_steps, config.training.steps) == (64, 10, 200_000)
    assert (config.corpus.length, config.corpus.overflow) == (32, "crop")
    assert (config.averaging.decay, config.model.weights) == (0.0, "latest")
    assert config.evaluation.patience is None


def test_passgan_is_paper_made_narrow_and_short() -> None:
    paper = recipe("paper")
    narrow = {"generator.width": 128, "critic.width": 128, "corpus.length": 10, "corpus.overflow": "drop"}
    about = {name: getattr(recipe("passgan"), name) for name in ("recipe", "description", "source")}
    assert override(paper, narrow | about) == recipe("passgan")


# Precedence


def test_a_file_beats_the_recipe_and_overrides_beat_both(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[generator]\nwidth = 11\nlatent = 12\n[optimizer.critic]\nbeta1 = 0.25\n", encoding="utf-8")
    below, config = recipe("paper"), recipe("paper", {"generator.width": 13}, file=file)
    assert (config.generator.width, config.generator.latent, config.optimizer.critic.beta1) == (13, 12, 0.25)
    expected = {"generator.width": 13, "generator.latent": 12, "optimizer.critic.beta1": 0.25}
    assert config == override(below, expected)


@pytest.mark.parametrize("dotted", SETTINGS)
def test_a_key_missing_in_an_older_file_means_neutral(dotted: str) -> None:
    """A setting with a default is off or automatic there; one without cannot be guessed, and is named."""
    tree = to_dict(recipe("paper"))
    section = tree
    for name in dotted.split(".")[:-1]:
        section = section[name]
    del section[dotted.split(".")[-1]]
    default = SETTINGS[dotted].default
    if default is dataclasses.MISSING:
        with pytest.raises(ConfigError, match=rf"^{dotted} is not set"):
            from_dict(tree)
    elif dotted in ("training.steps", "objective.constraint", *ADAMS):
        with pytest.raises(ConfigError, match=r"the run would never end|constraint is 'none'|but adam needs it"):
            from_dict(tree)
    else:
        assert value_of(from_dict(tree), dotted) == default


def test_neutral_defaults_are_off() -> None:
    neutral = {dotted: field.default for dotted, field in SETTINGS.items() if field.default is not dataclasses.MISSING}
    off = {
        "generator.residual_scale": 1.0,
        "generator.normalization": "none",
        "critic.normalization": "none",
        "objective.constraint": "none",
        "objective.penalty_weight": 0.0,
        "averaging.decay": 0.0,
        "evaluation.patience": None,
        "training.minutes": None,
        "corpus.length": None,
    }
    assert off.items() <= neutral.items()


@pytest.mark.parametrize("section", ["corpus", "averaging", "model"])
def test_a_whole_neutral_section_may_be_missing(section: str) -> None:
    tree = to_dict(recipe("paper"))
    del tree[section]
    assert from_dict(tree) == from_dict(tree | {section: {}})


def test_configs_are_frozen_and_overriding_makes_a_new_one() -> None:
    config = recipe("fast")
    before = to_dict(config)
    other = override(config, {"training.seed": 5})
    assert to_dict(config) == before
    assert (config.training.seed, other.training.seed) == (0, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.training.seed = 5  # type: ignore[misc]
    assert override(config, {}) == config


# Settings


@pytest.mark.parametrize("dotted", SETTINGS)
def test_every_setting_says_in_one_line_what_it_means(dotted: str) -> None:
    doc = SETTINGS[dotted].metadata["doc"]
    assert doc == doc.strip()
    assert doc
    assert "\n" not in doc


@pytest.mark.parametrize("dotted", SETTINGS)
def test_a_value_written_as_text_is_read_as_the_type(dotted: str) -> None:
    """What `--set` gives is always text."""
    config = recipe("paper", {"training.minutes": 2.5, "evaluation.samples": 12, "evaluation.patience": 3})
    value = value_of(config, dotted)
    assert override(config, {dotted: str(value)}) == config
    assert type(value_of(override(config, {dotted: str(value)}), dotted)) is type(value)


def test_numbers_are_read_with_separators_exponents_and_as_whole_ones() -> None:
    config = recipe("fast", {"training.steps": "100_000", "objective.penalty_weight": "5", "averaging.decay": "9.9e-1"})
    assert (config.training.steps, config.objective.penalty_weight, config.averaging.decay) == (100_000, 5.0, 0.99)
    with pytest.raises(ConfigError, match="'1,5'"):
        recipe("fast", {"training.steps": "1,5"})  # in much of the world a comma is no separator of thousands
    assert type(recipe("fast", {"objective.penalty_weight": 5}).objective.penalty_weight) is float


def test_a_switch_is_read_from_text_and_survives_toml() -> None:
    for spelling in (True, "true", "True", "TRUE"):
        config = recipe("fast", {"log.tensorboard": spelling})
        assert config.log.tensorboard is True
        assert from_dict(tomllib.loads(to_toml(config))) == config
    assert recipe("fast", {"log.tensorboard": "false"}) == recipe("fast")


@numbers
def test_none_is_for_the_settings_that_may_be_none(dotted: str) -> None:
    config = recipe("fast", {"training.minutes": 1})
    for spelling in (None, "none", "None", "NONE"):
        if dotted in ADAMS:
            with pytest.raises(ConfigError, match=rf"^{dotted} is not set, but adam needs it"):
                override(config, {dotted: spelling})
        elif optional(dotted):
            assert value_of(override(config, {dotted: spelling}), dotted) is None
        else:
            with pytest.raises(
                ConfigError, match=rf"^{dotted} is {spelling!r}, but it must be a (whole )?number( or auto)?(\n|$)"
            ):
                override(config, {dotted: spelling})


def left_open(dotted: str) -> object:
    """What a setting is that was written "auto"."""
    return None if optional(dotted) else AUTO


@pytest.mark.parametrize("dotted", [dotted for dotted in SETTINGS if SETTINGS[dotted].metadata["auto"]])
def test_auto_is_a_word_for_the_settings_that_a_rule_can_decide(dotted: str) -> None:
    config = recipe("paper", {dotted: "Auto"})
    assert value_of(config, dotted) == left_open(dotted)
    assert f'{dotted.split(".")[-1]} = "auto"' in to_toml(config)
    assert from_dict(to_dict(config)) == from_dict(tomllib.loads(to_toml(config))) == config


@pytest.mark.parametrize("dotted", SETTINGS)
def test_a_value_of_the_wrong_type_is_refused_by_name(dotted: str) -> None:
    words, others = WRONG_TYPES[kind(dotted)]
    switches = [] if kind(dotted) is bool else [True, False]
    for wrong in [*switches, [], [1], {}, {"a": 1}, b"1", *others]:
        with pytest.raises(ConfigError) as caught:
            override(recipe("fast"), {dotted: wrong})
        auto = SETTINGS[dotted].metadata["auto"]
        also = " or auto" if auto else " or none" * optional(dotted)
        assert caught.value.message == f"{dotted} is {wrong!r}, but it must be {words}{also}"


@pytest.mark.parametrize(("dotted", "value", "allowed", "words"), bounds())
def test_bounds_hold_on_both_sides(dotted: str, value: float, allowed: bool, words: str) -> None:
    if allowed:
        assert value_of(changed(dotted, value), dotted) == value
    else:
        with pytest.raises(ConfigError, match=rf"^{dotted} is .*, but it must be {words}") as caught:
            changed(dotted, value)
        assert str(value) in caught.value.message


@numbers
def test_every_number_has_a_lower_bound(dotted: str) -> None:
    rule = SETTINGS[dotted].metadata
    if dotted in ANY_NUMBER:
        assert value_of(changed(dotted, -1), dotted) == -1
        return
    assert max(rule["ge"], rule["gt"]) >= 0
    with pytest.raises(ConfigError, match=rf"^{dotted} is -1"):
        changed(dotted, -1)


@pytest.mark.parametrize("dotted", [dotted for dotted in SETTINGS if kind(dotted) is float])
def test_numbers_are_finite(dotted: str) -> None:
    for value in (math.nan, math.inf, -math.inf, "nan", "-inf", "Infinity"):
        with pytest.raises(ConfigError, match=rf"^{dotted} is -?(nan|inf), but it must be finite(\n|$)"):
            changed(dotted, value)


@pytest.mark.parametrize(
    "dotted", ["training.steps", "objective.penalty_weight", "training.batch_size", "training.minutes"]
)
def test_numbers_beyond_floats_are_no_crash(dotted: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{dotted} is a number of more than 64 bits, but it must be "):
        changed(dotted, 10**400)


def test_the_numbers_in_a_message_are_exact() -> None:
    with pytest.raises(ConfigError, match=r"^training\.batch_size is 1048577, but it must be at most 1048576(\n|$)"):
        changed("training.batch_size", 1_048_577)


@choosing
def test_choices_are_the_only_texts_and_a_slip_gets_a_suggestion(dotted: str) -> None:
    choices = tuple(SETTINGS[dotted].metadata["choices"])
    for choice in choices:
        # Not every choice goes with every kind of data, nor batch norm or spectral norm in the critic with a penalty.
        free = dotted == "critic.normalization" or choice in ("none", "spectral")
        unpenalised = {"objective.constraint": "none", "objective.penalty_weight": 0} if free else {}
        if choice == "pattern":
            unpenalised = {"corpus.unit_pattern": "."}
        taken = []
        for name in recipe_names():
            with contextlib.suppress(ConfigError):
                taken.append(value_of(override(recipe(name), unpenalised | {dotted: choice}), dotted))
        assert choice in taken
    with pytest.raises(ConfigError, match=rf"^{dotted} is 'zzzzzz'\nchoose one of: {', '.join(choices)}(\n|$)"):
        changed(dotted, "zzzzzz")
    slip = choices[0] + choices[0][-1]
    with pytest.raises(ConfigError, match=rf"^{dotted} is '{slip}'; did you mean '{choices[0]}'\?"):
        changed(dotted, slip)


# Errors


@pytest.mark.parametrize("dotted", SETTINGS)
def test_a_slip_in_a_name_gets_a_suggestion(dotted: str) -> None:
    slip = dotted + "x"
    with pytest.raises(ConfigError, match=rf"^there is no setting '{slip}'; did you mean '{dotted}'\?"):
        override(recipe("fast"), {slip: 1})
    tree: dict[str, Any] = {slip.split(".")[-1]: 1}
    for section in reversed(slip.split(".")[:-1]):
        tree = {section: tree}
    with pytest.raises(ConfigError, match=rf"^there is no setting '{slip}'; did you mean '{dotted}'\?"):
        from_dict(merged(to_dict(recipe("fast")), tree))


@pytest.mark.parametrize("name", ["width", "widht"])
def test_a_setting_without_its_section_is_proposed_with_it(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{name}'; did you mean 'generator.width' or 'critic.width'\?"):
        recipe("fast", {name: 1})


def test_a_name_like_nothing_gets_no_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"^there is no setting 'qqqq'\n"):
        recipe("fast", {"qqqq": 1})


@pytest.mark.parametrize("dotted", ["generator", "optimizer.critic", "generator.width.more", ".", "", "generator."])
def test_a_section_is_no_setting(dotted: str) -> None:
    with pytest.raises(ConfigError, match=r"^there is no setting"):
        recipe("fast", {dotted: 1})


@pytest.mark.parametrize("section", ["generator", "optimizer", "corpus"])
@pytest.mark.parametrize("wrong", [5, "text", [], None])
def test_a_section_must_be_a_section(section: str, wrong: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{section} is .*, but it must be a section of settings(\n|$)"):
        from_dict(to_dict(recipe("fast")) | {section: wrong})


def test_a_missing_section_is_named() -> None:
    tree = to_dict(recipe("fast"))
    del tree["log"]
    with pytest.raises(ConfigError, match=r"^log\.every is not set\n"):
        from_dict(tree)


def test_an_unknown_recipe_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(
        ConfigError, match=r"^there is no recipe 'papr'; did you mean 'paper'\?\nchoose one of: .*paper"
    ):
        recipe("papr")
    for name in ("", "../config", "paper.toml", "/etc/passwd"):
        with pytest.raises(ConfigError, match=r"^there is no recipe"):
            recipe_text(name)


@pytest.mark.parametrize("name", recipe_names())
def test_minutes_replace_the_number_of_steps_of_a_recipe(name: str, tmp_path: Path) -> None:
    assert recipe(name).training.steps is not None
    (file := tmp_path / "mine.toml").write_text("[training]\nminutes = 5\n")
    for config in (recipe(name, {"training.minutes": "5"}), recipe(name, file=file)):
        assert (config.training.steps, config.training.minutes) == (None, 5)


@pytest.mark.parametrize(
    ("in_file", "given"),
    [
        ("steps = 70\nminutes = 5", {}),
        ("steps = 70", {"training.minutes": 5}),
        ("minutes = 5", {"training.steps": 70}),
        ("", {"training.steps": 70, "training.minutes": 5}),
    ],
)
def test_both_ends_hold_where_both_are_given(in_file: str, given: dict[str, object], tmp_path: Path) -> None:
    (file := tmp_path / "mine.toml").write_text(f"[training]\n{in_file}\n")
    training = recipe("fast", given, file=file).training
    assert (training.steps, training.minutes) == (70, 5)


def test_no_minutes_replace_nothing() -> None:
    assert recipe("fast", {"training.minutes": "none"}) == recipe("fast")


@pytest.mark.parametrize(("name", "steps"), [("fast", None), ("causal", 3_000)])
def test_minutes_keep_the_steps_until_which_a_begun_learning_rate_falls(name: str, steps: int | None) -> None:
    config = override(recipe(name), {"training.minutes": 5})
    assert replace_end(config, {"training.minutes"}, begun=True).training.steps == steps


def test_a_run_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^the run would never end\n"):
        recipe("fast", {"training.steps": None, "evaluation.patience": None})
    for end in ("training.steps", "training.minutes", "evaluation.patience"):
        config = recipe("fast", {"training.steps": None, "evaluation.patience": None} | {end: 1})
        assert value_of(config, end) == 1


def test_a_weight_without_a_constraint_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^objective\.penalty_weight is 10, but objective\.constraint is 'none', "):
        recipe("fast", {"objective.constraint": "none"})


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda file: file.unlink(missing_ok=True), "no such file"),
        (lambda file: file.mkdir(), "cannot be read"),
        (lambda file: file.write_text("[generator\n"), "not valid TOML"),
        (lambda file: file.write_bytes(b"a = '\xff'\n"), "not valid TOML"),
    ],
    ids=["absent", "folder", "syntax", "bytes"],
)
def test_an_unreadable_file_is_named(write: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write(file)
    with pytest.raises(ConfigError, match=message) as caught:
        recipe("fast", file=file)
    assert caught.value.message.startswith(f"{file}: ")


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert parse_assignments(["a.b=1", " c = d = e ", "f="]) == {"a.b": "1", "c": "d = e", "f": ""}
    for wrong in ("a.b", "=1", " = 1", ""):
        with pytest.raises(ConfigError, match=r"^'.*' is not a setting\n"):
            parse_assignments([wrong])


def test_settings_are_listed_in_order_with_their_sections() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Flat:
        first: int = setting("one", 1)
        second: str = setting("two", "x", choices=("x", "y"))

    assert list(list_settings(Flat, "part.")) == ["part.first", "part.second"]
    names = list(SETTINGS)
    sections = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    assert sorted(names, key=lambda name: sections.index(name.rpartition(".")[0])) == names


PAIRS = [(loss, constraint) for loss in choices("objective.loss") for constraint in choices("objective.constraint")]


@pytest.mark.parametrize(("loss", "constraint"), PAIRS)
def test_a_pair_is_taken_or_refused_with_the_reason(loss: str, constraint: str) -> None:
    changes: dict[str, object] = {"objective.loss": loss, "objective.constraint": constraint}
    changes["objective.penalty_weight"] = 10.0 if CONSTRAINTS[constraint].has_penalty else 0.0
    changes["objective.clip"] = 0.01 if constraint == "clip" else None
    if loss == "wgan" and constraint in ("none", "r1", "r1r2", "dragan", "dragan-notebook"):
        with pytest.raises(
            ConfigError,
            match=r"critic loss would fall without bound\nchoose another objective\.constraint \(clip, gp, lp",
        ):
            recipe("fast", changes)
    else:
        assert recipe("fast", changes).objective.constraint == constraint


REFUSED: list[tuple[dict[str, object], str]] = [
    (
        {"objective.constraint": "clip", "objective.penalty_weight": 0},
        r"objective\.clip is not set\n.*objective\.clip=0\.01",
    ),
    ({"objective.clip": 0.01}, r"objective\.clip is 0\.01, but objective\.constraint is 'lp'"),
    (
        {"objective.constraint": "spectral"},
        r"objective\.penalty_weight is 10, but .* 'spectral', which has no penalty\n",
    ),
    ({"generator.activation": "relu"}, r"generator\.activation is 'relu', but residual has a fixed activation\n"),
    (
        {"generator.normalization": "batch-nonaffine"},
        r"'batch-nonaffine', which is not available for the network residual",
    ),
    ({"critic.normalization": "batch"}, r"each score depend on the whole batch\n.*critic\.normalization=layer"),
    (
        {"objective.constraint": "spectral", "objective.penalty_weight": 0, "critic.normalization": "layer"},
        r"rescales each layer's input, which undoes the bound",
    ),
    (
        {"objective.constraint": "spectral", "objective.penalty_weight": 0, "critic.context": "attention"},
        r"normalizes its input, which undoes the bound .*\n.*critic\.context=none",
    ),
    (
        {"objective.constraint": "spectral", "objective.penalty_weight": 0, "critic.ngrams": 2},
        r"does not bound that of products of their outputs\nset critic\.ngrams=1",
    ),
    (
        {"generator.network": "causal", "generator.normalization": "none", "generator.context": "mixing"},
        r"generator\.context is mixing, but the network causal has no such choice\nset generator\.network=residual, or",
    ),
    (
        {"generator.network": "causal", "generator.normalization": "none", "generator.self_modulation": True},
        r"self_modulation is true, but .* no such choice\n.* set generator\.self_modulation=false",
    ),
    ({"training.warm_up_until": 0.1}, r"training\.warm_up is 0\n"),
    ({"training.noise_steps": 10}, r"training\.noise is 0\n"),
    (
        {"generator.normalization": "batch", "training.batch_size": 1},
        r"training\.batch_size is 1, and .* needs more than one sample",
    ),
    (
        {"objective.penalty_every": 2, "objective.constraint": "dragan", "objective.loss": "gan"},
        r"no per-sample penalty",
    ),
    ({"objective.penalty_every": 100, "training.batch_size": 64}, r"batch_size is only 64\n"),
    ({"generator.network": "perceptron"}, r"generator\.network is 'perceptron', which is not available for text"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_does_not_go_together_is_refused_with_a_remedy(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe("fast", changes)


def test_networks_of_images_need_what_they_are_made_of() -> None:
    with pytest.raises(ConfigError, match=r"critic\.units is 0, but convolution-dense has a dense layer"):
        recipe("mnist-fast", {"critic.network": "convolution-dense"})
    with pytest.raises(ConfigError, match=r"'instance', which is not available for the network perceptron\n"):
        recipe("mnist-fast", {"critic.network": "perceptron", "critic.normalization": "instance"})


@pytest.mark.parametrize("name", ["mnist-fast", "toy"])
def test_only_text_is_shown_one_hot(name: str) -> None:
    with pytest.raises(ConfigError, match=r"generator\.relaxation is 'sampled', but it applies to text only"):
        recipe(name, {"generator.relaxation": "sampled"})


BY_OTHER_SETTINGS = {"objective.penalty_every"}
"""What may be left open whatever a run is of: it is decided without a corpus."""


@pytest.mark.parametrize(
    "dotted", [name for name in SETTINGS if SETTINGS[name].metadata["auto"] and not optional(name)]
)
def test_what_no_rule_decides_is_refused(dotted: str) -> None:
    if dotted in BY_OTHER_SETTINGS:
        assert value_of(recipe("mnist-fast", {dotted: "auto"}), dotted) == AUTO
        return
    with pytest.raises(ConfigError, match=rf"{dotted} is 'auto', which works for text only"):
        recipe("mnist-fast", {dotted: "auto"})


def test_the_registries_have_what_the_settings_offer() -> None:
    assert set(choices("objective.loss")) == set(LOSSES)
    assert set(choices("objective.constraint")) == set(CONSTRAINTS)
    assert set(choices("optimizer.critic.name")) == set(OPTIMIZERS)
    assert set(choices("critic.initialization")) == set(INITIALIZATIONS)
    assert set(choices("toy.name")) == set(DISTRIBUTIONS)
    normalizations = set(choices("critic.normalization"))
    assert normalizations == set(dense.GENERATOR_NORMALIZATIONS)
    assert (
        set(text_networks.NORMALIZATIONS) == set(image_networks.NORMALIZATIONS) == normalizations - {"batch-nonaffine"}
    )


def tables() -> dict[str, set[str]]:
    """Return the tables of the library by name: dicts at module level, and their keys where all are text."""
    found = {}
    for file in Path(seqgan_wgp.__file__).parent.rglob("*.py"):
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Dict):
                keys = [key.value for key in statement.value.keys if isinstance(key, ast.Constant)]
                if keys and len(keys) == len(statement.value.keys) and all(isinstance(key, str) for key in keys):
                    found[f"{file.name}: {ast.unparse(statement)[:40]}"] = {str(key) for key in keys}
    return found


def test_no_setting_repeats_the_names_of_a_table() -> None:
    standing_for_others = {"auto", "none"}
    assert any("wgan" not in keys and "direct" in keys for keys in tables().values())
    repeated = [
        (dotted, where)
        for dotted, field in list_settings(Config).items()
        if isinstance(choices := field.metadata["choices"], tuple) and choices
        for where, keys in tables().items()
        if len(keys) > 1 and keys <= set(choices) and set(choices) - keys <= standing_for_others
    ]
    assert repeated == []


def test_every_default_is_one_of_its_choices() -> None:
    wrong = [
        dotted
        for dotted, field in list_settings(Config).items()
        if not isinstance(choices := field.metadata["choices"], tuple) or choices
        if field.default is not dataclasses.MISSING and field.default not in choices
    ]
    assert wrong == []
