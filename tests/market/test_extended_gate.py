from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from include.contracts import Split, TickerProfile
from include.errors import DataContractError
from include.market.extended_gate import reject_closes
from include.market.source import YAHOO

NEW_YORK = ZoneInfo("America/New_York")
NO_SPLITS: Sequence[Split] = ()


def local(text: str) -> datetime:
    """The instant of a New York clock."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


AS_OF = local("2026-11-20T08:35")
STORED = {"2026-11-19T16:00": 100.0}


def profile(ticker: str) -> TickerProfile:
    return TickerProfile(ticker, YAHOO, "XNYS", "America/New_York", "USD", ticker, feed_delay_minutes=2)


PROFILES = {ticker: profile(ticker) for ticker in ("AAPL", "MA")}


def rows(prices: Mapping[str, float], ticker: str = "AAPL") -> pd.DataFrame:
    """A source's closes of bars by the New York clock at which they open."""
    opened_at = pd.DatetimeIndex([local(text) for text in prices]).as_unit("us")
    columns = {"opened_at": opened_at, "closed_at": opened_at + timedelta(minutes=5), "close": list(prices.values())}
    return pd.DataFrame({"ticker": pd.Series([ticker] * len(prices), dtype="str"), **columns})


def stored(prices: Mapping[str, float], ticker: str = "AAPL") -> pd.DataFrame:
    """Stored regular bars by the New York clock at which they close."""
    closed_at = pd.DatetimeIndex([local(text) for text in prices]).as_unit("us")
    return pd.DataFrame({"ticker": ticker, "closed_at": closed_at, "close": list(prices.values())})


def judged(
    prices: Mapping[str, float],
    splits: Sequence[Split] = NO_SPLITS,
    last_closes: Mapping[str, float] = STORED,
    as_of: datetime = AS_OF,
) -> tuple[list[float], list[str]]:
    """The accepted prices of AAPL, and the reasons of the rejections."""
    accepted, rejected = reject_closes(rows(prices), splits, PROFILES, stored(last_closes), as_of)
    return accepted["close"].round(6).tolist(), rejected["reason"].tolist()


def test_closes_of_the_night_are_accepted_and_regular_ones_are_in_neither() -> None:
    given = rows(
        {
            "2026-11-20T08:25": 101.0,
            "2026-11-19T15:55": 100.0,
            "2026-11-19T16:00": 100.5,
            "2026-11-20T04:00": 100.7,
        }
    )
    accepted, rejected = reject_closes(given, NO_SPLITS, PROFILES, stored(STORED), AS_OF)
    assert list(accepted.columns) == ["ticker", "closed_at", "close"]
    assert accepted["closed_at"].tolist() == [
        local(text) for text in ("2026-11-19T16:05", "2026-11-20T04:05", "2026-11-20T08:30")
    ]
    assert accepted["close"].tolist() == [100.5, 100.7, 101.0]
    assert rejected.empty
    assert list(rejected.columns) == ["ticker", "opened_at", "closed_at", "close", "reason"]


def test_nothing_given_is_nothing_judged() -> None:
    accepted, rejected = reject_closes(rows({}), NO_SPLITS, PROFILES, stored({}), AS_OF)
    assert accepted.empty
    assert rejected.empty


@pytest.mark.parametrize("price", [0.0, -1.0, np.nan, np.inf])
def test_a_close_that_is_no_price_is_rejected(price: float) -> None:
    assert judged({"2026-11-20T08:00": price, "2026-11-20T08:05": 101.0}) == ([101.0], ["not_positive"])


@pytest.mark.parametrize("opened", ["2026-11-20T08:28:13", "2026-11-20T08:26", "2026-11-20T08:25:00.5"])
def test_the_live_row_is_off_the_grid(opened: str) -> None:
    assert judged({"2026-11-20T08:20": 101.0, opened: 101.0}) == ([101.0], ["off_grid"])


def test_a_bar_of_another_length_is_off_the_grid() -> None:
    hourly = rows({"2026-11-20T07:00": 101.0}).assign(closed_at=pd.Timestamp(local("2026-11-20T08:00")))
    accepted, rejected = reject_closes(hourly, NO_SPLITS, PROFILES, stored(STORED), AS_OF)
    assert accepted.empty
    assert rejected["reason"].tolist() == ["off_grid"]


