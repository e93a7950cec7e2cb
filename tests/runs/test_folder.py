"""Run folders: names, locks, and nothing half-made or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.runs.folder import CONFIG, RunFolder, building, check_free, numbered, open_run

A_CONFIG = '{"format_version": 1}'


def test_numbers_go_up_and_fill_no_gap_that_is_taken(tmp_path: Path) -> None:
    assert numbered(tmp_path / "none", "x") == tmp_path / "none" / "x-001"
    (tmp_path / "x-001").mkdir()
    (tmp_path / "x-002").mkdir()
    (tmp_path / "x-old").mkdir()
    assert numbered(tmp_path, "x") == tmp_path / "x-003"


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run"
    with building(target, overwrite=False) as folder:
        (folder / "file").write_text("x")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in target.parent.iterdir()] == ["run"]


def test_a_failure_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="boom"), building(tmp_path / "a" / "b" / "run", overwrite=False):
        raise RuntimeError("boom")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_run_that_was_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CONFIG).write_text(A_CONFIG)
    with pytest.raises(RuntimeError, match="boom"), building(tmp_path / "run", overwrite=True):
        raise RuntimeError("boom")
    assert (tmp_path / "run" / CONFIG).read_text() == A_CONFIG
    with building(tmp_path / "run", overwrite=True) as folder:
        (folder / "new").write_text("x")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["new"]


def test_what_is_there_is_protected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        check_free(tmp_path / "file", overwrite=True)
    with pytest.raises(ConfigError, match="is not empty"):
        check_free(tmp_path, overwrite=False)
    with pytest.raises(ConfigError, match="is not a run"):
        check_free(tmp_path, overwrite=True)
    with (
        pytest.raises(ConfigError, match="is a file, not a folder"),
        building(tmp_path / "file" / "run", overwrite=False),
    ):
        pass
    (tmp_path / "empty").mkdir()
    check_free(tmp_path / "empty", overwrite=False)


@pytest.mark.parametrize("config", ["{}", "[1]", "not json", '{"name": "mine"}'])
def test_a_config_of_something_else_makes_no_run(tmp_path: Path, config: str) -> None:
    (tmp_path / CONFIG).write_text(config)
    with pytest.raises(ConfigError, match="is not a run"):
        check_free(tmp_path, overwrite=True)
    assert (tmp_path / CONFIG).read_text() == config


def test_a_run_with_a_users_file_in_it_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(A_CONFIG)
    check_free(tmp_path, overwrite=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        check_free(tmp_path, overwrite=True)


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(A_CONFIG)
    run = RunFolder(tmp_path)
    with run.locked():
        with pytest.raises(ConfigError, match="another process"), RunFolder(tmp_path).locked():
            pass
        with pytest.raises(ConfigError, match="another process"):
            check_free(tmp_path, overwrite=True)
    with run.locked():
        pass


def test_a_folder_without_a_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a run folder"):
        open_run(tmp_path)
    with pytest.raises(CheckpointError, match="no such run folder"):
        open_run(tmp_path / "missing")
