"""What the terminal shows of the database."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from include.contracts import OutcomeStatus, Stage, TickerProfile, TickerStatus, TrackedTicker
from include.local.forecasts import (
    describe_unfinished,
    forecast_cells,
    forecast_table,
    format_price,
    format_ratio,
    open_reader,
)
from include.store import onboarding, registry
from include.store.engine import create_store_engine, transaction

AS_OF = datetime(2026, 11, 20, 15, 35, tzinfo=UTC)
ROW = {
    "ticker": "AAPL",
    "source": "yahoo",
    "is_simulated": False,
    "is_fallback": False,
    "last_close": 200.0,
    "q05": 198.0,
    "q50": 200.5,
    "q95": 203.0,
    "target_at": datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    "exchange_timezone": "America/New_York",
    "random_walk_q05": 197.0,
    "random_walk_q95": 203.0,
}


def tracked(ticker: str, status: TickerStatus, reason: str | None = None) -> TrackedTicker:
    return TrackedTicker(ticker, "yahoo", status, reason, history_days=729, profile=None)


def test_a_row_says_source_exchange_time_interval_and_the_random_walks_width() -> None:
    assert forecast_cells(ROW) == (
        "AAPL",
        "yahoo",
        "200.00",
        "Fri 20 Nov 10:30 EST",
        "200.50",
        "198.00 to 203.00",
        "2.50%",
        "3.00%",
    )


def test_simulated_tickers_are_marked_and_so_are_fallbacks() -> None:
    assert forecast_cells(ROW | {"is_simulated": True})[1] == "SIMULATED"
    assert forecast_cells(ROW | {"is_fallback": True})[1] == "yahoo fallback"


def test_a_missing_baseline_is_a_dash() -> None:
    assert forecast_cells(ROW | {"random_walk_q05": None, "random_walk_q95": None})[-1] == "-"


@pytest.mark.parametrize(("price", "text"), [(12345.678, "12,345.68"), (1.0, "1.00"), (0.000123456, "0.0001235")])
def test_prices_keep_the_digits_that_matter(price: float, text: str) -> None:
    assert format_price(price) == text


def test_shares_are_shown_as_percent() -> None:
    assert format_ratio(0.5, 200.0) == "0.25%"


@pytest.mark.parametrize("width", [80, 132])
def test_no_digit_is_lost_on_a_narrow_terminal(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(forecast_table([ROW | {"ticker": "ORION-USD.SIM", "is_simulated": True, "last_close": 12345.67}]))
    text = console.export_text()
    assert "…" not in text
    for part in ("ORION-USD.SIM", "SIMULATED", "12,345.67", "200.50", "198.00", "203.00"):
        assert part in text


def test_tickers_that_wait_for_the_same_reason_share_a_line() -> None:
    lines = describe_unfinished(
        [
            tracked("AAPL", TickerStatus.PENDING, "AAPL: Yahoo is away"),
            tracked("BTC-USD", TickerStatus.ACTIVE),
            tracked("MSFT", TickerStatus.PENDING, "MSFT: Yahoo is away"),
            tracked("NOPE", TickerStatus.REJECTED, "no such ticker"),
            tracked("NVDA", TickerStatus.PENDING, "not asked for here"),
        ],
        ["AAPL", "BTC-USD", "MSFT", "NOPE"],
    )
    assert lines == ["AAPL, MSFT: pending (Yahoo is away)", "NOPE: rejected (no such ticker)"]


@pytest.mark.integration
def test_an_empty_database_has_nothing_to_show(database_url: str) -> None:
    with open_reader(database_url) as reader:
        assert reader.statuses() == {}
        assert reader.latest() == []
        assert reader.describe_request("make_run__1") == ""
        assert reader.describe_hour(AS_OF - timedelta(hours=1), AS_OF) == ""


@pytest.mark.integration
def test_an_onboardings_tickers_are_counted_by_result_or_stage(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        for ticker in ("AAPL", "MSFT", "NOPE"):
            onboarding.open_ticker(connection, "run", ticker, as_of=AS_OF, source="yahoo", history_days=5)
        onboarding.advance(connection, "run", ["AAPL", "MSFT"], onboarding.RequestStage.VALIDATED)
        onboarding.close(connection, "run", "NOPE", "rejected", "no such ticker")
    engine.dispose()
    with open_reader(database_url) as reader:
        assert reader.describe_request("run") == "2 validated, 1 rejected"


@pytest.mark.integration
def test_an_hours_tickers_are_counted_by_stage_until_they_have_a_status(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        for ticker in ("ALFA.SIM", "BRAVO.SIM"):
            registry.upsert_pending(connection, [(ticker, "simulated", 5)], "being validated", AS_OF)
            registry.set_profile(
                connection, TickerProfile(ticker, "simulated", "24/7", "UTC", "USD", None, feed_delay_minutes=2)
            )
            registry.activate(connection, [ticker], AS_OF - timedelta(hours=1))
        registry.plan_hour(connection, AS_OF, 2, 1)
        registry.advance(connection, AS_OF, ["ALFA.SIM"], Stage.FETCHED)
        registry.record_outcomes(connection, AS_OF, {"BRAVO.SIM": (OutcomeStatus.SKIPPED, "no new bar")})
    engine.dispose()
    with open_reader(database_url) as reader:
        assert reader.describe_hour(AS_OF, AS_OF + timedelta(minutes=5)) == "1 fetched, 1 skipped"
        assert reader.statuses() == {"ALFA.SIM": TickerStatus.ACTIVE, "BRAVO.SIM": TickerStatus.ACTIVE}
