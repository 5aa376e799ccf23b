"""What is known of the bars ahead: reports and prices of the night on a forecast, and the reasons that people read."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS, BarRequest, TickerProfile
from include.earnings import ReportTiming
from include.evaluation.history import History
from include.market import sessions
from include.market.believed import BelievedPrice
from include.market.extended_hours import Night, night_of
from include.market.simulated import SimulatedSource
from include.pipeline.data.histories import history_of
from include.pipeline.data.nights import NightPrice
from include.pipeline.data.reports import ReportNight
from include.pipeline.models.ahead import Ahead, look_ahead

TICKER = "ALFA.SIM"
CLOSED = datetime(2025, 3, 31, 20, 0, tzinfo=UTC)
MORNING = datetime(2025, 4, 1, 12, 35, tzinfo=UTC)
OPENS = datetime(2025, 4, 1, 13, 30, tzinfo=UTC)
FLAT = np.tile(np.linspace(-0.04, 0.04, len(QUANTILE_LEVELS)), (HORIZON_COUNT, 1))
SCALE = np.full(HORIZON_COUNT, 0.02)
MEDIAN = QUANTILE_LEVELS.index(0.5)


@pytest.fixture(scope="module")
def profile() -> TickerProfile:
    found, _ = SimulatedSource().describe([TICKER], CLOSED)
    return found[TICKER]


@pytest.fixture(scope="module")
def history(profile: TickerProfile) -> History:
    """Three months of bars up to a session's close."""
    request = BarRequest(profile, CLOSED - timedelta(days=90))
    return history_of(SimulatedSource().fetch_bars([request], CLOSED + timedelta(minutes=2)).bars, profile)


def _look(profile: TickerProfile, history: History, **known: object) -> Ahead:
    targets = sessions.next_closes(profile.calendar, CLOSED, HORIZON_COUNT)
    return look_ahead(profile, history, targets, MORNING, **known)  # type: ignore[arg-type]


def _report(timing: ReportTiming = ReportTiming.BEFORE_OPEN, probability: float = 0.95) -> ReportNight:
    return ReportNight(OPENS, probability, timing, date(2025, 4, 1), "report before the open of 1 Apr")


def _price(history: History, move: float) -> NightPrice:
    night = night_of("XNYS", MORNING, 8)
    assert isinstance(night, Night)
    at = MORNING - timedelta(minutes=5)
    return NightPrice(night, BelievedPrice(float(history.close[-1] * np.exp(move)), at, (at,)))


def _texts(ahead: Ahead, horizon: int = 1) -> list[str]:
    return [str(reason["text"]) for reason in ahead.reasons[horizon - 1]]


def test_without_anything_known_a_forecast_keeps_every_bit(profile: TickerProfile, history: History) -> None:
    ahead = _look(profile, history)

    assert not ahead.is_refresh
    for made in (ahead.applied(FLAT, SCALE), ahead.applied_to_har(FLAT), ahead.applied_to_walk(FLAT)):
        assert np.array_equal(made, FLAT)


def test_a_report_widens_every_path_that_contains_it(profile: TickerProfile, history: History) -> None:
    made = _look(profile, history, reports=[_report()]).applied(FLAT, SCALE)

    widths = made[:, -1] - made[:, 0]
    assert widths[0] == pytest.approx(4 * (FLAT[0, -1] - FLAT[0, 0]))
    assert (np.diff(widths) < 0).all()
    assert (widths > FLAT[0, -1] - FLAT[0, 0]).all()
    assert np.array_equal(_look(profile, history, reports=[_report()]).applied_to_har(FLAT), FLAT)


def test_a_report_that_is_hardly_likely_or_beyond_the_horizons_is_none(
    profile: TickerProfile, history: History
) -> None:
    far = ReportNight(OPENS + timedelta(days=5), 0.95, ReportTiming.BEFORE_OPEN, date(2025, 4, 6), "far")
    ahead = _look(profile, history, reports=[_report(probability=0.05), far])

    assert np.array_equal(ahead.applied(FLAT, SCALE), FLAT)
    assert all("report" not in text for text in _texts(ahead, HORIZON_COUNT))


