"""Which tickers a page shows, and how long what they are chosen by is kept."""

import pytest

from include.errors import StoreUnavailableError
from plugins.forecasts import overview
from plugins.forecasts.overview import Choice, Kept, Listing, choose

ROWS = [
    {
        "ticker": "AAPL",
        "name": "Apple",
        "calendar": "XNYS",
        "status": "active",
        "freshness": "current",
        "crps_skill_ratio": 0.1,
    },
    {
        "ticker": "BTC-USD",
        "name": None,
        "calendar": "24/7",
        "status": "active",
        "freshness": "late",
        "crps_skill_ratio": None,
    },
    {
        "ticker": "MSFT",
        "name": "Microsoft",
        "calendar": "XNYS",
        "status": "stale",
        "freshness": "stale",
        "crps_skill_ratio": -0.2,
    },
    {"ticker": "NEW", "name": None, "calendar": None, "status": "pending", "freshness": "no_data"},
    {
        "ticker": "TSM",
        "name": "Taiwan",
        "calendar": "XNYS",
        "status": "active",
        "freshness": "current",
        "crps_skill_ratio": 0.1,
    },
]


@pytest.mark.parametrize(
    ("choice", "tickers"),
    [
        (Choice(search="a"), ["AAPL", "TSM"]),
        (Choice(search="MICRO"), ["MSFT"]),
        (Choice(calendar="XNYS"), ["AAPL", "MSFT", "TSM"]),
        (Choice(calendar="XNYS", status="active"), ["AAPL", "TSM"]),
        (Choice(status="pending"), ["NEW"]),
        (Choice(freshness="late"), ["BTC-USD"]),
        (Choice(calendar="XNYS", freshness="late"), []),
        (Choice(sort="crps_skill_ratio"), ["MSFT", "AAPL", "TSM", "BTC-USD", "NEW"]),
        (Choice(sort="crps_skill_ratio", is_descending=True), ["AAPL", "TSM", "MSFT", "BTC-USD", "NEW"]),
        (Choice(is_descending=True, page_size=2, page=2), ["MSFT", "BTC-USD"]),
        (Choice(page=9), []),
    ],
    ids=[
        "search-ticker-or-name", "search-any-case", "market", "market-and-status", "status", "freshness",
        "nothing-left", "ascending", "descending", "second-page", "past-the-last-page",
    ],
)  # fmt: skip
def test_tickers_are_filtered_sorted_and_paged(choice: Choice, tickers: list[str]) -> None:
    assert choose(ROWS, choice).tickers == tickers


def test_states_are_counted_before_one_is_chosen_and_after_the_other_filters() -> None:
    chosen = choose(ROWS, Choice(calendar="XNYS", freshness="stale", page_size=1))
    assert chosen.freshness_counts == {"current": 2, "stale": 1}
    assert chosen.ticker_count == 1
    assert chosen.calendars == ["24/7", "XNYS"]


def test_a_value_is_read_again_once_it_is_old() -> None:
    read = iter(range(9))
    kept, old = Kept(lambda: next(read), 60.0), Kept(lambda: next(read), -1.0)
    assert [kept.value(), kept.value()] == [0, 0]
    assert [old.value(), old.value()] == [1, 2]


def test_a_failure_is_not_kept() -> None:
    results = iter([StoreUnavailableError("down"), [{"ticker": "AAPL"}]])

    def read() -> object:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    kept = Kept(read, 60.0)
    with pytest.raises(StoreUnavailableError):
        kept.value()
    assert kept.value() == [{"ticker": "AAPL"}]


def test_states_are_newer_than_skills(monkeypatch: pytest.MonkeyPatch) -> None:
    assert overview.STATES_SECONDS < overview.SKILLS_SECONDS
    monkeypatch.setattr(overview, "STATES_SECONDS", -1.0)
    counts = iter(range(9))
    listing = Listing(
        lambda: [{"ticker": "AAPL", "number": next(counts)}],
        lambda: {"AAPL": {"ticker": "AAPL", "skill": next(counts)}},
    )
    assert listing.rows() == [{"ticker": "AAPL", "skill": 0, "number": 1}]
    assert listing.rows() == [{"ticker": "AAPL", "skill": 0, "number": 2}]
