from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import ANNOUNCEMENT_COLUMNS, HORIZON_COUNT, SLOT_COLUMNS, Announcement
from include.errors import DataContractError, InvalidRequestError
from include.market import sessions

RECORDED_DIR = Path(__file__).resolve().parents[3] / "shared" / "bars" / "hourly"
CALENDARS = ("XNYS", "XTAI", "XHKG", "XLON", "XETR", "XPAR", "XWAR", "XTKS", "24/7", "FX")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local_hours(calendar: str, day: str) -> list[str]:
    """The local opening times of the bars of one local day, and the last one's close."""
    zone = ZoneInfo(sessions.timezone_of(calendar))
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    grid = sessions.bar_grid(calendar, midnight, midnight + timedelta(days=1))
    if grid.empty:
        return []
    instants = [*grid["opened_at"], grid["closed_at"].iloc[-1]]
    return [instant.tz_convert(zone).strftime("%H:%M") for instant in instants]


@pytest.mark.parametrize(
    ("ticker", "calendar"),
    [
        ("AAPL", "XNYS"),
        ("BRK-B", "XNYS"),
        ("^GSPC", "XNYS"),
        ("^FTSE", "XLON"),
        ("2330.TW", "XTAI"),
        ("6488.TWO", "XTAI"),
        ("005930.KS", "XKRX"),
        ("247540.KQ", "XKRX"),
        ("0700.HK", "XHKG"),
        ("VOD.L", "XLON"),
        ("SAP.DE", "XETR"),
        ("AIR.PA", "XPAR"),
        ("CDR.WA", "XWAR"),
        ("7203.T", "XTKS"),
        ("BTC-USD", "24/7"),
        ("ETH-EUR", "24/7"),
        ("BTCUSDT", "24/7"),
        ("BTC-USDC", "24/7"),
        ("EURUSD=X", "FX"),
        ("JPY=X", "FX"),
        ("ES=F", "CMES"),
        ("GCZ26.CMX", "CMES"),
        ("2222.SR", "XSAU"),
        ("^BUX.BD", "XBUD"),
        ("^VIX", "XNYS"),
    ],
)
def test_a_tickers_calendar_is_found_from_its_spelling(ticker: str, calendar: str) -> None:
    assert sessions.calendar_of(ticker) == calendar


@pytest.mark.parametrize("ticker", ["ABC.XY", "KC=F", "ABC."])
def test_a_suffix_without_known_hours_is_refused_by_name(ticker: str) -> None:
    with pytest.raises(InvalidRequestError, match=ticker):
        sessions.calendar_of(ticker)


def test_new_york_has_seven_bars_on_both_sides_of_daylight_saving() -> None:
    hours = ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00"]
    for day in ("2025-03-07", "2025-03-10", "2025-10-31", "2025-11-03"):
        assert local_hours("XNYS", day) == hours
    winter = sessions.bar_grid("XNYS", utc("2025-03-07"), utc("2025-03-08"))
    summer = sessions.bar_grid("XNYS", utc("2025-03-10"), utc("2025-03-11"))
    assert winter["opened_at"].iloc[0] == pd.Timestamp("2025-03-07 14:30", tz="UTC")
    assert summer["opened_at"].iloc[0] == pd.Timestamp("2025-03-10 13:30", tz="UTC")
    assert summer["bar_number"].iloc[0] == winter["bar_number"].iloc[-1] + 1


@pytest.mark.parametrize("day", ["2024-07-03", "2024-11-29", "2024-12-24"])
def test_a_new_york_half_day_has_four_bars(day: str) -> None:
    assert local_hours("XNYS", day) == ["09:30", "10:30", "11:30", "12:30", "13:00"]


@pytest.mark.parametrize("day", ["2025-01-09", "2025-04-18", "2024-12-25", "2025-05-24"])
def test_new_york_rests_on_holidays_and_days_of_mourning(day: str) -> None:
    assert local_hours("XNYS", day) == []


