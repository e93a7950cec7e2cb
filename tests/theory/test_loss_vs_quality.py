"""The loss of wgan-gp says how good the samples are."""

from seqgan_wgp.theory.loss_vs_quality import MEASURES, METHODS, measure_training


def test_the_loss_follows_the_distance() -> None:
    course = measure_training("wgan-gp", seed=0, rounds=200)
    assert len(course.rounds) == len(course.estimates) == len(course.w1) == MEASURES
    assert course.correlation is not None
    assert course.correlation > 0.5
    assert course.w1[0] > course.w1[-1] > course.floor > 0


def test_what_a_discriminator_says_is_a_divergence() -> None:
    course = measure_training("gan-ns", seed=0, rounds=20)
    assert all(-1 < estimate < 0.7 for estimate in course.estimates)
    assert set(METHODS) == {"wgan-gp", "gan-ns"}
