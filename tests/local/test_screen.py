"""What `make run` prints."""

import io

import pytest
from rich.console import Console

from include.local.bootstrap import Pace
from include.local.screen import Screen, wrap_field


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


def screen_on(output: io.StringIO, clock: list[float]) -> Screen:
    """A screen without a terminal, at the last time of ``clock``."""
    return Screen(Console(file=output), Pace(lambda: clock[-1]))


def test_without_a_terminal_progress_is_a_few_plain_lines(printed: io.StringIO) -> None:
    clock = [0.0]
    screen = screen_on(printed, clock)
    for second in range(60):
        clock.append(second)
        screen.progress(f"step {second}")
    assert printed.getvalue() == "  step 8 (8 s)\n  step 24 (24 s)\n  step 56 (56 s)\n"


def test_quick_work_prints_no_progress_and_other_work_begins_anew(printed: io.StringIO) -> None:
    clock = [0.0]
    screen = screen_on(printed, clock)
    for second in range(60):
        clock.append(second)
        screen.progress(f"step {second}")
        if second % 4 == 0:
            screen.say("done")
    assert "step" not in printed.getvalue()


def test_on_a_terminal_the_moving_line_gives_way_to_what_stays(printed: io.StringIO) -> None:
    with Screen(Console(file=printed, force_terminal=True)) as screen:
        screen.progress("working")
        screen.say("done")
    assert "working" in printed.getvalue()
    assert printed.getvalue().endswith("done\n")


def test_text_is_printed_as_it_is(printed: io.StringIO) -> None:
    Screen(Console(file=printed)).say("a [bold]bracket[/bold] and a long path " + "x" * 200)
    assert printed.getvalue() == "a [bold]bracket[/bold] and a long path " + "x" * 200 + "\n"


def test_a_field_is_wrapped_between_its_words_and_loses_none(printed: io.StringIO) -> None:
    names = [f"NAME-USD{n}.SIM" for n in range(40)]
    Screen(Console(file=printed, width=60)).field("Tickers", ", ".join(names) + " wait")
    lines = printed.getvalue().splitlines()
    assert lines[0].startswith("Tickers  NAME-USD0.SIM, ")
    assert all(line.startswith(" " * 9) for line in lines[1:])
    assert max(map(len, lines)) <= 60
    assert [word.strip(",") for line in lines for word in line.split()][1:-1] == names


def test_a_word_that_is_longer_than_a_line_is_not_cut() -> None:
    assert wrap_field("", "see http://" + "x" * 100, 10) == ["         see", "         http://" + "x" * 100]