def test_a_report_stands_on_the_horizons_from_its_night_on(profile: TickerProfile, history: History) -> None:
    next_night = ReportNight(OPENS + timedelta(days=1), 0.95, ReportTiming.AFTER_CLOSE, date(2025, 4, 1), "the report")
    early = _look(profile, history, reports=[next_night])

    assert [("the report" in _texts(early, horizon)) for horizon in (1, HORIZON_COUNT)] == [False, False]
    assert "report before the open of 1 Apr" in _texts(_look(profile, history, reports=[_report()]), 1)


@pytest.mark.parametrize("move", [0.02, -0.03])
def test_the_nights_price_moves_all_three_forecasts(profile: TickerProfile, history: History, move: float) -> None:
    ahead = _look(profile, history, price=_price(history, move))

    ours, har, walk = ahead.applied(FLAT, SCALE), ahead.applied_to_har(FLAT), ahead.applied_to_walk(FLAT)
    assert ours[:, MEDIAN] == pytest.approx(np.full(HORIZON_COUNT, move))
    assert har[:, MEDIAN] == pytest.approx(np.full(HORIZON_COUNT, move))
    assert walk == pytest.approx(FLAT + move)
    assert har[0, -1] - har[0, 0] < FLAT[0, -1] - FLAT[0, 0]
    assert f"pre-market price of 08:30: {np.expm1(move):+.1%}" in _texts(ahead)


def test_a_large_move_leaves_a_wider_forecast_and_a_report_expects_it(profile: TickerProfile, history: History) -> None:
    def width(move: float, *reports: ReportNight) -> float:
        made = _look(profile, history, price=_price(history, move), reports=reports).applied(FLAT, SCALE)
        return float(made[0, -1] - made[0, 0])

    assert width(0.0) < width(0.05) < width(0.1)
    assert width(0.05, _report()) / width(0.0, _report()) < width(0.05) / width(0.0)


def test_bars_that_have_passed_keep_their_forecast(profile: TickerProfile, history: History) -> None:
    ahead = _look(profile, history, price=_price(history, 0.02))
    late = Ahead(ahead.bar_variance, ahead.widths, ahead.reasons, ahead.night, ahead.price, ahead.priced_at, 1)

    for made in (late.applied(FLAT, SCALE), late.applied_to_har(FLAT), late.applied_to_walk(FLAT)):
        assert np.array_equal(made[0], FLAT[0])
        assert made[1:, MEDIAN] == pytest.approx(np.full(HORIZON_COUNT - 1, 0.02))


def test_a_wild_session_is_a_reason(profile: TickerProfile, history: History) -> None:
    session = round(history.session_bars)
    bars = history.bars.copy()
    bars.iloc[-session:, bars.columns.get_loc("high")] *= 1.2
    wild = history_of(bars[["ticker", "opened_at", "closed_at", "open", "high", "low", "close", "volume"]], profile)

    assert any(text.startswith("volatility") for text in _texts(_look(profile, wild)))


def test_an_announcement_is_a_reason_from_its_bar_on(profile: TickerProfile, history: History) -> None:
    at = datetime(2025, 5, 7, 17, 30, tzinfo=UTC)
    request = BarRequest(profile, at - timedelta(days=90))
    before = history_of(SimulatedSource().fetch_bars([request], at + timedelta(minutes=2)).bars, profile)
    targets = sessions.next_closes(profile.calendar, at, HORIZON_COUNT)
    ahead = look_ahead(profile, before, targets, at + timedelta(minutes=5))

    assert "rate decision at 14:00" in _texts(ahead, 1)
    assert "rate decision at 14:00" not in _texts(_look(profile, history), 1)
