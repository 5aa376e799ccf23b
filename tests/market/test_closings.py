from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include.market.calendar_definitions import use_calendars_file
from include.market.closings import (
    NEWEST_SESSIONS,
    Closing,
    expected_bars,
    known_closings,
    learnt_closings,
    unserved_closings,
)
from include.market.sessions import bar_grid

SINCE = datetime(2024, 6, 1, tzinfo=UTC)
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)


def grid(calendar: str, since: datetime = SINCE, until: datetime = UNTIL) -> pd.DataFrame:
    return bar_grid(calendar, since, until)


def without(bars: pd.DataFrame, slot_count: int, slot: int) -> pd.Series:
    return bars.loc[~((bars["slot_count"] == slot_count) & (bars["slot"] == slot)), "opened_at"]


def test_new_yorks_half_days_are_known_to_lack_their_last_bar_at_yahoo_alone() -> None:
    assert known_closings("XNYS", "yahoo") == {Closing(4, 3)}
    assert known_closings("XNYS", "files") == set()
    assert known_closings("XLON", "yahoo") == set()
    assert known_closings("24/7", "yahoo") == set()


def test_a_last_bar_that_never_came_is_learnt() -> None:
    bars = grid("XSAU")
    assert learnt_closings("XSAU", bars["opened_at"]) == set()
    assert learnt_closings("XSAU", without(bars, 5, 4)) == {Closing(5, 4)}


def test_half_days_are_learnt_from_three_of_them_and_apart_from_whole_days() -> None:
    bars = grid("XLON")
    lacking = without(bars, 5, 4)
    assert learnt_closings("XLON", lacking) == {Closing(5, 4)}
    assert learnt_closings("XLON", lacking[lacking > "2025-01-15"]) == set()  # two half days are left


def test_two_last_bars_that_never_came_are_both_learnt() -> None:
    bars = grid("XSAU")
    opened_at = bars.loc[bars["slot"] < 3, "opened_at"]
    assert learnt_closings("XSAU", opened_at) == {Closing(5, 3), Closing(5, 4)}


def test_one_bar_that_came_is_enough_to_wait_for_the_next() -> None:
    bars = grid("XSAU")
    is_last = (bars["slot"] == 4).to_numpy()
    came = np.flatnonzero(is_last)[-5]
    opened_at = bars.loc[~is_last | (np.arange(len(bars)) == came), "opened_at"]
    assert learnt_closings("XSAU", opened_at) == set()


def test_a_bar_that_the_feed_stopped_serving_is_noticed_after_two_weeks() -> None:
    bars = grid("XSAU")
    is_last = (bars["slot"] == 4).to_numpy()
    places = np.flatnonzero(is_last)
    for absent, learnt in ((NEWEST_SESSIONS, set()), (NEWEST_SESSIONS + 1, {Closing(5, 4)})):
        gone = np.isin(np.arange(len(bars)), places[-absent:])
        assert learnt_closings("XSAU", bars.loc[~gone, "opened_at"]) == learnt  # the newest session is not looked at


def test_the_session_in_progress_and_the_first_one_do_not_count() -> None:
    bars = grid("XSAU").iloc[:-3]
    assert learnt_closings("XSAU", bars["opened_at"]) == set()
    assert learnt_closings("XSAU", bars["opened_at"].iloc[:9]) == set()
    assert learnt_closings("XSAU", bars["opened_at"].iloc[:0]) == set()


def test_a_ticker_that_trades_thinly_shows_no_closing() -> None:
    bars = grid("XSAU")
    is_traded = np.random.default_rng(1).random(len(bars)) < 0.5
    opened_at = bars.loc[is_traded & (bars["slot"] < 4).to_numpy(), "opened_at"]
    assert learnt_closings("XSAU", opened_at) == set()


def test_bars_off_the_grid_do_not_count() -> None:
    bars = grid("XSAU")
    opened_at = without(bars, 5, 4)
    strays = bars.loc[bars["slot"] == 4, "opened_at"] + pd.Timedelta(minutes=1)
    assert learnt_closings("XSAU", pd.concat([opened_at, strays])) == {Closing(5, 4)}


def test_the_order_of_the_bars_does_not_matter_and_the_newest_decide() -> None:
    lacking, all_bars = without(grid("XSAU"), 5, 4), grid("XSAU")["opened_at"]
    assert learnt_closings("XSAU", lacking.sample(frac=1, random_state=1)) == {Closing(5, 4)}
    later = all_bars[all_bars > lacking.iloc[1000]]
    known = pd.concat([lacking.iloc[:1001], later])
    assert learnt_closings("XSAU", known) == set()
    assert learnt_closings("XSAU", known[known <= lacking.iloc[1000]]) == {Closing(5, 4)}


def test_known_and_learnt_closings_add_up_and_can_be_read() -> None:
    bars = grid("XNYS")
    found = unserved_closings("XNYS", "yahoo", without(bars, 7, 6))
    assert found == {Closing(4, 3), Closing(7, 6)}
    assert [str(closing) for closing in sorted(found)] == [
        "bar 4 of sessions with 4 bars",
        "bar 7 of sessions with 7 bars",
    ]


def test_expected_bars_leave_out_what_is_never_served() -> None:
    since, until = datetime(2025, 11, 27, tzinfo=UTC), datetime(2025, 11, 29, tzinfo=UTC)
    nothing = grid("XNYS")["opened_at"].iloc[:0]
    assert len(expected_bars("XNYS", since, until, (), nothing)) == 4
    bars = expected_bars("XNYS", since, until, {Closing(4, 3)}, nothing)
    assert bars["closed_at"].iloc[-1] == pd.Timestamp("2025-11-28 17:30", tz="UTC")
    assert bars.columns.tolist() == grid("XNYS").columns.tolist()


def test_an_assumed_session_without_a_bar_is_a_holiday_once_later_bars_are_there() -> None:
    since, until = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 2, 20, tzinfo=UTC)
    days = grid("XSHG", since, until)
    spring_festival = days["session_date"].between("2027-02-08", "2027-02-12").to_numpy()
    is_after = (days["session_date"] > "2027-02-12").to_numpy()
    during = days.loc[~spring_festival & ~is_after, "opened_at"]
    assert len(expected_bars("XSHG", since, until, (), during)) == len(days)
    later = days.loc[~spring_festival, "opened_at"]
    expected = expected_bars("XSHG", since, until, (), later)
    assert expected["opened_at"].tolist() == later.tolist()


def test_a_published_session_without_a_bar_stays_expected() -> None:
    since, until = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 20, tzinfo=UTC)
    days = grid("XSHG", since, until)
    opened_at = days.loc[days["session_date"] != "2026-09-08", "opened_at"]
    assert len(expected_bars("XSHG", since, until, (), opened_at)) == len(days)


@pytest.fixture
def lacks_file(tmp_path):
    path = tmp_path / "calendars.toml"
    path.write_text("[XLON]\nyahoo_lacks = [[5, 4]]\n", encoding="utf-8")
    use_calendars_file(path)
    yield path
    use_calendars_file(None)


def test_an_operator_can_name_a_closing_that_is_never_served(lacks_file) -> None:
    assert known_closings("XLON", "yahoo") == {Closing(5, 4)}
