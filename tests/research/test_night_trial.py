"""The trial of refreshed forecasts and report nights, on an invented share whose nights trade like its days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import HORIZON_COUNT
from include.evaluation.metrics import crps
from include.market.grid import NEW_YORK
from include.market.sessions import bar_grid
from include.model.events import widen
from include.pipeline.models.ahead import Ahead
from research.night.blind import Blind
from research.night.cases import Cases, collect
from research.night.further import worth_of_more
from research.night.joined_bars import hourly, join_bars
from research.night.nights import EXCHANGE_ZONE, REFRESHES, make_nights, minutes_of, newest_close, read_closes
from research.night.refreshing import (
    blind,
    night_of_case,
    refreshed,
    refreshed_har,
    refreshed_walk,
    report_widths,
    with_constants,
)
from research.night.reports import Reports, report_bars, widened
from research.night.scores import covered, gain, share
from research.night_trial import main

SINCE, UNTIL = datetime(2024, 6, 3, tzinfo=UTC), datetime(2025, 1, 18, tzinfo=UTC)
FIVE = pd.Timedelta(5, "min")
UNIT = np.array([-2.0, -1.7, -1.3, -0.7, 0.0, 0.7, 1.3, 1.7, 2.0])


def _five_minute_bars() -> pd.DataFrame:
    """5-minute bars from 04:00 to 20:00 of each session's day; the price is a random walk in them."""
    grid = bar_grid(NEW_YORK, SINCE, UNTIL)
    sessions = grid.groupby("session_date").agg(opened=("opened_at", "min"), closed=("closed_at", "max"))
    parts = []
    for session in sessions.itertuples():
        day = pd.Timestamp(str(session.Index)).tz_localize(EXCHANGE_ZONE)
        ts = pd.date_range(day + pd.Timedelta(4, "h"), day + pd.Timedelta(20, "h"), freq="5min", inclusive="left")
        ts = ts.tz_convert("UTC")
        parts.append(pd.DataFrame({"ts": ts, "is_extended": (ts < session.opened) | (ts >= session.closed)}))
    bars = pd.concat(parts, ignore_index=True)
    close = 100.0 * np.exp(np.cumsum(0.001 * np.random.default_rng(5).standard_t(5, len(bars))))
    opened = np.concatenate([[100.0], close[:-1]])
    prices = {"open": opened, "close": close, "high": np.maximum(opened, close), "low": np.minimum(opened, close)}
    return bars.assign(**prices, volume=np.where(bars["is_extended"], 0, 100))


@pytest.fixture(scope="module")
def bars() -> pd.DataFrame:
    return _five_minute_bars()