@pytest.mark.parametrize(
    ("calendar", "day", "hours"),
    [
        ("XTAI", "2025-05-28", ["09:00", "10:00", "11:00", "12:00", "13:00", "13:30"]),
        ("XHKG", "2025-05-28", ["09:30", "10:30", "11:30", "13:00", "14:00", "15:00", "16:00"]),
        ("XHKG", "2024-12-24", ["09:30", "10:30", "11:30", "12:00"]),
        ("XTKS", "2025-05-28", ["09:00", "10:00", "11:00", "12:30", "13:30", "14:30", "15:30"]),
        ("XLON", "2025-05-28", [*(f"{hour:02}:00" for hour in range(8, 17)), "16:30"]),
        ("XLON", "2025-03-31", [*(f"{hour:02}:00" for hour in range(8, 17)), "16:30"]),
        ("XLON", "2024-12-24", ["08:00", "09:00", "10:00", "11:00", "12:00", "12:30"]),
        ("XETR", "2025-05-28", [*(f"{hour:02}:00" for hour in range(9, 18)), "17:30"]),
        ("XPAR", "2025-05-28", [*(f"{hour:02}:00" for hour in range(9, 18)), "17:30"]),
        ("XWAR", "2025-05-28", [*(f"{hour:02}:00" for hour in range(9, 18)), "17:05"]),
    ],
)
def test_each_exchange_has_the_bars_that_were_recorded_of_it(calendar: str, day: str, hours: list[str]) -> None:
    assert local_hours(calendar, day) == hours


def test_seouls_grid_ends_at_three_where_yahoos_does() -> None:
    assert local_hours("XKRX", "2025-05-28") == [*(f"{hour:02}:00" for hour in range(9, 15)), "15:00"]


def test_around_a_lunch_break_no_bar_is_longer_than_trading() -> None:
    grid = sessions.bar_grid("XHKG", utc("2025-05-28"), utc("2025-05-29"))
    assert grid["slot"].tolist() == [0, 1, 2, 3, 4, 5]
    assert grid["minutes_to_close"].tolist() == [330, 270, 240, 120, 60, 0]


def test_warsaws_closing_auction_is_the_last_bar_of_its_session() -> None:
    grid = sessions.bar_grid("XWAR", utc("2025-05-28"), utc("2025-05-29"))
    assert grid["slot_count"].unique().tolist() == [9]
    assert grid["minutes_to_close"].iloc[-2:].tolist() == [5, 0]


def test_crypto_trades_every_hour_of_the_utc_day() -> None:
    grid = sessions.bar_grid("24/7", utc("2025-03-08"), utc("2025-03-12"))
    assert grid["slot"].tolist() == list(range(24)) * 4
    assert (grid["closed_at"].iloc[:-1].to_numpy() == grid["opened_at"].iloc[1:].to_numpy()).all()


@pytest.mark.parametrize(
    ("friday", "last_close", "first_open"),
    [
        ("2025-02-28", "2025-02-28 22:00", "2025-03-03 00:00"),  # winter on both sides
        ("2025-03-14", "2025-03-14 21:00", "2025-03-17 00:00"),  # New York has changed its clocks, London has not
        ("2025-04-11", "2025-04-11 21:00", "2025-04-13 23:00"),  # summer on both sides
        ("2024-11-01", "2024-11-01 21:00", "2024-11-04 00:00"),  # London has changed back, New York has not
    ],
)
def test_the_currency_week_follows_both_clocks(friday: str, last_close: str, first_open: str) -> None:
    week_end = sessions.bar_grid("FX", utc(friday), utc(friday) + timedelta(days=2, hours=24))
    is_before_weekend = week_end["closed_at"] < pd.Timestamp(friday, tz="UTC") + pd.Timedelta(days=1)
    assert week_end.loc[is_before_weekend, "closed_at"].iloc[-1] == pd.Timestamp(last_close, tz="UTC")
    after = sessions.next_closes("FX", utc(last_close), 1)[0]
    assert after == utc(first_open) + timedelta(hours=1)


def test_bars_have_the_numbers_of_the_grid_and_others_have_none() -> None:
    grid = sessions.bar_grid("XNYS", datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))
    given = pd.concat([grid["opened_at"], grid["opened_at"].tail(1) + pd.Timedelta(minutes=1)])

    assert sessions.bar_numbers(given, "XNYS").tolist() == [*grid["bar_number"], -1]


