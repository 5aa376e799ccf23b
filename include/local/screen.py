"""What the launcher says: steps, one line that moves, tables. Plain lines where standard output is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

_PLAIN_SECONDS = 5.0
_PLAIN_WIDTH = 132  # a file or a pipe has no width of its own, and the table needs this much


class Screen:
    """Says things in order; a context manager, so that the moving line is gone whatever happens."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        self._status: Status | None = None
        self._last_progress = ""
        self._last_at = 0.0

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.settle()

    def say(self, text: str) -> None:
        """One line that stays."""
        self.settle()
        self.console.print(escape(text), soft_wrap=True)

    def table(self, table: Table) -> None:
        """A table that stays."""
        self.settle()
        self.console.print(table)

    def progress(self, text: str) -> None:
        """What is going on: replaces the last such line; without a terminal, a new line at most every few seconds."""
        if self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status(escape(text))
                self._status.start()
            self._status.update(escape(text))
            return
        if text != self._last_progress and time.monotonic() - self._last_at > _PLAIN_SECONDS:
            self.console.print(escape(f"  {text}"), soft_wrap=True)
            self._last_progress, self._last_at = text, time.monotonic()

    def settle(self) -> None:
        """Ends the moving line."""
        if self._status is not None:
            self._status.stop()
            self._status = None