@pytest.mark.parametrize(
    ("opened", "is_known"),
    [("2026-11-20T08:25", True), ("2026-11-20T08:30", False), ("2026-11-20T08:35", False)],
)
def test_a_close_is_known_two_minutes_after_its_bar(opened: str, is_known: bool) -> None:
    assert judged({opened: 101.0}) == (([101.0], []) if is_known else ([], ["not_closed"]))


@pytest.mark.parametrize(
    "opened",
    ["2026-11-19T20:00", "2026-11-20T03:55", "2026-11-15T08:00"],
)
def test_a_close_outside_the_extended_hours_is_rejected(opened: str) -> None:
    assert judged({opened: 101.0}) == ([], ["outside_hours"])


def test_of_several_closes_of_one_time_the_first_good_one_is_accepted() -> None:
    given = pd.concat([rows({"2026-11-20T08:00": price}) for price in (-1.0, 101.0, 102.0)])
    accepted, rejected = reject_closes(given, NO_SPLITS, PROFILES, stored(STORED), AS_OF)
    assert accepted["close"].tolist() == [101.0]
    assert rejected["reason"].tolist() == ["not_positive", "duplicated"]


def test_a_close_more_than_twice_or_less_than_half_the_regular_one_is_implausible() -> None:
    prices = {"2026-11-19T17:00": 199.0, "2026-11-19T17:05": 201.0, "2026-11-19T17:10": 51.0, "2026-11-19T17:15": 49.0}
    assert judged(prices) == ([199.0, 51.0], ["implausible", "implausible"])


def test_bad_prints_within_the_factor_are_left_to_the_median() -> None:
    """The worst recorded close of 16:40 to 17:50 was 29 % off."""
    assert judged({"2026-11-19T16:45": 129.0, "2026-11-19T16:50": 71.0}) == ([129.0, 71.0], [])


SPLIT = Split("AAPL", local("2026-11-20T09:30"), 4.0)
OTHERS = Split("MA", local("2026-11-20T09:30"), 4.0)


@pytest.mark.parametrize(
    ("served", "splits", "expected"),
    [
        (100.0, NO_SPLITS, [101.0]),
        (101.9, NO_SPLITS, [101.0]),
        (98.1, [SPLIT], [101.0]),
        (25.0, [SPLIT], [404.0 / 4]),  # adjusted already, and the stored bars are not
        (400.0, [SPLIT], [101.0]),  # the stored bars are adjusted, and the response is not
        (1.0, NO_SPLITS, [101.0]),  # pounds in place of pence
        (10_000.0, NO_SPLITS, [101.0]),
    ],
)
def test_closes_are_brought_to_the_stored_scale(served: float, splits: Sequence[Split], expected: list[float]) -> None:
    factor = 1.0 if abs(served - 100) < 3 else 100 / served
    prices = {"2026-11-19T15:55": served, "2026-11-20T08:00": 101.0 / factor}
    found, reasons = judged(prices, splits)
    assert found == expected
    assert reasons == []


@pytest.mark.parametrize(
    ("served", "splits"), [(97.0, NO_SPLITS), (25.0, NO_SPLITS), (25.0, [OTHERS]), (30.0, [SPLIT])]
)
def test_a_night_on_an_unexplained_scale_is_rejected_as_a_whole(served: float, splits: Sequence[Split]) -> None:
    prices = {"2026-11-19T15:55": served, "2026-11-19T19:00": 100.0, "2026-11-20T08:00": 101.0}
    assert judged(prices, splits) == ([], ["other_scale", "other_scale"])


def test_the_bar_after_the_close_says_nothing_of_the_scale() -> None:
    """A company's report comes out in it: it is no close of the session."""
    prices = {"2026-11-19T15:55": 100.0, "2026-11-19T16:00": 112.0, "2026-11-19T16:05": 113.0}
    assert judged(prices) == ([112.0, 113.0], [])


def test_without_the_sessions_close_prices_are_taken_as_they_are() -> None:
    assert judged({"2026-11-19T15:50": 90.0, "2026-11-20T08:00": 101.0}) == ([101.0], [])


