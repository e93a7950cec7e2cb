"""Which tests `make test-fast` leaves out.

A test is slow if it takes about a second or more: it starts processes, trains, exports, or tries very many examples.
The fast set keeps one of each kind, and the first cases of tests that have many. Ids are below this folder;
`tests/test_slow.py` checks that they exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

FIXTURES = frozenset({"alone", "done", "environment", "pair", "trained_on_text", "wheel", "window"})
"""Tests that ask for one of these are slow: they start the command as a process, build and install the package, open a
browser, train in several processes, or train for hundreds of rounds."""

SLOW = (
    "benchmarks/test_constraint_sets.py",
    "benchmarks/test_drills.py",
    "benchmarks/test_equal_time.py::test_rows_are_made_once_and_shown",
    "benchmarks/test_fault_injection.py",
    "benchmarks/test_left_to_right.py::test_training_makes_lines_likelier_and_keeps_what_validation_likes_best",
    "benchmarks/test_recipes.py",
    "benchmarks/test_time_to_quality.py::test_the_pace_is_measured_of_every_recipe_on_every_corpus",
    "benchmarks/test_variations.py",
    "cli/test_bad_input.py::test_stdin_is_a_corpus",
    "cli/test_commands.py::test_control_characters_in_lines_never_reach_a_terminal",
    "cli/test_commands.py::test_resume_of_a_finished_run_says_so_and_changes_nothing",
    "cli/test_commands.py::test_resume_to_a_later_end_is_the_run_that_never_stopped",
    "cli/test_compare.py",
    "cli/test_evaluate.py::test_images_and_points_have_their_own_measures",
    "cli/test_evaluate.py::test_no_text_of_a_corpus_wrecks_the_tables",
    "cli/test_evaluate.py::test_strings_with_counts_are_measured_by_weight",
    "cli/test_export.py::test_a_file_is_named_after_its_model_unless_told",
    "cli/test_export.py::test_a_file_is_written_that_gives_what_generate_prints",
    "cli/test_fuse.py",
    "cli/test_generate.py::test_a_file_whose_command_was_killed_goes_on",
    "cli/test_generate.py::test_all_of_a_small_space_is_found_and_no_more",
    "cli/test_generate.py::test_masks_share_the_strings_and_none_comes_twice",
    "cli/test_generate.py::test_points_have_numbers_too",
    "cli/test_golden.py",
    "cli/test_interpolate.py::test_a_walk_between_texts_is_printed",
    "cli/test_mnist.py",
    "cli/test_progress.py",
    "cli/test_refine.py",
    "cli/test_report.py",
    "cli/test_several.py",
    "cli/test_similar.py",
    "cli/test_terminal.py::test_a_terminal_gets_no_control_characters",
    "cli/test_theory.py::test_figures",
    "cli/test_theory.py::test_tables",
    "cli/test_toy.py::test_a_run_of_points_goes_on_and_is_replaced",
    "cli/test_words.py::test_what_nothing_can_be_made_of_is_refused",
    "docs/test_examples.py",
    "images/test_domain.py::test_a_run_stopped_and_resumed_is_the_run_that_was_not",
    "images/test_domain.py::test_the_film_of_a_run_is_that_of_its_pictures_however_often_it_stopped",
    "images/test_features.py::TestNetwork::test_distances_are_in_the_order_of_what_is_seen",
    "images/test_features.py::TestNetwork::test_knows_the_digits_of_mnist",
    "images/test_output.py::test_the_memory_does_not_depend_on_the_number[images]",
    "images/test_recipes.py",
    "runs/compare/test_comparison.py::test_a_comparison_",
    "runs/compare/test_comparison.py::test_a_damaged_file_is_named",
    "runs/compare/test_comparison.py::test_a_picture_is_written_whatever_the_values",
    "runs/compare/test_comparison.py::test_a_run_that_",
    "runs/compare/test_comparison.py::test_overwrite_replaces_a_comparison_and_nothing_else",
    "runs/compare/test_comparison.py::test_recipes_can_be_added_and_the_end_moved",
    "runs/compare/test_comparison.py::test_toys_are_compared_too",
    "runs/compare/test_comparison.py::test_what_does_not_go_on_is_refused_and_nothing_changes",
    "runs/export/test_html_page.py::test_a_thousand_strings_of_a_bundled_model_are_those_of_the_command",
    "runs/export/test_hub.py::test_a_repository_that_was_downloaded_before_is_loaded_without_network",
    "runs/export/test_onnx.py",
    "runs/export/test_onnx_runtime.py",
    "runs/health/test_health.py",
    "runs/report/test_report.py",
    "runs/test_commands.py::test_exports_are_files_of_their_format",
    "runs/test_distributed_run.py",
    "runs/test_finish.py::test_an_interrupted_phase_leaves_the_trained_model_and_is_done_again",
    "runs/test_finish.py::test_the_phase_does_what_the_commands_do",
    "runs/test_folder.py::test_of_many_that_claim_a_folder_each_has_it_whole_or_is_refused",
    "runs/test_fuse.py::test_a_refiner_is_dropped_and_a_new_one_learns_from_fused_strings",
    "runs/test_kill.py",
    "runs/test_refine.py",
    "runs/test_tensorboard.py",
    "runs/test_train.py::test_a_finished_run_goes_on_to_a_larger_number_of_steps",
    "runs/test_train.py::test_minutes_count_over_interruptions",
    "runs/test_train.py::test_train_from_python_returns_a_model_and_keeps_nothing",
    "studio/test_comparison.py::test_every_model",
    "studio/test_server.py::test_in_a_browser",
    "studio/test_server.py::test_it_answers",
    "test_config.py::test_no_setting_repeats_the_names_of_a_table",
    "test_model.py::test_a_text_has_a_latent_and_neighbours",
    "test_model.py::test_a_walk_from_a_text_is_one_from_its_latent",
    "test_packaging.py::test_one_of_each_kind",
    "text/constrained/test_automaton.py::test_an_automaton_accepts_what_the_expression_matches",
    "text/constrained/test_decoder.py::test_every_string_is_the_best_that_is_allowed",
    "text/constrained/test_decoder.py::test_logs_are_as_good_as_probabilities",
    "text/constrained/test_decoder.py::test_over_bytes_it_is_the_best_utf8",
    "text/constrained/test_decoder.py::test_what_is_too_large_is_refused_by_name",
    "text/constrained/test_regex.py::test_a_pattern_matches_what_python_matches",
    "text/constrained/test_regex.py::test_any_text_is_refused_or_means_what_it_means_to_python",
    "text/constrained/test_regex.py::test_lookaheads_at_the_start_mean_what_they_mean_to_python",
    "text/constrained/test_sampling.py::test_frequencies_are_the_conditional_probabilities",
    "text/corpus/test_dataset.py::test_real_running_text_comes_through_whole",
    "text/corpus/test_dataset.py::test_rows_of_running_text_are_stretches_of_it",
    "text/corpus/test_large_corpus.py",
    "text/corpus/test_scan.py::test_pieces_of_the_longest_lines_are_counted[9437184]",
    "text/evaluation/test_autoregressive.py::test_it_is_kept_in_the_cache",
    "text/evaluation/test_autoregressive.py::test_it_is_the_same_again_and_learns",
    "text/evaluation/test_autoregressive.py::test_its_strings_get_its_row",
    "text/evaluation/test_evaluate_strings.py::test_real_lines_are_better_than_reversed_ones",
    "text/evaluation/test_two_sample_test.py::test_a_difference_is_found_and_real_lines_have_none",
    "text/evaluation/test_two_sample_test.py::test_it_repeats_and_learns_from_strings_of_another_seed",
    "text/generation/test_inversion.py::test_what_cannot_be_found_is_told_how_far_it_is",
    "text/generation/test_stream.py::test_a_string_depends_on_its_number_and_on_nothing_else_that_is_asked_for",
    "text/hashing/test_fingerprints.py::test_rows_are_found_and_no_others",
    "text/hashing/test_hash_set.py::test_a_full_disk_is_told_with_the_folder",
    "text/inspection/test_inspection.py::test_a_line_of_100_megabytes_takes_little_memory",
    "text/inspection/test_inspection.py::test_counts_are_those_of_a_plain_model",
    "text/inspection/test_inspection.py::test_what_would_be_refused_is_what_scan_refuses",
    "text/inspection/test_inspection.py::test_where_blocks_end_leaves_no_trace",
    "text/metrics/test_markov.py::test_a_chain_holds_those_of_lower_orders",
    "text/metrics/test_peakedness.py::test_records_of_the_longest_rows_stay_short",
    "text/readers/test_lines.py::test_strings_become_lines_whatever_stands_in_them",
    "text/readers/test_open.py::test_a_source_can_be_read_again_and_again",
    "text/readers/test_open.py::test_compressed_data_of_many_blocks_is_read[.bz2]",
    "text/readers/test_reader.py::test_memory_does_not_grow_with_a_line",
    "text/readers/test_source.py::test_several_files_are_the_one_file_that_they_would_be",
    "text/refinement/test_fit.py::test_seconds_become_steps_that_repeat_the_training",
    "text/refinement/test_train.py::test_accepted_strings_are_like_real_ones",
    "text/refinement/test_train.py::test_the_same_seed_and_steps_give_the_same_refiner",
    "text/test_units.py::test_a_run_is_trained_and_generates_text_with_the_plugin_only",
    "theory/test_depth.py",
    "theory/test_experiments.py",
    "theory/test_gradients.py",
    "theory/test_loss_vs_quality.py",
    "theory/test_parallel_lines.py",
    "theory/test_surfaces.py",
    "toy/test_domain.py::test_a_run_stopped_and_resumed_is_the_run_that_was_not",
    "toy/test_domain.py::test_real_draws_score_as_their_floor",
    "toy/test_output.py::test_a_picture_needs_no_screen_and_no_state",
    "toy/test_output.py::test_a_picture_shows_real_and_generated_points",
    "training/engines/test_engines.py",
    "training/test_trainer.py::test_learns_points_of_the_plane_without_knowing_what_they_are",
    "utils/test_counter_rng.py::test_every_item_comes_first_and_last_about_equally_often",
)
"""How the ids of slow tests begin."""

KEPT = (
    "benchmarks/test_drills.py::test_damaged_files_end_in_errors_that_a_user_is_told",
    "benchmarks/test_fault_injection.py::test_errors_of_the_system_lose_nothing[generate -o-EINTR-5]",
    "benchmarks/test_variations.py::test_a_trial_may_have_several_variations",
    "cli/test_commands.py::test_what_is_printed_is_plain_where_stdout_is_no_terminal[recipes]",
    "cli/test_compare.py::test_recipes_that_come_out_the_same_are_warned_of",
    "cli/test_golden.py::test_a_command_takes_an_old_run[format-1-first-generate]",
    "cli/test_mnist.py::test_a_run_of_images_has_pictures_of_samples",
    "cli/test_progress.py::test_a_sound_run_is_not_warned_of",
    "cli/test_refine.py::test_points_are_refused_in_one_line",
    "cli/test_report.py::test_resume_writes_it_anew",
    "runs/health/test_health.py::test_a_sound_run_has_nothing_to_say",
    "runs/report/test_report.py::test_hostile_lines_do_nothing_in_a_browser",
    "runs/test_refine.py::test_a_refiner_is_written_into_the_model_and_accepts_its_strings",
    "runs/test_tensorboard.py::test_the_first_samples_of_an_evaluation_are_a_text",
    "test_packaging.py::test_a_wheel_holds_every_file_and_adds_one_name",
    "theory/test_gradients.py::test_a_better_wgan_critic_leaves_the_gradient_as_it_is",
    "training/engines/test_engines.py::test_a_round_whose_number_is_a_tensor_is_the_same_round",
)
"""How the ids of tests begin that are in the fast set although they are slow: one of each kind."""

FIRST_CASE = (
    "cli/test_bad_input.py::test_a_mistake_is_explained_and_nothing_changes",
    "cli/test_bad_input.py::test_few_lines_are_warned_of_and_trained_on",
    "cli/test_evaluate.py::test_a_mistake_is_explained_and_nothing_changes",
    "cli/test_generate.py::test_a_file_that_goes_on_is_the_file_of_one_run",
    "images/test_dense.py::test_gradient_of_the_penalty_is_right",
    "images/test_dense.py::test_the_normalizations_are_those_that_settings_allow",
    "images/test_mnist.py::test_any_mirror_that_is_good_is_enough",
    "images/test_networks.py::test_gradient_of_the_penalty_is_right",
    "runs/compare/test_comparison.py::test_stopping_and_going_on_is_the_same_as_never_stopping",
    "runs/export/test_onnx.py::test_any_text_generator_is_exported_as_it_is",
    "runs/health/test_detectors.py::test_chance_loss_is_the_least_that_one_score_for_all_gives",
    "runs/test_train.py::test_stopping_and_going_on_is_the_same_as_never_stopping",
    "test_config.py::test_a_slip_in_a_name_gets_a_suggestion",
    "test_config.py::test_a_value_of_the_wrong_type_is_refused_by_name",
    "test_config.py::test_a_value_written_as_text_is_read_as_the_type",
    "test_config.py::test_choices_are_the_only_texts_and_a_slip_gets_a_suggestion",
    "test_config.py::test_none_is_for_the_settings_that_may_be_none",
    "test_model.py::test_any_part_of_the_stream_is_that_part_of_the_whole",
    "test_readme.py::test_commands_are_understood",
    "text/corpus/test_auto_settings.py::test_only_what_was_left_open_is_decided",
    "text/corpus/test_dataset.py::test_lines_read_in_parts_leave_no_trace",
    "text/corpus/test_dataset.py::test_real_lines_come_through_as_bytes",
    "text/corpus/test_dataset.py::test_real_lines_come_through_whole",
    "text/corpus/test_dataset.py::test_rows_are_those_of_the_plain_model",
    "text/corpus/test_dataset.py::test_the_order_of_real_lines_does_not_matter",
    "text/corpus/test_scan.py::test_the_alphabet_is_that_of_the_rows",
    "text/evaluation/test_evaluate.py::test_a_markov_model_gets_what_stands_beside_others",
    "text/hashing/test_hash_set.py::test_what_was_put_in_is_in_it_whether_it_is_in_memory_or_on_disk",
    "text/metrics/test_markov.py::test_every_string_is_as_frequent_as_it_is_likely",
    "text/metrics/test_ngrams.py::test_divergences_equal_those_of_plain_counters",
    "text/readers/test_reader.py::test_bad_bytes_are_replaced_or_their_lines_skipped_in_every_encoding",
    "text/readers/test_reader.py::test_bad_bytes_in_parts_of_a_line_are_replaced_as_in_the_whole",
    "text/readers/test_reader.py::test_blocks_leave_no_trace",
    "text/readers/test_reader.py::test_good_bytes_are_read_as_by_the_plain_reader_in_every_encoding",
    "text/readers/test_reader.py::test_the_parts_of_a_line_together_are_the_line_in_every_encoding",
    "toy/test_evaluation.py::test_real_points_are_as_near_as_real_points",
    "training/diagnostics/test_measures.py::test_a_run_that_goes_on_diagnoses_what_one_that_never_stopped_does",
    "training/diagnostics/test_measures.py::test_diagnoses_change_nothing_bit_for_bit",
    "training/test_penalties.py::test_gradient_through_the_penalty_of_our_critic_is_that_of_finite_differences",
    "training/test_trainer.py::test_a_loaded_state_goes_on_as_if_never_stopped",
    "training/test_trainer.py::test_whatever_is_set_a_run_goes_on_as_if_never_stopped",
)
"""Of these parametrized tests the fast set has the first case only."""

CASES = 3
"""Of any other parametrized test the fast set has so many cases."""


def slow_tests(tests: Iterable[tuple[str, Iterable[str]]]) -> set[str]:
    """Return the ids of the slow tests among pairs of an id and the fixtures that the test asks for."""
    found, cases = set[str](), Counter[str]()
    for place, fixtures in tests:
        function = place.partition("[")[0]
        cases[function] += 1
        if function in FIRST_CASE:
            is_slow = cases[function] > 1
        else:
            is_named = place.startswith(SLOW) or not FIXTURES.isdisjoint(fixtures)
            is_slow = cases[function] > CASES or (is_named and not place.startswith(KEPT))
        if is_slow:
            found.add(place)
    return found
