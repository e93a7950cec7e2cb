"""Tables for people, and the progress of long work: on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.ui.progress_bar import Working
from cli.ui.tables import foreign, show_table

ROWS = [("a", "1", "short"), ("日本", "22.5", "a sentence that is too long for a narrow terminal, so it is folded")]


def console(*, terminal: bool, width: int = 40) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, force_terminal=terminal, color_system=None, width=width, highlight=False), file


def test_elsewhere_each_row_is_a_line_and_columns_stand_below_each_other() -> None:
    drawn, file = console(terminal=False)
    show_table(drawn, ("name", "value", "words"), ROWS)
    lines = file.getvalue().splitlines()
    assert len(lines) == 3
    assert {
        cell_len(line[: line.index(words)]) for line, words in zip(lines, ("words", "short", "a s"), strict=True)
    } == {13}


def test_numbers_end_at_one_place() -> None:
    drawn, file = console(terminal=False)
    show_table(drawn, ("", "value", "more"), [("a", "1", "9"), ("b", "1,000", "10")], right=2)
    assert file.getvalue() == "   value  more\na      1     9\nb  1,000    10\n"


def test_on_a_terminal_the_last_column_is_folded() -> None:
    drawn, file = console(terminal=True)
    show_table(drawn, ("name", "value", "words"), ROWS)
    lines = file.getvalue().splitlines()
    assert len(lines) > 3
    assert max(map(cell_len, lines)) <= 40


def test_sentences_are_folded_in_every_column_and_lose_nothing() -> None:
    rows = [("a" * 30, "two words " * 4, "[b]" * 9)]
    drawn, file = console(terminal=True)
    show_table(drawn, ("name", "what", "why"), rows, sentences=True)
    lines = file.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= 40
    letters = "".join(lines[1:]).replace(" ", "")
    assert sorted(letters) == sorted("".join(rows[0]).replace(" ", ""))


@pytest.mark.parametrize(
    ("string", "plain"),
    [
        ("plain [bold] text", "plain [bold] text"),
        ("\x1b[2J\t", r"\x1b[2J\t"),
        ("a\u202eb", r"a\u202eb"),
        ("\u2068a", r"\u2068a"),
        ("日本", "日本"),
    ],
)
@pytest.mark.parametrize("terminal", [False, True])
def test_what_moves_the_cursor_or_turns_the_writing_is_written_out(string: str, plain: str, terminal: bool) -> None:
    assert foreign(console(terminal=terminal)[0], string) == plain


@pytest.mark.parametrize("string", ["شجرة", "עץ 12"])
def test_what_runs_from_right_to_left_is_isolated_on_a_terminal_alone(string: str) -> None:
    assert foreign(console(terminal=False)[0], string) == string
    isolated = foreign(console(terminal=True)[0], string)
    assert isolated == f"\u2068{string}\u2069"
    assert cell_len(isolated) == cell_len(string)


@pytest.mark.parametrize("terminal", [False, True])
def test_quick_work_is_not_worth_a_word(terminal: bool) -> None:
    drawn, file = console(terminal=terminal)
    with Working(drawn) as working:
        working("counting", 0.5)
    assert file.getvalue() == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_long_work_is_told(terminal: bool) -> None:
    drawn, file = console(terminal=terminal, width=100)
    with Working(drawn) as working:
        working._bar._began -= 60
        working._bar._said -= 60
        working("counting [bold]", 0.5)
        working("counting more", 0.0)
    assert "counting [bold]" in file.getvalue()
    assert terminal or file.getvalue() == "counting [bold]: 50%\n"
