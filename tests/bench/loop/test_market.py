"""The simulated market of the loop: what a regime says is in the bars, and a change alters no earlier bar."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.loop.market import MOVED_SHAPE, TICKERS, Regime, make_market, write_market
from include.contracts import BarRequest
from include.market.files import FilesSource
from include.market.quality import reject_bars
from include.market.source import FetchReport

SINCE, UNTIL = datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
CHANGE = datetime(2024, 4, 1, tzinfo=UTC)


def market(*regimes: Regime, until: datetime = UNTIL) -> dict[str, pd.DataFrame]:
    starts = (SINCE, CHANGE)
    return make_market(SINCE, until, list(zip(starts, regimes, strict=False)), seed=3)


def moves(bars: dict[str, pd.DataFrame]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Log returns from close to close. [n, K]."""
    return np.diff(np.log(np.column_stack([frame["close"] for frame in bars.values()])), axis=0)


def test_bars_before_a_change_do_not_depend_on_it_nor_on_the_end() -> None:
    plain, changed = market(Regime(echo=0.8)), market(Regime(echo=0.8), Regime(echo=-0.8))
    shorter = market(Regime(echo=0.8), until=CHANGE)
    for ticker in TICKERS:
        before = plain[ticker]["ts"] < pd.Timestamp(CHANGE)
        pd.testing.assert_frame_equal(plain[ticker][before], changed[ticker][before])
        pd.testing.assert_frame_equal(plain[ticker][before], shorter[ticker])
        assert not plain[ticker][~before].equals(changed[ticker][~before])


@pytest.mark.parametrize("echo", [0.8, -0.8])
def test_the_echo_is_the_correlation_of_standardised_moves(echo: float) -> None:
    found = moves(market(Regime(echo=echo, shape=(1.0,) * 7)))
    found /= np.abs(found).mean(axis=0)
    pairs = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in found.T]
    assert np.mean(pairs) == pytest.approx(echo, abs=0.06)


def test_size_and_shape_and_tails_do_what_they_say() -> None:
    plain = moves(market(Regime()))
    assert np.std(moves(market(Regime(size=2.0)))) == pytest.approx(2.0 * np.std(plain))
    tails = moves(market(Regime(has_heavy_tails=True)))
    assert np.std(tails) == pytest.approx(np.std(plain), rel=0.1)
    assert kurtosis(tails) > kurtosis(plain) + 2.0
    slot = np.arange(1, len(plain) + 1) % 7
    late = np.abs(moves(market(Regime(shape=MOVED_SHAPE))))[slot >= 4].mean()
    assert late > 1.5 * np.abs(plain)[slot >= 4].mean()


def kurtosis(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    flat = values / values.std(axis=0)
    return float((flat**4).mean())


def test_the_source_files_reads_them_and_the_quality_gate_accepts_nearly_all(tmp_path: Path) -> None:
    write_market(tmp_path, market(Regime(echo=0.8)))
    source = FilesSource(tmp_path)
    profiles, failures = source.describe(TICKERS, UNTIL)
    assert not failures
    assert {profile.calendar for profile in profiles.values()} == {"XNYS"}
    report: FetchReport = source.fetch_bars([BarRequest(each, SINCE) for each in profiles.values()], UNTIL)
    accepted, rejected = reject_bars(report.bars, profiles, UNTIL)
    assert len(rejected) <= 0.002 * len(accepted)
    held = source.fetch_bars([BarRequest(profiles[TICKERS[0]], SINCE)], CHANGE).bars
    assert held["closed_at"].max() <= pd.Timestamp(CHANGE) - timedelta(minutes=2)
