"""The functions behind the controls."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqgan_wgp.errors import ConfigError
from seqgan_wgp.studio import studio as shared
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.studio.generation import Wish
from seqgan_wgp.studio.progress import run_progress
from seqgan_wgp.studio.studio import WALK_POINTS, RunView, Studio
from seqgan_wgp.studio.training import JobState, TrainingQueue


@pytest.fixture
def studio(catalogue: Catalogue) -> object:
    found = Studio(catalogue, None)
    yield found
    found.close()


def test_a_corpus_is_one_on_offer_or_an_upload_that_is_not_too_large(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.txt"
    own.write_text("a\n" * 600_000)
    assert studio.corpus("words", None) == "words" and studio.corpus("words", str(own)) == str(own)
    for name in (None, "/etc/passwd", str(own)):
        with pytest.raises(ConfigError, match="choose a corpus"):
            studio.corpus(name, None)
    monkeypatch.setattr(shared, "UPLOAD_MEGABYTES", 1)
    with pytest.raises(ConfigError, match="more than 1 MB"):
        studio.corpus(None, str(own))


def test_strings_are_offered_as_a_file_until_the_end(catalogue: Catalogue) -> None:
    studio = Studio(catalogue, None)
    summary, strings, file = studio.generated("tiny", Wish(n=30, unique=True), "../abc")
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 30 and strings.count("<li>") == 30 and "30 strings" in summary
    assert Path(file).name == "strings-abc.txt"
    studio.close()
    assert not Path(file).exists()


def test_a_walk_goes_from_one_seed_to_the_other(studio: Studio, catalogue: Catalogue) -> None:
    strings, model = studio.walked("tiny", "3", "8", by_text=False), catalogue.model("tiny")
    assert len(strings) == WALK_POINTS
    assert [strings[0], strings[-1]] == [model.generate(1, seed=3)[0], model.generate(1, seed=8)[0]]
    for start in ("-1", "x", "", "1.5"):
        with pytest.raises(ConfigError, match="two seeds"):
            studio.walked("tiny", start, "8", by_text=False)


def test_a_studio_without_training_says_so(studio: Studio) -> None:
    with pytest.raises(ConfigError, match="does not train"):
        studio.started("words", None, "fast", 1, 0, 1)
    assert studio.watched(None) == (RunView(), True)


def test_the_records_of_a_run_are_shown_without_a_queue(studio: Studio, runs: Path) -> None:
    view, progress = studio.recorded("tiny"), run_progress(runs / "tiny")
    assert f"generated strings ends at {progress.curve[-1][1]:.4g}" in view.curve
    assert f"floor: real lines ends at {progress.curve[-1][2]:.4g}" in view.curve
    assert "tiny" in view.status and "round 6" in view.status and "<b>" not in view.status
    bare = Studio(Catalogue(runs / "none", model=runs / "tiny" / "model.safetensors"), None)
    with pytest.raises(ConfigError, match="no records"):
        bare.recorded("model.safetensors")
    bare.close()


def test_fields_that_are_left_empty_are_no_wishes(studio: Studio, tmp_path: Path) -> None:
    assert studio.scored("tiny", None) == ""
    with pytest.raises(ConfigError, match="two seeds"):
        studio.walked("tiny", None, None, by_text=False)
    trains = Studio(studio.catalogue, TrainingQueue(["false"], tmp_path))
    with pytest.raises(ConfigError, match="neither minutes nor rounds"):
        trains.started("words", None, "fast", None, None, None, None)
    trains.close()


def test_rounds_take_the_place_of_minutes(catalogue: Catalogue, tmp_path: Path) -> None:
    studio = Studio(catalogue, TrainingQueue([sys.executable, "-c", "raise SystemExit(130)"], tmp_path))
    by_rounds, by_minutes = (studio.started("words", None, "fast", 2, steps, 1) for steps in (10, 0))
    with_settings = studio.started("words", None, "fast", 2, 0, 1, "generator.width=9\n\n critic.width = 7\n")
    assert with_settings.words[-4:] == ["--set", "generator.width=9", "--set", "critic.width=7"]
    for bad in ("width", "no.such=1", "generator.width=x"):
        with pytest.raises(ConfigError):
            studio.started("words", None, "fast", 2, 0, 1, bad)
    assert "--minutes" not in by_rounds.words and by_rounds.words[-2:] == ["--steps", "10"]
    assert "--steps" not in by_minutes.words and by_minutes.words[-2:] == ["--minutes", "2"]
    assert studio.queue is not None
    by_rounds.process.wait()  # type: ignore[union-attr]
    assert studio.queue.state(by_rounds)[0] == JobState.PAUSED
    view, ended = studio.watched(by_rounds)
    assert "paused" in view.status and ended
    studio.close()
