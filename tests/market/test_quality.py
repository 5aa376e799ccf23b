from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, BarRequest, TickerProfile
from include.errors import DataContractError
from include.market.quality import reject_bars
from include.market.simulated import SimulatedSource

AS_OF = datetime(2025, 5, 28, 18, 35, tzinfo=UTC)
TICKERS = ("ACME.SIM", "COIN-USD.SIM")


@pytest.fixture
def profiles() -> dict[str, TickerProfile]:
    return SimulatedSource().describe(TICKERS, AS_OF)[0]


@pytest.fixture
def bars(profiles: dict[str, TickerProfile]) -> pd.DataFrame:
    since = datetime(2025, 5, 27, tzinfo=UTC)
    return SimulatedSource().fetch_bars([BarRequest(profile, since) for profile in profiles.values()], AS_OF).bars


def test_good_bars_all_pass_unchanged(bars: pd.DataFrame, profiles: dict[str, TickerProfile]) -> None:
    accepted, rejected = reject_bars(bars, profiles, AS_OF)
    pd.testing.assert_frame_equal(accepted, bars.assign(confirmed_at=bars["closed_at"]))
    assert rejected.empty
    assert "reason" in rejected


@pytest.mark.parametrize(
    ("reason", "damage"),
    [
        ("not_finite", {"close": np.nan}),
        ("not_finite", {"high": np.inf}),
        ("not_positive", {"low": 0.0}),
        ("not_positive", {"open": -1.0}),
        ("low_above_body", {"low": 1e9}),
        ("high_below_body", {"high": 1e-9, "low": 1e-9}),
        ("volume_not_positive", {"volume": 0.0}),
        ("volume_not_positive", {"volume": np.inf}),
        ("volume_too_large", {"volume": 9e15}),
        ("off_grid", {"opened_at": pd.Timestamp("2025-05-27 14:31", tz="UTC")}),
        ("off_grid", {"closed_at": pd.Timestamp("2025-05-27 14:31", tz="UTC")}),
    ],
)
def test_a_damaged_bar_is_rejected_with_its_reason_and_raw_values(
    bars: pd.DataFrame, profiles: dict[str, TickerProfile], reason: str, damage: dict[str, object]
) -> None:
    damaged = bars.copy()
    for column, value in damage.items():
        damaged.loc[3, column] = value
    accepted, rejected = reject_bars(damaged, profiles, AS_OF)
    assert rejected["reason"].tolist() == [reason]
    for column, value in damage.items():
        assert rejected[column].iloc[0] == value or pd.isna(value)
    assert len(accepted) == len(bars) - 1


def test_a_bar_in_progress_waits_for_its_end_and_the_feeds_delay(profiles: dict[str, TickerProfile]) -> None:
    later = datetime(2025, 5, 28, 21, tzinfo=UTC)
    since = datetime(2025, 5, 28, 16, tzinfo=UTC)
    bars = SimulatedSource().fetch_bars([BarRequest(profiles["ACME.SIM"], since)], later).bars
    accepted, rejected = reject_bars(bars, profiles, datetime(2025, 5, 28, 18, 31, tzinfo=UTC))
    assert accepted["closed_at"].max() == pd.Timestamp("2025-05-28 17:30", tz="UTC")
    assert set(rejected["reason"]) == {"not_closed", "in_future"}
    in_time, _ = reject_bars(bars, profiles, datetime(2025, 5, 28, 18, 32, tzinfo=UTC))
    assert in_time["closed_at"].max() == pd.Timestamp("2025-05-28 18:30", tz="UTC")


def test_of_a_bar_that_came_twice_the_first_good_one_stays(
    bars: pd.DataFrame, profiles: dict[str, TickerProfile]
) -> None:
    broken_first = bars.iloc[[5]].assign(close=np.nan)
    doubled = pd.concat([broken_first, bars, bars.iloc[[5]].assign(close=bars["close"].iloc[5] * 1.0000001)])
    accepted, rejected = reject_bars(doubled, profiles, AS_OF)
    pd.testing.assert_frame_equal(accepted[list(BAR_COLUMNS)], bars)
    assert rejected["reason"].tolist() == ["not_finite", "duplicated"]


def test_rounding_to_32_bits_is_no_reason_to_reject(bars: pd.DataFrame, profiles: dict[str, TickerProfile]) -> None:
    rounded = bars.assign(low=bars[["open", "close"]].min(axis=1) * (1 + 1e-7))
    assert reject_bars(rounded, profiles, AS_OF)[1].empty


def test_no_bars_give_no_bars(bars: pd.DataFrame, profiles: dict[str, TickerProfile]) -> None:
    accepted, rejected = reject_bars(bars.iloc[:0], profiles, AS_OF)
    assert accepted.empty
    assert rejected.empty
    assert list(accepted.columns) == [*BAR_COLUMNS, "confirmed_at"]
    assert accepted[list(BAR_COLUMNS)].dtypes.equals(bars.dtypes)


def test_bars_that_break_the_contract_are_refused(bars: pd.DataFrame, profiles: dict[str, TickerProfile]) -> None:
    with pytest.raises(DataContractError, match="volume"):
        reject_bars(bars.drop(columns="volume"), profiles, AS_OF)
    with pytest.raises(DataContractError, match=r"COIN-USD\.SIM"):
        reject_bars(bars, {"ACME.SIM": profiles["ACME.SIM"]}, AS_OF)


def test_a_bar_from_the_future_is_named_so(bars: pd.DataFrame, profiles: dict[str, TickerProfile]) -> None:
    ahead = bars.copy()
    ahead.loc[ahead.index[-1], ["opened_at", "closed_at"]] += pd.Timedelta(days=3)
    _, rejected = reject_bars(ahead, profiles, AS_OF)
    assert rejected["reason"].tolist() == ["in_future"]


def test_a_spike_is_rejected_beside_its_neighbours_and_keeps_its_raw_values(
    bars: pd.DataFrame, profiles: dict[str, TickerProfile]
) -> None:
    spiked = bars.copy()
    spiked.loc[3, ["open", "high", "low", "close"]] *= 100
    accepted, rejected = reject_bars(spiked, profiles, AS_OF)
    assert rejected["reason"].tolist() == ["step_beyond_volatility"]
    assert rejected["close"].tolist() == [spiked.loc[3, "close"]]
    assert len(accepted) == len(bars) - 1


def test_a_bar_that_another_one_confirmed_says_when_that_one_closed(
    bars: pd.DataFrame, profiles: dict[str, TickerProfile]
) -> None:
    own = bars.index[bars["ticker"] == "COIN-USD.SIM"]
    crashed = own[len(own) // 2 :]
    moved = bars.copy()
    moved.loc[crashed, ["open", "high", "low", "close"]] *= 0.3
    accepted, rejected = reject_bars(moved, profiles, AS_OF)
    assert rejected.empty
    later = accepted[accepted["confirmed_at"] != accepted["closed_at"]]
    assert later["closed_at"].tolist() == [bars.loc[crashed[0], "closed_at"]]
    assert later["confirmed_at"].tolist() == [bars.loc[crashed[1], "closed_at"]]