def test_fridays_last_bar_forecasts_mondays_first() -> None:
    closes = sessions.next_closes("XNYS", utc("2025-05-23T20:00"), HORIZON_COUNT)  # Monday is Memorial Day
    assert closes[0] == utc("2025-05-27T14:30")
    assert closes[-1] == utc("2025-05-27T20:00")


def test_next_closes_are_strictly_after() -> None:
    first = sessions.next_closes("24/7", utc("2025-05-28T10:59:59"), 2)
    assert first == [utc("2025-05-28T11:00"), utc("2025-05-28T12:00")]
    assert sessions.next_closes("24/7", utc("2025-05-28T11:00"), 1) == [utc("2025-05-28T12:00")]


def test_the_newest_closed_bar_waits_for_the_feeds_delay() -> None:
    as_of = utc("2025-05-28T14:35")
    assert sessions.last_closed("XNYS", as_of, 5) == utc("2025-05-28T14:30")
    assert sessions.last_closed("XNYS", as_of, 6) == utc("2025-05-27T20:00")
    assert sessions.last_closed("XNYS", utc("2014-12-31"), 2) is None


def test_a_closing_bar_that_is_never_served_is_not_waited_for() -> None:
    evening = utc("2024-11-29T20:00")  # a half day in New York: 12:30 is its fourth bar
    assert sessions.last_closed("XNYS", evening, 2) == utc("2024-11-29T18:00")
    assert sessions.last_closed("XNYS", evening, 2, {(4, 3)}) == utc("2024-11-29T17:30")
    assert sessions.last_closed("XNYS", utc("2015-01-02T15:00"), 2, {(7, 0)}) is None


def test_delays_are_short_only_where_quotes_are_real_time() -> None:
    assert [sessions.feed_delay_minutes(name) for name in ("XNYS", "24/7", "FX", "XTAI", "XLON")] == [2, 2, 2, 20, 20]
    assert [sessions.feed_delay_minutes(name) for name in ("XSWX", "XSGO", "XLJU")] == [30, 40, 20]


def test_past_the_last_year_of_all_calendars_the_message_says_what_to_do() -> None:
    with pytest.raises(DataContractError, match="XNYS ends at 2032-12-31; install"):
        sessions.next_closes("XNYS", utc("2035-01-01"), 1)


def test_where_holidays_are_not_published_yet_sessions_are_assumed_and_said_to_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert sessions.published_until("XSHG") == date(2026, 12, 31)
    assert sessions.assumption("XSHG", utc("2026-12-31T07:00")) is None
    sentence = sessions.assumption("XSHG", utc("2027-01-01"))
    assert sentence is not None
    assert "XSHG are known until 2026-12-31" in sentence
    assert "HOURCAST_CALENDARS_FILE" in sentence
    sessions._warn_of_assumed_sessions.cache_clear()
    for _ in range(2):
        closes = sessions.next_closes("XSHG", utc("2026-12-31T06:00"), 2)
    assert closes == [utc("2026-12-31T07:00"), utc("2027-01-01T02:30")]
    assert [record.getMessage() for record in caplog.records] == [sentence]


def test_where_holidays_are_published_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sessions.next_closes("XNYS", utc("2032-12-01"), 7)
    assert sessions.assumption("24/7", utc("2032-12-31")) is None
    assert caplog.records == []


def test_bars_at_the_end_of_the_published_year_see_the_assumed_ones_ahead() -> None:
    bars = sessions.bar_grid("XSHG", utc("2026-12-31"), utc("2027-01-01"))[["opened_at", "closed_at"]]
    last = sessions.annotate(bars, "XSHG").iloc[-1]
    assert [last[f"next_slot_{horizon}"] for horizon in range(1, 8)] == [0, 1, 2, 3, 0, 1, 2]


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(DataContractError, match="MOON"):
        sessions.timezone_of("MOON")


