from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from include.market.believed import BelievedPrice, believed_price, needed_closes
from include.market.extended_hours import Night, night_of, refreshes_between

NEW_YORK = ZoneInfo("America/New_York")
DELAY = timedelta(minutes=2)


def local(text: str) -> datetime:
    """The instant of a New York clock."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def night(text: str) -> Night:
    found = night_of("XNYS", local(text), 8)
    assert found is not None
    return found


def closes_of(day: str, prices: dict[str, float]) -> pd.DataFrame:
    """Closes of a day by the New York clock at which their bars close."""
    instants = pd.DatetimeIndex([local(f"{day}T{clock}") for clock in prices])
    return pd.DataFrame({"closed_at": instants, "close": list(prices.values())})


def clocks(first: str, count: int) -> list[str]:
    start = datetime.fromisoformat(f"2026-11-19T{first}")
    return [f"{start + timedelta(minutes=5 * number):%H:%M}" for number in range(count)]


def test_in_the_morning_it_is_the_median_of_the_last_three() -> None:
    closes = closes_of("2026-11-20", {"08:15": 500.0, "08:20": 101.0, "08:25": 150.0, "08:30": 102.0})
    assert believed_price(closes.iloc[::-1], night("2026-11-20T08:35")) == BelievedPrice(
        price=102.0,
        priced_at=local("2026-11-20T08:30"),
        closed_at=tuple(local(f"2026-11-20T{clock}") for clock in ("08:20", "08:25", "08:30")),
    )


@pytest.mark.parametrize(("prices", "expected"), [((101.0,), 101.0), ((101.0, 103.0), 102.0)])
def test_in_the_morning_one_or_two_closes_are_enough(prices: tuple[float, ...], expected: float) -> None:
    closes = closes_of("2026-11-20", dict(zip(("05:10", "07:45"), prices, strict=False)))
    found = believed_price(closes, night("2026-11-20T08:35"))
    assert found is not None
    assert found.price == expected
    assert len(found.closed_at) == len(prices)


def test_the_evenings_closes_do_not_count_in_the_morning() -> None:
    evening = closes_of("2026-11-19", dict.fromkeys(clocks("19:00", 13), 90.0))
    assert believed_price(evening, night("2026-11-20T08:35")) is None
    mixed = pd.concat([evening, closes_of("2026-11-20", {"04:05": 100.0})])
    found = believed_price(mixed, night("2026-11-20T04:35"))
    assert found is not None
    assert found.price == 100.0


def test_whole_nights_may_be_missing_and_the_minutes_before_the_open_too() -> None:
    """09:15 to 09:25 never exist for some tickers: their price of 09:25 is from 09:15."""
    found = believed_price(closes_of("2026-11-20", dict.fromkeys(clocks("09:00", 4), 100.0)), night("2026-11-20T09:25"))
    assert found is not None
    assert found.priced_at == local("2026-11-20T09:15")
    another_night = closes_of("2026-11-18", dict.fromkeys(clocks("09:00", 4), 100.0))
    assert believed_price(another_night, night("2026-11-20T09:25")) is None


def test_without_any_close_there_is_no_price() -> None:
    assert believed_price(closes_of("2026-11-20", {}), night("2026-11-20T08:35")) is None
    assert believed_price(closes_of("2026-11-20", {}), night("2026-11-19T20:35")) is None


def test_two_wrong_closes_in_a_row_of_the_early_evening_are_outvoted() -> None:
    """As AMZN's of 2025-07-09 16:45: a median of three would follow them."""
    bad = dict(zip(clocks("17:35", 7), (100.0, 100.1, 99.9, 100.2, 129.0, 128.0, 100.3), strict=True))
    found = believed_price(closes_of("2026-11-19", bad), night("2026-11-19T18:35"))
    assert found is not None
    assert found.price == 100.2
    assert len(found.closed_at) == 7


def test_an_early_evening_with_six_closes_waits() -> None:
    six = closes_of("2026-11-19", dict.fromkeys(clocks("17:35", 6), 100.0))
    assert believed_price(six, night("2026-11-19T18:35")) is None
    seventh = closes_of("2026-11-19", {"17:30": 100.0})
    assert believed_price(pd.concat([six, seventh]), night("2026-11-19T18:35")) is not None


