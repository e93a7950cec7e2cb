"""Numbers to words: each verdict at both sides of its threshold."""

from __future__ import annotations

import pytest

from seqgan_wgp.text.evaluation import verdicts
from seqgan_wgp.text.evaluation.result import NearestLines, Profile, Profiles
from seqgan_wgp.text.evaluation.scores import ScoreSpread
from seqgan_wgp.text.metrics.memorization import Copies


def profile(js4: float, unique: float = 1.0) -> Profile:
    return Profile(js=(0.0, 0.0, 0.0, js4, 1.0), unique=unique, novel=1.0)


def profiles(js4: float, markov: tuple[float, ...] = (0.5, 0.4, 0.3, 0.25, 0.22)) -> Profiles:
    return Profiles(
        model=profile(js4),
        floor=profile(0.1),
        markov={order: profile(js) for order, js in enumerate(markov, 1)},
        uniform=profile(0.9),
    )


@pytest.mark.parametrize(
    ("js4", "says"),
    [
        (0.1, "as close to the reference as real lines are"),
        (0.109, "as close to the reference as real lines are"),
        (0.111, "better than Markov models of every order from 1 to 5"),
        (0.219, "better than Markov models of every order from 1 to 5"),
        (0.221, "between Markov models of order 4 and 5"),
        (0.35, "between Markov models of order 2 and 3"),
        (0.49, "between Markov models of order 1 and 2"),
        (0.5, "worse than Markov models of every order from 1 to 5"),
        (0.86, "no better than random characters"),
    ],
)
def test_where_n_grams_stand(js4: float, says: str) -> None:
    assert verdicts.standing(profiles(js4)) == says


def test_orders_need_not_get_better() -> None:
    """Of little text a high order may do worse than a low one: then each is named."""
    words = verdicts.standing(profiles(0.35, (0.5, 0.3, 0.2, 0.4, 0.45)))
    assert words == "better than Markov models of order 1, 4, 5, worse than of order 2, 3"


def test_fewer_orders_of_n_grams_than_four_are_judged_by_their_last() -> None:
    short = profiles(0.1)
    cut = {
        name: Profile(js=one.js[:2], unique=1.0, novel=1.0)
        for name, one in (("model", short.model), ("floor", short.floor), ("uniform", short.uniform))
    }
    markov = {order: Profile(js=one.js[:2], unique=1.0, novel=1.0) for order, one in short.markov.items()}
    assert verdicts.standing(Profiles(markov=markov, **cut)) == "as close to the reference as real lines are"


@pytest.mark.parametrize(
    ("unique", "says"),
    [(0.8, "hardly"), (0.77, "hardly"), (0.75, "many repeats"), (0.41, "many repeats"), (0.39, "mode collapse")],
)
def test_how_various_strings_are(unique: float, says: str) -> None:
    assert says in verdicts.variety(profile(0.1, unique), profile(0.1, 0.8))


def copies(share: float, expected: float, error: float = 0.01) -> Copies:
    return Copies(
        share=share, held_out_share=expected / 4, odds=4.0, expected=expected, expected_error=error, of_source=0.0
    )


def near(margin: float, generated: float = 0.3) -> NearestLines:
    return NearestLines(generated=generated, test=generated - margin, margin=margin, sample=100, train=100, pairs=())


@pytest.mark.parametrize(
    ("share", "expected", "error", "by_heart"),
    [
        (0.0, 0.0, 0.0, False),
        (0.1, 0.1, 0.01, False),
        (0.05, 0.1, 0.01, False),
        (0.125, 0.1, 0.001, False),  # sure, but of no weight
        (0.2, 0.1, 0.04, False),  # much, but may be chance
        (0.2, 0.1, 0.03, True),
        (0.2, 0.0, 0.01, True),
        (1.0, 0.0, 0.01, True),
    ],
)
def test_copies_beyond_chance_are_a_sign(share: float, expected: float, error: float, by_heart: bool) -> None:
    found = copies(share, expected, error)
    assert verdicts.too_many(found) == by_heart
    assert ("memorised" in verdicts.copied(found)) == by_heart
    assert verdicts.memory(found, near(0.0)).startswith("signs of" if by_heart else "no sign of")


@pytest.mark.parametrize(
    ("margin", "says"),
    [(-0.2, "near copies"), (-0.09, "about as far"), (0.05, "about as far"), (0.2, "less realistic")],
)
def test_nearness_to_training_lines(margin: float, says: str) -> None:
    assert says in verdicts.neared(near(margin))
    assert ("signs of" in verdicts.memory(copies(0.1, 0.1), near(margin))) == (margin < -verdicts.NEARER)


def test_where_all_are_copies_nothing_is_said_of_others() -> None:
    found = near(-0.3, generated=0.0)
    assert verdicts.neared(found) == "all strings are copies"
    assert "no sign" in verdicts.memory(copies(0.1, 0.1), found)


def spread(mean: float) -> ScoreSpread:
    return ScoreSpread(n=9, mean=mean, lower=mean, median=mean, upper=mean)


@pytest.mark.parametrize(
    ("train", "test", "generated", "says"),
    [
        (1.0, 0.9, 0.0, "as they should"),
        (1.0, 1.2, 0.0, "as they should"),
        (1.0, 0.4, 0.0, "memorised"),
        (0.0, 0.0, 0.0, "at least as high as real ones"),
        (-5.0, -5.1, -9.0, "as they should"),
        (1.0, 0.0, 2.0, "at least as high as real ones"),
    ],
)
def test_what_scores_tell_of_the_critic(train: float, test: float, generated: float, says: str) -> None:
    assert says in verdicts.trusted({"train": spread(train), "test": spread(test), "generated": spread(generated)})


def test_likeness_freedom_and_reach() -> None:
    assert (
        verdicts.likeness(0.02, 0.01) == verdicts.likeness(0.0, 0.0) == "about as close to the test split as real lines"
    )
    assert verdicts.likeness(0.05, 0.01) == "5.0 times as far from the test split as real lines"
    assert verdicts.likeness(0.05, 0.0) == "unlike the test split"
    assert [verdicts.freedom(bits, 2.0) for bits in (1.8, 2.0, 2.2)] == [
        "less varied than text",
        "as varied as text",
        "less regular than text",
    ]
    assert verdicts.reached(0.0, 0.1) == "none"
    assert verdicts.reached(0.2, 0.1).startswith("more than")
    assert verdicts.reached(0.1, 0.1).startswith("no more than")
