"""What the launcher says."""

import io

import pytest
from rich.console import Console

from include.local import screen as screen_module
from include.local.screen import Screen


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


def test_without_a_terminal_progress_is_plain_lines_not_too_many(said: io.StringIO) -> None:
    with Screen(Console(file=said)) as screen:
        for number in range(100):
            screen.progress(f"step {number}")
    assert said.getvalue() == "  step 0\n"


def test_without_a_terminal_the_same_progress_is_said_once(said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "_PLAIN_SECONDS", 0.0)
    with Screen(Console(file=said)) as screen:
        for text in ("waiting", "waiting", "working"):
            screen.progress(text)
    assert said.getvalue().split() == ["waiting", "working"]


def test_on_a_terminal_the_moving_line_gives_way_to_what_stays(said: io.StringIO) -> None:
    with Screen(Console(file=said, force_terminal=True)) as screen:
        screen.progress("working")
        screen.say("done")
    assert "done\n" in said.getvalue()
    assert said.getvalue().endswith("done\n")


def test_text_is_said_as_it_is(said: io.StringIO) -> None:
    Screen(Console(file=said)).say("a [bold]bracket[/bold] and a long path " + "x" * 200)
    assert said.getvalue() == "a [bold]bracket[/bold] and a long path " + "x" * 200 + "\n"