def test_naive_times_are_refused() -> None:
    with pytest.raises(DataContractError, match="no time zone"):
        sessions.next_closes("XNYS", datetime(2025, 5, 28), 1)  # noqa: DTZ001  # the naive time is the point
    with pytest.raises(DataContractError, match="no time zone"):
        sessions.closed_at_of(pd.Series([pd.Timestamp("2025-05-28 13:30")]), "XNYS")


def test_closes_of_strays_are_not_times() -> None:
    opened = pd.Series(
        pd.to_datetime(["2025-05-28 13:30", "2025-05-28 13:31", "2040-01-01 00:00", None], utc=True), index=list("abcd")
    )
    closed = sessions.closed_at_of(opened, "XNYS")
    assert closed.isna().tolist() == [False, True, True, True]
    assert closed["a"] == pd.Timestamp("2025-05-28 14:30", tz="UTC")
    assert closed.index.tolist() == list("abcd")


def test_annotated_bars_carry_every_slot_column() -> None:
    bars = sessions.bar_grid("XNYS", utc("2025-05-23"), utc("2025-05-24"))[["opened_at", "closed_at"]].iloc[-2:]
    annotated = sessions.annotate(bars, "XNYS")
    assert set(SLOT_COLUMNS) <= set(annotated.columns)
    assert annotated.index.equals(bars.index)
    last = annotated.iloc[-1]
    assert (last["slot"], last["slot_count"], last["minutes_to_close"], last["weekday"]) == (6, 7, 0, 4)
    assert [last[f"next_slot_{horizon}"] for horizon in range(1, 8)] == [0, 1, 2, 3, 4, 5, 6]
    assert last["session_date"] == pd.Timestamp("2025-05-23")
    # Memorial Day lies ahead: the next bar closes on Tuesday at 10:30, the seventh at 16:00
    assert (last["hours_to_next"], last["hours_to_last"]) == (90.5, 96.0)


def test_annotated_bars_know_what_is_due_in_each_bar_ahead() -> None:
    bars = sessions.bar_grid("XNYS", utc("2024-12-18T15:00"), utc("2024-12-18T16:00"))[["opened_at", "closed_at"]]
    due = sessions.annotate(bars, "XNYS")[list(ANNOUNCEMENT_COLUMNS)].to_numpy()
    decision, aftermath = Announcement.DECISION, Announcement.AFTERMATH
    # the bar of 10:30: the decision falls into the third bar after it, the press conference into the fourth
    assert due.tolist() == [[0, 0, decision, decision, aftermath, 0, 0]]


@pytest.mark.parametrize(("calendar", "bars"), [("XNYS", 7), ("24/7", 24), ("XTKS", 6)])
def test_a_calendars_longest_session_is_its_usual_one(calendar: str, bars: int) -> None:
    assert sessions.longest_session(calendar) == bars


def test_a_bar_off_the_grid_is_refused_with_its_time() -> None:
    bars = pd.DataFrame({"opened_at": pd.to_datetime(["2025-05-28 13:30", "2025-05-28 13:45"], utc=True)})
    with pytest.raises(DataContractError, match=r"1 of 2 bars.*13:45"):
        sessions.annotate(bars, "XNYS")


def test_no_bars_annotate_to_no_bars() -> None:
    bars = sessions.bar_grid("XNYS", utc("2025-05-24"), utc("2025-05-25"))[["opened_at", "closed_at"]]
    assert sessions.annotate(bars, "XNYS").empty
    assert sessions.closed_at_of(bars["opened_at"], "XNYS").empty


@pytest.mark.parametrize("calendar", CALENDARS)
def test_bars_never_overlap_and_are_numbered_one_by_one(calendar: str) -> None:
    grid = sessions.bar_grid(calendar, utc("2015-01-01"), utc("2032-01-01"))
    lengths = (grid["closed_at"] - grid["opened_at"]).dt.total_seconds()
    assert lengths.between(60, 3600).all()
    assert (grid["closed_at"].iloc[:-1].to_numpy() <= grid["opened_at"].iloc[1:].to_numpy()).all()
    assert np.array_equal(grid["bar_number"], np.arange(len(grid)))
    assert (grid["slot"] < grid["slot_count"]).all()
    assert (grid["is_session_first"] == (grid["slot"] == 0)).all()
    assert (grid.loc[grid["slot"] == grid["slot_count"] - 1, "minutes_to_close"] == 0).all()
    assert grid["session_date"].is_monotonic_increasing


