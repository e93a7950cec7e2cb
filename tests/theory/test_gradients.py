"""The generator's gradient under the old losses and the new one, and the identity behind it."""

import math

import pytest

from seqgan_wgp.theory import js_identity
from seqgan_wgp.theory.gradients import CASES, GradientCourse, marks, measure_gradients


def courses(name: str, steps: int) -> dict[str, GradientCourse]:
    return {course.objective: course for course in measure_gradients(name, seed=0, steps=steps)}


def grown(values: tuple[float, ...]) -> float:
    return values[-1] / values[0]


def test_a_better_discriminator_leaves_no_gradient_or_a_wild_one_unless_there_is_noise() -> None:
    without, noisy = courses("discriminator", 400), courses("with noise", 400)
    assert grown(without["gan"].norm) < 0.01
    assert grown(without["gan-ns"].variance) > 100
    assert grown(noisy["gan"].norm) > 0.05
    assert noisy["gan-ns"].variance[-1] < 0.1 * without["gan-ns"].variance[-1]


def test_a_better_wgan_critic_leaves_the_gradient_as_it_is() -> None:
    found = courses("WGAN-GP critic", 200)["wgan"]
    assert min(found.norm) / max(found.norm) > 0.1


def test_noise_that_fades_is_the_same_at_first_and_none_at_last() -> None:
    steady, fading = courses("with noise", 2)["gan"], courses("with fading noise", 2)["gan"]
    assert steady.norm[0] == fading.norm[0]
    assert steady.norm[-1] != fading.norm[-1]


@pytest.mark.parametrize("place", js_identity.GENERATORS)
def test_minus_log_d_descends_the_reverse_kl_less_twice_js(place: tuple[float, float]) -> None:
    for one in js_identity.measure_identity(*place):
        assert one.difference < 1e-6
        assert math.hypot(*one.expected) > 0.1


def test_the_two_losses_have_different_gradients() -> None:
    non_saturating, minimax = js_identity.measure_identity(1.0, 0.7)
    assert math.dist(non_saturating.found, minimax.found) > 0.1


def test_measures_begin_before_training_and_end_after_it() -> None:
    for steps in (1, 2, 7, 10, 4_000):
        found = marks(steps)
        assert (found[0], found[-1]) == (0, steps)
        assert list(found) == sorted(set(found))
    assert len(marks(4_000)) < 20


def test_courses_are_complete() -> None:
    for name, case in CASES.items():
        for course in measure_gradients(name, seed=0, steps=1):
            assert len(course.norm) == len(course.variance) == len(course.steps) == 2
            assert course.case == name
            assert (course.objective == "wgan") == (case.loss == "wgan")
