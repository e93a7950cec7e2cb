"""Which tests `make test-fast` leaves out.

A test is slow if it takes about a second or more: it starts processes, trains, exports, or tries very many examples.
The fast set keeps one of each kind. Ids are below this folder; `tests/test_slow.py` checks that they exist.
"""

from __future__ import annotations

from collections.abc import Iterable

FIXTURES = frozenset({"alone", "done", "environment", "pair", "trained_on_text", "wheel", "window"})
"""Tests that ask for one of these are slow: they start the command as a process, build and install the package, open a
browser, train in several processes, or train for hundreds of rounds."""

SLOW = (
    "benchmarks/test_recipes.py",
    "benchmarks/test_variations.py",
    "cli/test_compare.py",
    "cli/test_mnist.py",
    "cli/test_several.py",
    "cli/test_theory.py::test_figures",
    "cli/test_theory.py::test_tables",
    "images/test_recipes.py",
    "runs/compare/test_comparison.py::test_a_comparison_",
    "runs/compare/test_comparison.py::test_a_damaged_file_is_named",
    "runs/compare/test_comparison.py::test_a_picture_is_written_whatever_the_values",
    "runs/compare/test_comparison.py::test_a_run_that_",
    "runs/compare/test_comparison.py::test_overwrite_replaces_a_comparison_and_nothing_else",
    "runs/compare/test_comparison.py::test_recipes_can_be_added_and_the_end_moved",
    "runs/compare/test_comparison.py::test_toys_are_compared_too",
    "runs/compare/test_comparison.py::test_what_does_not_go_on_is_refused_and_nothing_changes",
    "runs/export/test_hub.py::test_a_repository_that_was_downloaded_before_is_loaded_without_network",
    "runs/export/test_onnx.py",
    "runs/export/test_onnx_runtime.py",
    "runs/health/test_health.py",
    "runs/report/test_report.py",
    "runs/test_distributed_run.py",
    "runs/test_tensorboard.py",
    "test_packaging.py::test_one_of_each_kind",
    "text/corpus/test_large_corpus.py",
    "theory/test_depth.py",
    "theory/test_experiments.py",
    "theory/test_gradients.py",
    "theory/test_loss_vs_quality.py",
    "theory/test_parallel_lines.py",
    "theory/test_surfaces.py",
    "training/engines/test_engines.py",
)
"""How the ids of slow tests begin."""

KEPT = (
    "benchmarks/test_variations.py::test_a_trial_may_have_several_variations",
    "cli/test_commands.py::test_generate_is_quiet_when_its_reader_goes",
    "cli/test_compare.py::test_recipes_that_come_out_the_same_are_warned_of",
    "cli/test_mnist.py::test_a_run_of_images_has_pictures_of_samples",
    "runs/health/test_health.py::test_a_sound_run_has_nothing_to_say",
    "runs/report/test_report.py::test_hostile_lines_do_nothing_in_a_browser",
    "runs/report/test_report.py::test_lines_of_a_corpus_are_data",
    "runs/test_distributed_run.py::test_two_processes_write_one_run_which_is_that_of_one",
    "runs/test_tensorboard.py::test_the_first_samples_of_an_evaluation_are_a_text",
    "test_packaging.py::test_a_wheel_holds_every_file_and_adds_one_name",
    "theory/test_gradients.py::test_a_better_wgan_critic_leaves_the_gradient_as_it_is",
    "training/engines/test_engines.py::test_a_round_whose_number_is_a_tensor_is_the_same_round",
)
"""How the ids of tests begin that are in the fast set although they are slow: one of each kind."""

FIRST_CASE = (
    "runs/compare/test_comparison.py::test_stopping_and_going_on_is_the_same_as_never_stopping",
    "runs/export/test_onnx.py::test_any_text_generator_is_exported_as_it_is",
    "runs/test_kill.py::test_a_run_that_was_killed_and_resumed_is_the_run_that_was_not",
)
"""Of these parametrized tests the fast set has the first case only."""


def slow_tests(tests: Iterable[tuple[str, Iterable[str]]]) -> set[str]:
    """Return the ids of the slow tests among pairs of an id and the fixtures that the test asks for."""
    found, begun = set[str](), set[str]()
    for place, fixtures in tests:
        function = place.partition("[")[0]
        if function in FIRST_CASE:
            is_slow = function in begun
            begun.add(function)
        else:
            is_slow = place.startswith(SLOW) or not FIXTURES.isdisjoint(fixtures)
        if is_slow and not place.startswith(KEPT):
            found.add(place)
    return found