def test_the_close_of_six_is_calm_and_the_one_before_it_is_not() -> None:
    calm = closes_of("2026-11-19", {"18:00": 101.0, "18:05": 102.0, "18:10": 103.0})
    found = believed_price(calm, night("2026-11-19T18:35"))
    assert found is not None
    assert found.price == 102.0
    assert believed_price(
        calm.assign(closed_at=calm["closed_at"] - timedelta(minutes=5)), night("2026-11-19T18:35")
    ) is (None)


def test_an_evening_with_one_or_two_calm_closes_waits() -> None:
    two = closes_of("2026-11-19", {"18:10": 101.0, "18:20": 102.0})
    assert believed_price(two, night("2026-11-19T18:35")) is None


def test_an_evening_without_a_calm_time_needs_three_closes() -> None:
    early = closes_of("2026-11-19", {"17:10": 101.0, "17:15": 102.0, "17:20": 103.0})
    always_calm = Night(**{**vars(night("2026-11-19T18:35")), "calm_at": None})
    found = believed_price(early, always_calm)
    assert found is not None
    assert found.price == 102.0


def test_closes_of_the_session_do_not_count() -> None:
    """The bar from 15:55 closes with the session; the first bar of the evening closes at 16:05."""
    closes = closes_of("2026-11-19", dict.fromkeys(clocks("15:30", 7), 90.0) | dict.fromkeys(clocks("16:05", 6), 100.0))
    assert believed_price(closes, night("2026-11-19T18:35")) is None
    evening = pd.concat([closes, closes_of("2026-11-19", {"16:35": 101.0})])
    found = believed_price(evening, night("2026-11-19T18:35"))
    assert found is not None
    assert found.closed_at[0] == local("2026-11-19T16:05")


def test_on_a_half_day_the_evening_begins_at_one() -> None:
    closes = closes_of("2026-11-27", dict.fromkeys(clocks("12:35", 6), 90.0) | dict.fromkeys(clocks("13:05", 7), 100.0))
    found = believed_price(closes, night("2026-11-27T18:35"))
    assert found is not None
    assert found.price == 100.0
    assert found.priced_at == local("2026-11-27T13:35")


def random_closes(seed: int, share: float) -> pd.DataFrame:
    """Closes of three days, of which this share is there, with a column that says which is which."""
    generator = np.random.default_rng(seed)
    instants = pd.date_range(local("2026-11-18T04:05"), local("2026-11-20T20:00"), freq="5min")
    instants = instants[generator.random(len(instants)) < share]
    return pd.DataFrame(
        {"closed_at": instants, "close": 100 + generator.normal(size=len(instants)), "number": range(len(instants))}
    )


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.9])
def test_a_history_keeps_what_its_refreshes_need_and_no_more(share: float) -> None:
    closes = random_closes(7, share)
    instants = refreshes_between("XNYS", local("2026-11-18T00:00"), local("2026-11-20T23:00"), 8, 35)
    refreshes = [(at, found) for at in instants if (found := night_of("XNYS", at, 8)) is not None]
    needed = needed_closes(closes, refreshes, DELAY)

    def believed(rows: pd.DataFrame, at: datetime, found: Night) -> BelievedPrice | None:
        return believed_price(rows[rows["closed_at"] + DELAY <= at], found)

    prices = [believed(closes, at, found) for at, found in refreshes]
    assert [believed(needed, at, found) for at, found in refreshes] == prices
    used = {instant for price in prices if price is not None for instant in price.closed_at}
    assert set(needed["closed_at"]) == used
    assert list(needed.columns) == list(closes.columns)
    assert all(earlier < later for earlier, later in pairwise(needed["closed_at"]))


def test_a_refresh_of_the_past_knows_no_close_before_the_feed_had_it() -> None:
    closes = closes_of("2026-11-20", {"08:20": 1.0, "08:25": 2.0, "08:30": 3.0, "08:35": 4.0})
    refresh = [(local("2026-11-20T08:35"), night("2026-11-20T08:35"))]
    assert needed_closes(closes, refresh, DELAY)["close"].tolist() == [1.0, 2.0, 3.0]
    assert needed_closes(closes, refresh, timedelta(0))["close"].tolist() == [2.0, 3.0, 4.0]
    assert needed_closes(closes, [], DELAY).empty
