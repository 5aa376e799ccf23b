"""What people read about a run: its note, and a line a ticker."""

from include.pipeline.summaries import MAXIMUM_NOTE_LENGTH, count_results, lines_of, note_of

ORDER = ("forecast", "skipped", "fallback", "failed")
HOUR = {
    "fallback": {"NEW": "no model yet: it needs 261 bars and has 24"},
    "forecast": {"AAPL": "", "MSFT": ""},
    "skipped": {"SPY": "market closed", "QQQ": "market closed", "ORB": "no bar is known yet."},
}


def test_a_note_counts_and_then_gives_the_reasons_worst_result_first() -> None:
    assert note_of(HOUR, ORDER, "nothing") == (
        "2 forecast, 3 skipped, 1 fallback. Fallback: NEW (no model yet: it needs 261 bars and has 24). "
        "Skipped: SPY, QQQ (market closed). Skipped: ORB (no bar is known yet)."
    )


def test_a_note_about_no_ticker_says_what_there_is_instead() -> None:
    assert note_of({}, ORDER, "No ticker is tracked yet.") == "No ticker is tracked yet."
    assert note_of({"failed": {}}, ORDER, "No ticker is tracked yet.") == "No ticker is tracked yet."


def test_a_result_that_the_order_lacks_is_counted_all_the_same() -> None:
    assert (
        note_of({"already_active": {"AAPL": ""}, "forecast": {"B": ""}}, ORDER, "") == "1 forecast, 1 already active."
    )


def test_a_reason_does_not_repeat_the_ticker() -> None:
    assert note_of({"failed": {"AAPL": "AAPL: no such ticker."}}, ORDER, "") == (
        "1 failed. Failed: AAPL (no such ticker)."
    )


def test_many_tickers_and_reasons_are_shortened() -> None:
    many = {"skipped": {f"T{number}": "closed" for number in range(7)}}
    assert note_of(many, ORDER, "") == "7 skipped. Skipped: T0, T1, T2, T3 and 3 more (closed)."
    reasons = {"failed": {f"T{number}": f"reason {number}" for number in range(7)}}
    assert note_of(reasons, ORDER, "").endswith("Failed: T4 (reason 4). 2 more reasons.")
    long = note_of({"failed": {"T": "x" * 5000}}, ORDER, "")
    assert (len(long), long[-3:]) == (MAXIMUM_NOTE_LENGTH, "...")


def test_every_ticker_has_one_line_by_name() -> None:
    assert lines_of(HOUR) == [
        "AAPL: forecast",
        "MSFT: forecast",
        "NEW: fallback (no model yet: it needs 261 bars and has 24)",
        "ORB: skipped (no bar is known yet.)",
        "QQQ: skipped (market closed)",
        "SPY: skipped (market closed)",
    ]


def test_results_are_counted() -> None:
    assert count_results(HOUR | {"failed": {}}) == {"fallback": 1, "forecast": 2, "skipped": 3}