def test_without_a_stored_bar_prices_are_taken_as_they_are() -> None:
    assert judged({"2026-11-19T15:55": 90.0, "2026-11-20T08:00": 701.0}, last_closes={}) == ([701.0], [])


def test_a_sessions_close_that_is_no_price_says_nothing_of_the_scale() -> None:
    assert judged({"2026-11-19T15:55": 0.0, "2026-11-20T08:00": 101.0}) == ([101.0], [])


def test_the_newest_stored_bar_is_compared_with_the_close_of_its_instant() -> None:
    """On half days Yahoo has no hourly bar from 12:30 on, so the stored one closed at 12:30."""
    as_of = local("2026-11-27T18:35")
    prices = {"2026-11-27T12:25": 50.0, "2026-11-27T12:55": 100.0, "2026-11-27T13:00": 101.0}
    assert judged(prices, last_closes={"2026-11-27T12:30": 100.0}, as_of=as_of) == ([], ["other_scale"])
    assert judged(prices, last_closes={"2026-11-27T13:00": 100.0}, as_of=as_of) == ([101.0], [])
    assert judged(prices, last_closes={"2026-11-27T12:30": 50.0}, as_of=as_of) == ([], ["implausible"])


def test_a_morning_after_a_split_is_rejected_where_the_day_before_is_not_adjusted() -> None:
    halves = Split("AAPL", local("2026-11-20T09:30"), 1.5)
    prices = {"2026-11-19T15:55": 100.0, "2026-11-19T19:00": 90.0, "2026-11-20T08:00": 67.0, "2026-11-20T08:05": 99.0}
    assert judged(prices, [halves]) == ([90.0, 99.0], ["other_scale"])
    earlier = Split("AAPL", local("2026-11-19T09:30"), 1.5)
    assert judged(prices, [earlier]) == ([90.0, 67.0, 99.0], [])


def test_a_history_is_judged_night_by_night() -> None:
    sessions = {"2026-11-17T16:00": 100.0, "2026-11-18T16:00": 110.0, "2026-11-19T16:00": 30.0}
    prices = {
        "2026-11-17T15:55": 100.0,
        "2026-11-17T19:00": 101.0,
        "2026-11-18T08:00": 102.0,
        "2026-11-18T15:55": 55.0,
        "2026-11-18T19:00": 56.0,
        "2026-11-19T08:00": 57.0,
        "2026-11-19T19:00": 31.0,
        "2026-11-20T08:00": 62.0,
    }
    assert judged(prices, last_closes=sessions) == ([101.0, 102.0, 31.0], ["other_scale", "other_scale", "implausible"])


def test_other_stored_bars_of_a_session_do_no_harm() -> None:
    sessions = {"2026-11-19T10:30": 50.0, "2026-11-19T15:30": 90.0, "2026-11-19T16:00": 100.0}
    prices = {"2026-11-19T15:55": 25.0, "2026-11-20T08:00": 25.25}
    assert judged(prices, [SPLIT], last_closes=sessions) == ([101.0], [])


def test_tickers_are_judged_apart() -> None:
    given = pd.concat(
        [
            rows({"2026-11-19T15:55": 500.0, "2026-11-20T08:00": 505.0}, "MA"),
            rows({"2026-11-19T15:55": 25.0, "2026-11-20T08:00": 25.25}),
        ]
    )
    last = pd.concat([stored(STORED), stored({"2026-11-19T16:00": 500.0}, "MA")])
    accepted, rejected = reject_closes(given, [SPLIT], PROFILES, last, AS_OF)
    assert accepted["ticker"].tolist() == ["AAPL", "MA"]
    assert accepted["close"].tolist() == [101.0, 505.0]
    assert rejected.empty


def test_what_no_source_may_return_is_refused() -> None:
    with pytest.raises(DataContractError, match="closed_at"):
        reject_closes(rows({}).drop(columns="closed_at"), NO_SPLITS, PROFILES, stored({}), AS_OF)
    with pytest.raises(DataContractError, match="TSLA"):
        reject_closes(rows({"2026-11-20T08:00": 1.0}, "TSLA"), NO_SPLITS, PROFILES, stored({}), AS_OF)
