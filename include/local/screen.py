"""What ``make run`` prints: lines, fields, tables, and progress, which is plain lines where there is no terminal."""

from __future__ import annotations

import sys
import textwrap
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from include.local.bootstrap import Pace

_PLAIN_WIDTH = 132  # a file or a pipe has no width, and the table needs this much
_LABEL_WIDTH = 9
_NARROWEST = 40


class Screen:
    """Prints in order; a context manager, so that the moving line is removed whatever happens."""

    def __init__(self, console: Console | None = None, pace: Pace | None = None) -> None:
        self.console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        self._pace = pace or Pace()
        self._status: Status | None = None

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.settle()

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        self.settle()
        self.console.print(escape(text), soft_wrap=True)

    def field(self, label: str, text: str) -> None:
        """Prints a label of at most 8 characters and a text beside it, which is wrapped between its words."""
        for line in wrap_field(label, text, self.console.width):
            self.say(line)

    def table(self, table: Table) -> None:
        """Prints a table that stays."""
        self.settle()
        self.console.print(table)

    def progress(self, text: str) -> None:
        """Shows how far some work is, and its seconds: one moving line on a terminal, else a line when one is due."""
        line = escape(f"{text} ({self._pace.elapsed():.0f} s)")
        if self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status(line)
                self._status.start()
            self._status.update(line)
        elif self._pace.is_due():
            self.console.print(f"  {line}", soft_wrap=True)

    def settle(self) -> None:
        """Ends the moving line; the next progress is about other work."""
        self._pace.restart()
        if self._status is not None:
            self._status.stop()
            self._status = None


def wrap_field(label: str, text: str, width: int) -> list[str]:
    """The lines of a label and a text in ``width`` columns, broken between words only."""
    return textwrap.wrap(
        text,
        max(width, _NARROWEST),
        initial_indent=f"{label:<{_LABEL_WIDTH}}",
        subsequent_indent=" " * _LABEL_WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )
