"""What the terminal shows of the database."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from include.contracts import OutcomeStatus, Stage, TickerProfile, TickerStatus
from include.local.forecasts import (
    forecast_cells,
    forecast_table,
    format_price,
    format_ratio,
    open_reader,
    reason_lines,
)
from include.local.reasons import Finding
from include.store import onboarding, registry
from include.store.engine import create_store_engine, transaction

AS_OF = datetime(2026, 11, 20, 15, 35, tzinfo=UTC)
ROW = {
    "ticker": "AAPL",
    "source": "yahoo",
    "is_simulated": False,
    "is_fallback": False,
    "last_close": 200.0,
    "believed_price": None,
    "price_at": datetime(2026, 11, 19, 21, 0, tzinfo=UTC),
    "reasons": None,
    "q05": 198.0,
    "q50": 200.5,
    "q95": 203.0,
    "target_at": datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    "exchange_timezone": "America/New_York",
    "random_walk_q05": 197.0,
    "random_walk_q95": 203.0,
}


def test_a_row_has_source_exchange_time_interval_and_the_random_walks_width() -> None:
    assert forecast_cells(ROW) == (
        "AAPL",
        "yahoo",
        "200.00",
        "Thu 19 Nov 16:00 EST",
        "Fri 20 Nov 10:30 EST",
        "200.50",
        "198.00 to 203.00",
        "2.50%",
        "3.00%",
    )


def test_at_night_a_row_starts_from_the_nights_price() -> None:
    night = {"believed_price": 202.0, "price_at": datetime(2026, 11, 20, 13, 30, tzinfo=UTC)}

    cells = forecast_cells(ROW | night)

    assert cells[2:4] == ("202.00", "Fri 20 Nov 08:30 EST")
    assert cells[-2] == format_ratio(5.0, 202.0)


def test_every_ticker_with_a_reason_has_a_line() -> None:
    assert reason_lines([ROW, ROW | {"reasons": "report after the close of 30 Jan"}]) == [
        "AAPL: report after the close of 30 Jan"
    ]


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


@pytest.mark.integration
def test_an_empty_database_has_nothing_to_show(database_url: str) -> None:
    with open_reader(database_url) as reader:
        assert reader.statuses() == {}
        assert reader.tickers() == []
        assert reader.newest_hour() is None
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
def test_an_hours_tickers_have_a_stage_until_they_have_an_outcome(database_url: str) -> None:
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
    with open_reader(database_url) as reader:
        assert reader.describe_hour(AS_OF, AS_OF + timedelta(minutes=5)) == "1 fetched, 1 skipped"
        assert reader.describe_hour(AS_OF + timedelta(minutes=1), AS_OF + timedelta(minutes=5)) == ""
        assert reader.statuses() == {"ALFA.SIM": TickerStatus.ACTIVE, "BRAVO.SIM": TickerStatus.ACTIVE}
        running = reader.newest_hour()
        with transaction(engine) as connection:
            registry.record_outcomes(connection, AS_OF, {"ALFA.SIM": (OutcomeStatus.FORECAST, None)})
        finished = reader.newest_hour()
    engine.dispose()
    assert running is not None
    assert finished is not None
    skipped = Finding("BRAVO.SIM", "skipped", "no new bar")
    assert (running.as_of, running.findings) == (AS_OF, (Finding("ALFA.SIM", "fetched"), skipped))
    assert finished.findings == (Finding("ALFA.SIM", "forecast"), skipped)
    assert (running.is_finished, finished.is_finished) == (False, True)


@pytest.mark.integration
def test_tickers_that_are_not_active_have_their_reason(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        entries = [("AAPL", "yahoo", 5), ("BTC-USD", "yahoo", 5), ("MSFT", "yahoo", 5)]
        registry.upsert_pending(connection, entries, "being validated", AS_OF)
        registry.set_profile(connection, TickerProfile("BTC-USD", "yahoo", "24/7", "UTC", "USD", None, 2))
        registry.activate(connection, ["BTC-USD"], AS_OF)
        registry.set_status(connection, "AAPL", TickerStatus.REJECTED, "no such ticker", AS_OF)
    engine.dispose()
    rejected = Finding("AAPL", "rejected", "no such ticker")
    with open_reader(database_url) as reader:
        assert reader.tickers() == [
            rejected,
            Finding("BTC-USD", "active"),
            Finding("MSFT", "pending", "being validated"),
        ]
        assert reader.unfinished(["AAPL", "BTC-USD"]) == [rejected]
