"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a ``code`` for scripts, what is wrong, and what to do; two sentences for people.

    ``is_coming``: nothing is wrong yet, but it will be; it leaves the exit status at 0.
    """

    code: str
    text: str
    advice: str
    is_coming: bool = False


class NotCheckedError(Exception):
    """A check could not be made; the message says why. It is no problem by itself."""