@pytest.fixture(scope="module")
def folders(bars: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The share's hourly bars until the middle of December, its 5-minute bars, and the dates of two reports."""
    root = tmp_path_factory.mktemp("trial")
    (root / "hourly").mkdir()
    (root / "extended" / "vendor").mkdir(parents=True)
    whole = hourly(bars.query("not is_extended"))
    whole[whole["ts"] < "2024-12-14"].to_parquet(root / "hourly" / "ALFA.parquet")
    bars.to_parquet(root / "extended" / "vendor" / "ALFA.parquet")
    reports = "ticker,reported_on,timing\nALFA,2024-12-18,after_close\nALFA,2025-01-07,before_open\n"
    (root / "reports.csv").write_text(reports)
    return root


@pytest.fixture(scope="module")
def tried(bars: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Blind, Cases]:
    """Blind forecasts of the right width at each bar, and their cases."""
    path = tmp_path_factory.mktemp("closes") / "ALFA.parquet"
    bars.to_parquet(path)
    forecasts = _blind(hourly(bars.query("not is_extended")))
    nights = {"ALFA": make_nights(forecasts, read_closes(path))}
    return forecasts, collect({"ALFA": forecasts}, nights, {"ALFA": _reports("2024-12-18", "2025-01-07")})


def _reports(after_close: str, before_open: str) -> Reports:
    return Reports(np.array([after_close], dtype="datetime64[D]"), np.array([before_open], dtype="datetime64[D]"))


def _blind(whole: pd.DataFrame) -> Blind:
    grid = bar_grid(NEW_YORK, SINCE, UNTIL)
    assert (whole["ts"].to_numpy() == grid["opened_at"].to_numpy()).all()
    count, close = len(whole), np.log(whole["close"].to_numpy())
    outcome = np.full((count, HORIZON_COUNT), np.nan)
    for horizon in range(1, HORIZON_COUNT + 1):
        outcome[:-horizon, horizon - 1] = close[horizon:] - close[:-horizon]
    is_break = np.append(grid["is_session_first"].to_numpy()[1:], False)
    variance = np.where(is_break[:, np.newaxis] & (np.arange(HORIZON_COUNT) == 0), 10.0, 1.0)
    scale = 0.0045 * np.sqrt(np.cumsum(variance, axis=1))
    quantiles = scale[..., np.newaxis] * UNIT
    return Blind(
        market="US equity",
        closed_at=grid["closed_at"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
        close=whole["close"].to_numpy(),
        quantiles={"model": quantiles, "har": quantiles * 1.01, "walk": quantiles * 1.02},
        scale=scale,
        bar_variance=variance,
        is_break=is_break,
        outcome=outcome,
    )


def test_the_trial_prints_its_tables_from_folders(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(folders / name) for name in ("hourly", "extended", "reports.csv")]
    assert main([*arguments, "--since", "2024-11-28", "--steps", "2", "--cache", str(folders / "cache")]) == 0
    printed = capsys.readouterr().out
    rows = [line.split("|")[1:-1] for line in printed.splitlines() if line.startswith("| 08:35 ")]
    assert float(rows[0][2].split("±")[0]) > 20.0  # the night is known, and nothing else moves the price
    assert "# vendor: 32 nights" in printed
    assert "2025-01-17" in printed  # hours after the folder's end come from 5-minute bars
    assert next(line for line in printed.splitlines() if line.startswith("| the true night | 4.0 ")).endswith("| 2 |")
    assert main([*arguments, "--since", "2024-11-28", "--steps", "2", "--cache", str(folders / "cache")]) == 0
    assert capsys.readouterr().out == printed


def test_a_folder_without_bars_is_an_error(folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(folders / "extended"), str(folders / "reports.csv")]) == 1
    assert "InvalidRequestError" in capsys.readouterr().err


def test_hourly_bars_are_those_of_the_calendar_and_an_open_one_is_left_out(bars: pd.DataFrame) -> None:
    regular = bars.query("not is_extended").reset_index(drop=True)
    whole, cut = hourly(regular), hourly(regular.iloc[:-1])
    assert len(cut) == len(whole) - 1
    first = regular[regular["ts"] < whole["ts"][1]]
    assert whole["high"][0] == first["high"].max()
    assert whole["close"][0] == first["close"].iloc[-1]
    assert whole["volume"][0] == 1200


def test_joined_bars_go_on_where_the_older_ones_end(folders: Path, tmp_path: Path, bars: pd.DataFrame) -> None:
    join_bars(folders / "hourly", folders / "extended" / "vendor", tmp_path / "out")
    joined = pd.read_parquet(tmp_path / "out" / "ALFA.parquet")
    pd.testing.assert_frame_equal(joined, hourly(bars.query("not is_extended")).astype(joined.dtypes.to_dict()))


def test_a_nights_move_is_that_of_the_median_of_the_last_three_closes(
    bars: pd.DataFrame, tried: tuple[Blind, Cases]
) -> None:
    _, cases = tried
    number = REFRESHES.index("08:35")
    place = int(np.flatnonzero(cases.refresh == number)[10])
    at = pd.Timestamp(cases.day[place]) + pd.Timedelta(minutes_of("08:35") - 2, "min")
    closed = (bars["ts"] + FIVE).dt.tz_convert(EXCHANGE_ZONE).dt.tz_localize(None)
    known = bars[(closed <= at) & bars["is_extended"]]
    sessions = bars[(closed <= at) & ~bars["is_extended"]]
    expected = np.log(known["close"].iloc[-3:].median() / sessions["close"].iloc[-1])
    assert cases.move[place] == pytest.approx(expected)
    assert cases.age[place] == 5.0


def test_no_move_depends_on_later_prices(bars: pd.DataFrame, tried: tuple[Blind, Cases], tmp_path: Path) -> None:
    forecasts, cases = tried
    later = pd.Timestamp("2024-12-20 13:33", tz="UTC")  # 08:33 in New York: what the refresh of 08:35 may know
    changed = bars.assign(close=bars["close"].where(bars["ts"] + FIVE <= later, bars["close"] * 1.1))
    changed.to_parquet(tmp_path / "ALFA.parquet")
    nights = make_nights(forecasts, read_closes(tmp_path / "ALFA.parquet"))
    again = collect({"ALFA": forecasts}, {"ALFA": nights}, {})
    day = np.datetime64("2024-12-20", "us")
    is_past = (cases.day < day) | ((cases.day == day) & (cases.refresh <= REFRESHES.index("08:35")))
    np.testing.assert_array_equal(again.move[is_past], cases.move[is_past])
    assert (again.move[~is_past] != cases.move[~is_past]).all()


def test_sessions_that_are_missing_make_no_night(
    bars: pd.DataFrame, tried: tuple[Blind, Cases], tmp_path: Path
) -> None:
    forecasts, _ = tried
    first, last = np.datetime64("2024-10-01"), np.datetime64("2024-10-15")
    is_there = (forecasts.closed_at < first) | (forecasts.closed_at > last)
    rows = {name: getattr(forecasts, name)[is_there] for name in ("closed_at", "close", "scale", "is_break", "outcome")}
    holed = replace(forecasts, **rows)
    bars.to_parquet(tmp_path / "ALFA.parquet")
    nights = make_nights(holed, read_closes(tmp_path / "ALFA.parquet"))
    assert (nights.days - nights.anchor_days < np.timedelta64(6, "D")).all()
    assert len(nights.rows) == int(holed.is_break.sum()) - 1


def test_the_newest_close_alone_is_the_last_that_was_known(bars: pd.DataFrame, tried: tuple[Blind, Cases]) -> None:
    forecasts, cases = tried
    closes = pd.DataFrame({"closed_at": bars["ts"] + FIVE, "close": bars["close"]})[bars["is_extended"]]
    nights = make_nights(forecasts, closes.reset_index(drop=True), newest_close)
    number, day = REFRESHES.index("08:35"), np.datetime64("2024-12-20", "us")
    newest = closes.loc[closes["closed_at"] <= pd.Timestamp("2024-12-20 13:33", tz="UTC"), "close"].iloc[-1]
    place = int(np.flatnonzero(nights.days == day)[0])
    assert nights.move[place, number] == pytest.approx(np.log(newest / forecasts.close[nights.rows[place]]))
    assert nights.move[place, number] != cases.move[(cases.day == day) & (cases.refresh == number)][0]


def test_inputs_that_explain_the_error_gain_out_of_sample(tried: tuple[Blind, Cases]) -> None:
    _, cases = tried
    plain = _gains_of_more(cases)
    drifting = _gains_of_more(replace(cases, outcome=cases.outcome + cases.move[:, np.newaxis]))
    assert drifting["location", "the move"] > plain["location", "the move"] + 5.0
    assert plain["location", "the last hour's move"] < 2.0


def _gains_of_more(cases: Cases) -> dict[tuple[str, str], float]:
    rows = [line.split("|")[1:-1] for line in list(worth_of_more(cases))[2:]]
    return {(kind.strip(), name.strip()): float(cell.split("±")[0]) for kind, name, _, cell in rows}


def test_a_report_is_in_the_first_bar_after_it(tried: tuple[Blind, Cases]) -> None:
    forecasts, cases = tried
    bars_ahead = report_bars(forecasts, _reports("2024-12-20", "2025-01-07"))  # a Friday, and a Tuesday
    closed_at = forecasts.closed_at[bars_ahead[:, 0]].astype("datetime64[h]").astype(str)
    assert closed_at.tolist() == ["2024-12-20T21", "2025-01-06T21"]
    row = int(np.flatnonzero(bars_ahead[:, 0])[0])
    for back in range(1, HORIZON_COUNT):
        assert bars_ahead[row - back].tolist() == [column == back for column in range(HORIZON_COUNT)]
    days = np.unique(cases.day[cases.is_report[:, 0]]).astype("datetime64[D]").astype(str)
    assert days.tolist() == ["2024-12-19", "2025-01-07"]
    assert np.unique(cases.day[cases.is_report[:, 0] & cases.is_before_open]).size == 1


def test_only_paths_with_a_report_are_widened(tried: tuple[Blind, Cases]) -> None:
    forecasts, _ = tried
    is_report = report_bars(forecasts, _reports("2024-12-20", "2025-01-07"))
    quantiles = forecasts.quantiles["model"]
    result = widened(forecasts, quantiles, is_report, 4.0)
    touched = np.cumsum(is_report, axis=1) > 0
    assert result[~touched].tobytes() == quantiles[~touched].tobytes()
    assert (result[touched][:, -1] > quantiles[touched][:, -1]).all()
    row = int(np.flatnonzero(is_report[:, 2])[0])
    expected = widen(quantiles[row], forecasts.bar_variance[row], np.array([1.0, 1.0, 4.0, 1.0, 1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(result[row], expected)


def test_reports_move_by_weekdays_and_have_both_sides_if_the_side_is_unknown() -> None:
    reports = _reports("2024-12-20", "2025-01-07")
    assert reports.moved(1).after_close.astype(str).tolist() == ["2024-12-23"]
    assert reports.moved(-5).before_open.astype(str).tolist() == ["2024-12-31"]
    assert sorted(reports.both_sides.before_open.astype(str)) == ["2024-12-20", "2025-01-07"]


def test_the_products_constants_are_those_of_the_product(tried: tuple[Blind, Cases]) -> None:
    _, cases = tried
    place = int(np.flatnonzero((cases.refresh == REFRESHES.index("08:35")) & ~cases.is_report.any(axis=1))[3])
    one = cases.where(np.arange(len(cases)) == place)
    expected = refreshed(one)
    left = (refreshed_har(one)[0, 0, -1] - refreshed_har(one)[0, 0, 4]) / (one.har[0, 0, -1] - one.har[0, 0, 4])
    np.testing.assert_allclose(with_constants(one, 1.0, left), expected, rtol=1e-9, atol=1e-15)
    assert night_of_case(one, 0).clock_minutes == 8 * 60 + 35
    np.testing.assert_allclose(refreshed_walk(one)[0], one.walk[0] + one.move[0])
    assert refreshed(one, has_reports=True).tobytes() == expected.tobytes()
    assert blind(one, has_reports=True).tobytes() == one.model.tobytes()


def test_a_gain_is_that_of_a_loop_and_its_error_is_by_day() -> None:
    random = np.random.default_rng(3)
    outcomes, day = random.standard_normal(400), np.repeat(np.arange(40), 10)
    ticker = np.tile(np.array(["A", "B"]), 200)
    quantiles = np.tile(1.4 * UNIT, (400, 1))
    losses, others = 3.0 * crps(outcomes, np.tile(UNIT, (400, 1))), 3.0 * crps(outcomes, quantiles)
    ratios = [losses[ticker == name].mean() / others[ticker == name].mean() for name in "AB"]
    found = gain(losses, others, ticker, day)
    assert found.value == pytest.approx(100.0 * (1.0 - np.mean(ratios)))
    doubled = gain(np.repeat(losses, 2), np.repeat(others, 2), np.repeat(ticker, 2), np.repeat(day, 2))
    assert doubled.error == pytest.approx(found.error)  # the same nights twice are no new evidence
    uneven = np.arange(400) % 8 != 0
    by_ticker = gain(losses[uneven], others[uneven], ticker[uneven], day[uneven], is_by_ticker=True)
    means = [losses[uneven & (ticker == name)].sum() / others[uneven & (ticker == name)].sum() for name in "AB"]
    assert by_ticker.value == pytest.approx(100.0 * (1.0 - np.mean(means)))


def test_shares_and_coverage_are_in_percent() -> None:
    hits = np.array([True, True, True, False])
    assert share(hits, np.arange(4)).value == 75.0
    assert share(hits, np.zeros(4)).error == pytest.approx(0.0)
    outcomes = np.array([0.0, 1.0, 1.5, np.nan])
    assert covered(outcomes, np.tile(UNIT, (4, 1)), 80, np.arange(4)).value == pytest.approx(200.0 / 3.0)
    assert np.isnan(share(hits[:0], hits[:0]).value)


def test_the_trial_refreshes_a_forecast_as_an_hour_does(tried: tuple[Blind, Cases]) -> None:
    """The trial's figures are the product's only if both put the pieces together in the same way."""
    _, cases = tried
    few = cases.where(np.arange(len(cases)) % 7 == 0)
    few.is_report[::2, 0] = True  # so that every second case is a night with a report
    ours, hars, walks = refreshed(few, has_reports=True), refreshed_har(few), refreshed_walk(few)
    widths = report_widths(few)
    assert (widths > 1).any()
    assert (widths[:, 0] == 1).any()
    for place in range(len(few)):
        ahead = Ahead(few.bar_variance[place], widths[place], [], night_of_case(few, place))
        assert np.array_equal(ahead.applied(few.model[place], few.scale[place]), ours[place])
        assert np.array_equal(ahead.applied_to_har(few.har[place]), hars[place])
        assert np.array_equal(ahead.applied_to_walk(few.walk[place]), walks[place])