@settings(max_examples=30, deadline=None)
@given(
    calendar=st.sampled_from(("XNYS", "XHKG", "FX", "24/7")),
    start=st.datetimes(datetime(2016, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # made aware below
    hours=st.integers(0, 400),
)
def test_a_bar_is_the_same_whatever_range_it_is_asked_in(calendar: str, start: datetime, hours: int) -> None:
    since = start.replace(tzinfo=UTC)
    until = since + timedelta(hours=hours)
    narrow = sessions.bar_grid(calendar, since, until)
    wide = sessions.bar_grid(calendar, since - timedelta(days=30), until + timedelta(days=30))
    inside = wide[(wide["opened_at"] >= since) & (wide["opened_at"] < until)].reset_index(drop=True)
    pd.testing.assert_frame_equal(narrow, inside)


@settings(max_examples=30, deadline=None)
@given(
    calendar=st.sampled_from(("XNYS", "XHKG", "FX", "24/7")),
    at=st.datetimes(datetime(2016, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # made aware below
)
def test_the_last_closed_bar_and_the_next_are_neighbours(calendar: str, at: datetime) -> None:
    as_of = at.replace(tzinfo=UTC)
    last = sessions.last_closed(calendar, as_of, 0)
    assert last is not None
    closes = sessions.next_closes(calendar, last, HORIZON_COUNT)
    assert last <= as_of < closes[0]
    assert all(left < right for left, right in pairwise(closes))


RECORDED_STRAYS = {"EURUSD=X": 136}
"""Friday's flat stub after 17:00 New York (134 weeks, two of them with a second one)."""
RECORDED_HOLES = {"EURUSD=X": 60, "EH": 33, "DBB": 13}
"""Missing bars above 6: holidays that the FX feed keeps in part, EH's lost week, an ETF that trades thinly."""


@pytest.mark.skipif(not RECORDED_DIR.is_dir(), reason="the recorded bars are not beside the project")
def test_recorded_bars_lie_on_the_grid_and_leave_few_holes() -> None:
    for path in sorted(RECORDED_DIR.glob("*.parquet")):
        ticker = path.stem.replace("IDX_", "^").replace("_X", "=X")
        opened = pd.read_parquet(path, columns=["ts"])["ts"]
        calendar = sessions.calendar_of(ticker)
        strays = int(sessions.closed_at_of(opened, calendar).isna().sum())
        grid = sessions.bar_grid(calendar, opened.iloc[0].to_pydatetime(), opened.iloc[-1].to_pydatetime())
        holes = int((~grid["opened_at"].isin(opened)).sum())
        assert strays == RECORDED_STRAYS.get(ticker, 0), ticker
        assert holes <= RECORDED_HOLES.get(ticker, 6), ticker


@pytest.mark.parametrize(
    ("calendar", "newest", "as_of", "missed"),
    [
        ("XNYS", "2025-03-31 20:00", "2025-03-31 23:00", 0),
        ("XNYS", "2025-03-31 15:30", "2025-04-01 19:59", 0),  # the rest of its own session, and one that goes on
        ("XNYS", "2025-03-31 15:30", "2025-04-01 20:01", 0),  # the feed's delay
        ("XNYS", "2025-03-31 15:30", "2025-04-01 20:02", 1),
        ("XNYS", "2025-03-28 20:00", "2025-03-31 13:00", 0),  # a weekend
        ("XNYS", "2025-03-28 20:00", "2025-04-04 21:00", 5),
        ("24/7", "2025-03-31 15:00", "2025-04-01 23:00", 0),
        ("24/7", "2025-03-31 15:00", "2025-04-02 00:02", 1),
    ],
)
def test_only_whole_sessions_after_the_newest_bar_are_missed(
    calendar: str, newest: str, as_of: str, missed: int
) -> None:
    assert sessions.missed_sessions(calendar, utc(newest), utc(as_of), 2) == missed
