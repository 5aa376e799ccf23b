"""What became of the tickers of an hour or a request, in words: a note of one paragraph, and a line a ticker.

Pure functions. Where next: ``tasks.py``, which puts the note on the run and the lines into the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAXIMUM_NOTE_LENGTH = 1000
"""Characters that Airflow keeps of a note."""
_MOST_NAMES = 4
_MOST_REASONS = 5

Results = Mapping[str, Mapping[str, str]]
"""Result -> ticker -> reason, which may be empty."""


def count_results(results: Results) -> dict[str, int]:
    """The number of tickers by result; results without a ticker are absent."""
    return {result: len(tickers) for result, tickers in results.items() if tickers}


def note_of(results: Results, order: Sequence[str], nothing: str) -> str:
    """One paragraph, at most as long as a note: counts by result, then the reasons; ``nothing`` without a ticker.

    Results stand in ``order``; others follow. Reasons of the last results come first, since ``order`` begins with what
    went well. Tickers with the same reason share it.
    """
    known = [result for result in order if results.get(result)]
    ordered = known + sorted(result for result in results if results[result] and result not in order)
    if not ordered:
        return nothing
    counts = ", ".join(f"{len(results[result])} {_word(result)}" for result in ordered)
    reasons = [sentence for result in reversed(ordered) for sentence in _reasons(result, results[result])]
    shown = reasons[:_MOST_REASONS]
    if len(reasons) > len(shown):
        shown.append(f"{len(reasons) - len(shown)} more reasons.")
    return shortened(" ".join([f"{counts}.", *shown]))


def lines_of(results: Results) -> list[str]:
    """One line a ticker, by name: ``AAPL: active``, with the reason where there is one."""
    lines = {
        ticker: f"{ticker}: {_word(result)}{f' ({reason})' if reason else ''}"
        for result, tickers in results.items()
        for ticker, reason in tickers.items()
    }
    return [lines[ticker] for ticker in sorted(lines)]


def shortened(text: str) -> str:
    """The text, cut to the length of a note."""
    return text if len(text) <= MAXIMUM_NOTE_LENGTH else f"{text[: MAXIMUM_NOTE_LENGTH - 3]}..."


def _reasons(result: str, tickers: Mapping[str, str]) -> list[str]:
    """A sentence for each reason, the one with the most tickers first."""
    by_reason: dict[str, list[str]] = {}
    for ticker, reason in tickers.items():
        if reason:
            by_reason.setdefault(reason.removeprefix(f"{ticker}: ").rstrip("."), []).append(ticker)
    groups = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[1]))
    return [f"{_word(result).capitalize()}: {_names(names)} ({reason})." for reason, names in groups]


def _names(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"


def _word(result: str) -> str:
    return result.replace("_", " ")
