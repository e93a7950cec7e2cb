"""Frames of pandas go in, and what comes out makes frames, as docs/python.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import seqgan_wgp

pd = pytest.importorskip("pandas")

TINY = {"generator.width": 8, "critic.width": 8, "generator.blocks": 1, "critic.blocks": 1, "evaluation.every": 2}


def test_a_column_of_a_frame_is_a_corpus_and_results_are_frames(tiny_lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,town\n" + "".join(f"{line},rome\n,paris\n" for line in tiny_lines))
    people = pd.read_csv(file)
    names = people["name"].dropna()
    run = tmp_path / "run"
    model = seqgan_wgp.train(names, steps=4, settings=TINY, out=run)
    frame = people[["name"]].dropna()
    assert seqgan_wgp.train(frame, steps=4, settings=TINY).generate(9) == model.generate(9)

    scores = pd.DataFrame(seqgan_wgp.score(run, names, log_probability=True))
    assert (
        scores["text"].tolist() == names.tolist() and scores["score"].dtype == scores["log_probability"].dtype == float
    )
    scored = pd.DataFrame([(found.text, found.score) for found in model.score(names)])
    assert scored[1].tolist() == scores["score"].tolist()
    records = pd.DataFrame(seqgan_wgp.read_records(run / "metrics.jsonl")).set_index("step")
    assert records["js4"].dropna().index.tolist() == [2, 4]
    assert pd.Series(model.generate(9)).nunique() <= 9
    quick: dict[str, Any] = {"samples": 9, "guesses": [9], "orders": 2, "c2st_steps": 0, "baseline_seconds": 0}
    found = seqgan_wgp.evaluate(model, names, **quick).to_json()
    assert found["js"] == seqgan_wgp.evaluate(run, **quick).to_json()["js"]
    with pytest.raises(seqgan_wgp.CorpusError, match="string 1 is float, not text\nleave out what is missing"):
        seqgan_wgp.train(people["name"], steps=1)
    with pytest.raises(seqgan_wgp.CorpusError, match="the frame has 2 columns: name, town"):
        seqgan_wgp.train(people, steps=1)
