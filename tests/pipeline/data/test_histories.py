from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include.contracts import TickerProfile
from include.errors import InvalidRequestError
from include.market import sessions
from include.pipeline.data.histories import load_histories, market_of, simulated_histories, tickers_of
from include.settings import MarketSettings

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)


def write(folder, name, calendar, seed=0):
    grid = sessions.bar_grid(calendar, datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC))
    close = 40.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.003, len(grid))))
    bars = pd.DataFrame({"ts": grid["opened_at"], "open": close, "high": close * 1.001, "low": close * 0.999})
    bars.assign(close=close, volume=5.0).to_parquet(folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars")
    for name, calendar in (("AAPL", "XNYS"), ("IDX_GSPC", "XNYS"), ("EURUSD_X", "FX"), ("BTC-USD", "24/7")):
        write(path, name, calendar)
    (path / "earnings.csv").write_text("ticker,reported_on,timing\n")
    return path


@pytest.fixture(scope="module")
def histories(folder):
    return load_histories(folder, UNTIL)


def test_every_file_of_the_folder_is_a_ticker(folder, histories):
    assert tickers_of(folder) == sorted(histories) == ["AAPL", "BTC-USD", "EURUSD=X", "^GSPC"]
    assert {ticker: history.market for ticker, history in histories.items()} == {
        "AAPL": "US equity",
        "BTC-USD": "crypto",
        "EURUSD=X": "currency",
        "^GSPC": "index",
    }


def test_no_bar_that_closed_later_is_read(histories):
    for history in histories.values():
        assert history.closed_at.max() < np.datetime64(UNTIL.replace(tzinfo=None))


def test_nights_and_weekends_are_gaps_where_nothing_trades(histories):
    next_is_gap = histories["AAPL"].has_gap[:, 0]
    slots = histories["AAPL"].bars["slot"].to_numpy()
    counts = histories["AAPL"].bars["slot_count"].to_numpy()
    np.testing.assert_array_equal(next_is_gap, slots == counts - 1)
    assert not histories["BTC-USD"].has_gap.any()
    currency = histories["EURUSD=X"]
    fridays = currency.bars["weekday"].to_numpy()[currency.has_gap[:, 0]]
    assert set(fridays) == {4}
    assert len(fridays) == pytest.approx(17, abs=1)


def test_weekends_have_seasonal_entries_of_their_own_where_they_trade(histories):
    crypto = histories["BTC-USD"]
    weekend = crypto.bars["weekday"].to_numpy() >= 5
    assert (crypto.key[weekend] >= 24).all()
    assert (crypto.key[~weekend & (crypto.bars["slot"].to_numpy() > 0)] < 24).all()
    np.testing.assert_array_equal(crypto.next_key[:-1, 0], crypto.key[1:])


def test_named_tickers_are_read_alone_and_a_missing_one_is_refused(folder):
    assert sorted(load_histories(folder, UNTIL, ["AAPL"])) == ["AAPL"]
    with pytest.raises(InvalidRequestError, match="MSFT"):
        load_histories(folder, UNTIL, ["AAPL", "MSFT"])


def test_calendars_of_the_settings_are_followed(tmp_path):
    write(tmp_path, "AAPL.XY", "XNYS")
    holidays = tmp_path / "calendars.toml"
    holidays.write_text('[XNYS]\nclosed = ["2025-02-03"]\n', encoding="utf-8")
    given = MarketSettings(suffix_calendars=".XY=XNYS")
    usual = load_histories(tmp_path, UNTIL, market=given)["AAPL.XY"]
    with_holiday = load_histories(tmp_path, UNTIL, market=replace(given, calendars_file=holidays))["AAPL.XY"]
    assert len(load_histories(tmp_path, UNTIL, market=given)["AAPL.XY"]) == len(usual)
    assert len(usual) - len(with_holiday) == 7
    with pytest.raises(InvalidRequestError, match="trading hours are not known"):
        load_histories(tmp_path, UNTIL)


def test_a_folder_without_bars_is_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match="holds no"):
        load_histories(tmp_path, UNTIL)


def test_an_exchange_outside_new_york_is_another_market():
    profile = TickerProfile("CDR.WA", "files", "XWAR", "Europe/Warsaw", None, None, 20)
    assert market_of(profile) == "other equity"


def test_simulated_histories_end_before_the_instant_and_one_in_four_never_closes():
    since, until = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    histories = simulated_histories(4, since, until)
    assert [history.market for history in histories.values()] == ["US equity"] * 3 + ["crypto"]
    assert max(history.closed_at[-1] for history in histories.values()) < np.datetime64("2024-06-01")
    again = simulated_histories(2, since, until)
    assert all(np.array_equal(again[ticker].close, histories[ticker].close) for ticker in again)
    assert simulated_histories(0, since, until) == {}
