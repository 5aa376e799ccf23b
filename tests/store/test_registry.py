"""The registry: a ticker's life, an hour's plan that stays, and what became of it."""

from datetime import timedelta

import pytest

from include.contracts import OutcomeStatus, Shard, Stage, TickerStatus
from include.store import registry
from include.store.engine import Connection, Engine, fetch_rows, transaction
from include.store.features import save_features
from include.store.onboarding import tickers_without_model
from tests.support.rows import START, at, features, profile, track

pytestmark = pytest.mark.integration

TEN = [f"T{number}" for number in range(10)]


def _statuses(connection: Connection) -> dict[str, tuple[str, str | None]]:
    return {item.ticker: (item.status.value, item.status_reason) for item in registry.get_tickers(connection)}


def _plan(connection: Connection, as_of: object = at(1), shard_count: int = 4, minimum: int = 3) -> list[list[str]]:
    shards = registry.plan_hour(connection, as_of, shard_count, minimum)  # type: ignore[arg-type]
    return [[item.profile.ticker for item in registry.planned_tickers(connection, shard)] for shard in shards]


def test_a_ticker_is_pending_without_a_profile_until_its_source_describes_it(connection: Connection) -> None:
    registry.upsert_pending(connection, [("AAPL", "yahoo", 100)], "waits for Yahoo", START)

    (item,) = registry.get_tickers(connection, ["AAPL", "NONE"])
    assert (item.source, item.status, item.status_reason) == ("yahoo", TickerStatus.PENDING, "waits for Yahoo")
    assert (item.history_days, item.profile) == (100, None)

    registry.set_profile(connection, profile())
    assert registry.get_tickers(connection)[0].profile == profile()


def test_a_profile_of_another_source_is_not_taken(connection: Connection) -> None:
    registry.upsert_pending(connection, [("AAPL", "files", 100)], None, START)

    registry.set_profile(connection, profile(source="yahoo"))

    assert registry.get_tickers(connection)[0].profile is None


def test_asking_again_makes_anything_but_an_active_ticker_pending(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT")
    registry.retire(connection, ["MSFT"], at(1))

    registry.upsert_pending(connection, [("AAPL", "files", 5), ("MSFT", "files", 5)], "again", at(2))

    assert _statuses(connection) == {"AAPL": ("active", None), "MSFT": ("pending", "again")}
    assert {item.ticker: item.source for item in registry.get_tickers(connection)} == {"AAPL": "yahoo", "MSFT": "files"}


def test_tickers_are_found_by_name_and_by_status(connection: Connection) -> None:
    registry.upsert_pending(connection, [(ticker, "yahoo", 9) for ticker in "CAB"], None, START)
    registry.set_status(connection, "B", TickerStatus.FAILED, "no bars", at(1))

    assert [item.ticker for item in registry.get_tickers(connection)] == ["A", "B", "C"]
    assert [item.ticker for item in registry.get_tickers(connection, statuses={TickerStatus.PENDING})] == ["A", "C"]
    assert registry.get_tickers(connection, [], {TickerStatus.PENDING}) == []
    assert registry.get_tickers(connection, ["A"], {TickerStatus.FAILED}) == []


def test_saying_the_same_status_again_keeps_its_time(connection: Connection) -> None:
    registry.upsert_pending(connection, [("AAPL", "yahoo", 9)], None, START)
    for hour in (1, 2):
        registry.set_status(connection, "AAPL", TickerStatus.FAILED, "no bars", at(hour))

    assert fetch_rows(connection, "select status_at from forecast.ticker") == [{"status_at": at(1)}]


def test_an_active_ticker_keeps_the_instant_it_became_so(connection: Connection) -> None:
    track(connection, "AAPL", as_of=at(1))
    registry.activate(connection, ["AAPL"], at(5))

    (row,) = fetch_rows(connection, "select status_at, onboarded_as_of, activated_as_of from forecast.ticker")
    assert set(row.values()) == {at(1)}


def test_retiring_ends_only_what_is_tracked(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT")

    assert registry.retire(connection, ["MSFT", "AAPL", "NONE"], at(1)) == ["AAPL", "MSFT"]
    assert registry.retire(connection, ["AAPL"], at(2)) == []


def test_a_ticker_that_comes_back_keeps_its_first_onboarding(connection: Connection) -> None:
    track(connection, "AAPL", as_of=at(0))
    registry.retire(connection, ["AAPL"], at(2))
    track(connection, "AAPL", as_of=at(4))

    (row,) = fetch_rows(connection, "select * from forecast.ticker")
    assert (row["onboarded_as_of"], row["activated_as_of"], row["retired_as_of"]) == (at(0), at(4), None)


def test_an_hour_plans_what_was_active_before_it_and_not_retired_by_then(connection: Connection) -> None:
    track(connection, "EARLY", as_of=at(0))
    track(connection, "NOW", as_of=at(1))
    track(connection, "GONE", "GOING", as_of=at(0))
    registry.retire(connection, ["GONE"], at(1))
    registry.retire(connection, ["GOING"], at(2))
    registry.upsert_pending(connection, [("WAITING", "yahoo", 9)], None, at(0))

    assert _plan(connection, at(1)) == [["EARLY", "GOING"]]


def test_a_plan_stays_as_its_first_run_wrote_it(connection: Connection) -> None:
    track(connection, *TEN)
    first = _plan(connection)
    registry.retire(connection, ["T3"], at(0.5))
    track(connection, "NEW", as_of=at(0))

    assert _plan(connection, shard_count=2, minimum=1) == first
    assert [ticker for shard in _plan(connection, at(1.5)) for ticker in shard].count("NEW") == 1


def test_a_plan_without_tickers_stays_without(connection: Connection) -> None:
    assert _plan(connection, at(2)) == []
    track(connection, "NEW", as_of=at(0))

    assert _plan(connection, at(2)) == []
    assert _plan(connection, at(1)) == _plan(connection, at(3)) == [["NEW"]]


def test_tickers_are_dealt_out_evenly_and_in_order(connection: Connection) -> None:
    track(connection, *TEN)

    assert _plan(connection) == [["T0", "T3", "T6", "T9"], ["T1", "T4", "T7"], ["T2", "T5", "T8"]]


@pytest.mark.parametrize(
    ("tickers", "most", "minimum", "shards"),
    [(1, 4, 8, 1), (15, 4, 8, 1), (16, 4, 8, 2), (1000, 4, 8, 4), (3, 4, 1, 3), (0, 4, 8, 0)],
)
def test_a_shard_has_its_minimum_of_tickers(tickers: int, most: int, minimum: int, shards: int) -> None:
    places = registry.deal([str(number) for number in range(tickers)], most, minimum)

    assert len(set(places.values())) == shards


def test_an_hour_without_tickers_has_no_shards(connection: Connection) -> None:
    assert _plan(connection) == []
    assert registry.hour_summary(connection, at(1)) == {}


def test_a_planned_ticker_begins_at_the_beginning(connection: Connection) -> None:
    track(connection, "AAPL")
    (shard,) = registry.plan_hour(connection, at(1), 4, 8)

    (item,) = registry.planned_tickers(connection, shard)

    assert shard == Shard(at(1), 0, 1)
    assert item.profile == profile()
    assert (item.as_of, item.stage, item.status, item.reason) == (at(1), Stage.PLANNED, OutcomeStatus.PLANNED, None)


def test_a_stage_moves_forward_and_never_back(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT")
    (shard,) = registry.plan_hour(connection, at(1), 4, 8)

    registry.advance(connection, at(1), ["AAPL"], Stage.TRAINED)
    registry.advance(connection, at(1), ["AAPL", "MSFT"], Stage.FETCHED)

    assert [item.stage for item in registry.planned_tickers(connection, shard)] == [Stage.TRAINED, Stage.FETCHED]


def test_a_rerun_that_gets_on_forgives_the_failure(connection: Connection) -> None:
    track(connection, "AAPL")
    (shard,) = registry.plan_hour(connection, at(1), 4, 8)
    registry.record_outcomes(connection, at(1), {"AAPL": (OutcomeStatus.FAILED, "fetch: timeout")})

    registry.advance(connection, at(1), ["AAPL"], Stage.FETCHED)

    (item,) = registry.planned_tickers(connection, shard)
    assert (item.status, item.reason) == (OutcomeStatus.PLANNED, None)


def test_outcomes_are_listed_by_status_with_their_reasons(connection: Connection) -> None:
    track(connection, *TEN)
    _plan(connection)
    outcomes = dict.fromkeys(TEN[:9], (OutcomeStatus.FORECAST, None))
    registry.record_outcomes(connection, at(1), {**outcomes, TEN[9]: (OutcomeStatus.SKIPPED, "no new bar")})

    assert registry.hour_results(connection, at(1)) == {
        "forecast": dict.fromkeys(TEN[:9], ""),
        "skipped": {TEN[9]: "no new bar"},
    }
    assert registry.hour_results(connection, at(2)) == {}


def test_outcomes_are_counted_by_status(connection: Connection) -> None:
    track(connection, *TEN)
    _plan(connection)
    outcomes = dict.fromkeys(TEN[:6], (OutcomeStatus.FORECAST, None))
    registry.record_outcomes(connection, at(1), {**outcomes, "T7": (OutcomeStatus.SKIPPED, "no new bar")})

    assert registry.hour_summary(connection, at(1)) == {
        OutcomeStatus.FORECAST: 6,
        OutcomeStatus.PLANNED: 3,
        OutcomeStatus.SKIPPED: 1,
    }
    assert registry.record_outcomes(connection, at(1), {}) == 0


def test_repeating_what_is_known_moves_no_clock(engine: Engine) -> None:
    with transaction(engine) as connection:
        track(connection, "AAPL")
        registry.plan_hour(connection, at(1), 4, 8)
    stored = []
    for _ in range(2):
        with transaction(engine) as connection:
            registry.plan_hour(connection, at(1), 4, 8)
            registry.advance(connection, at(1), ["AAPL"], Stage.PREDICTED)
            registry.record_outcomes(connection, at(1), {"AAPL": (OutcomeStatus.FALLBACK, "no model")})
            stored.append(fetch_rows(connection, "select * from forecast.outcome"))

    assert stored[0] == stored[1]


def test_a_fallback_with_enough_history_needs_a_model(connection: Connection) -> None:
    track(connection, "AAPL", "MSFT", "NVDA")
    _plan(connection)
    fallback = (OutcomeStatus.FALLBACK, "no model yet")
    registry.record_outcomes(connection, at(1), dict.fromkeys(("AAPL", "MSFT"), fallback))
    for ticker, count in (("AAPL", 3), ("MSFT", 2), ("NVDA", 3)):
        save_features(connection, features([1.0] * count, ticker, known_at=at(1)))
    save_features(connection, features([2.0] * 2, "MSFT", known_at=at(1) + timedelta(minutes=1)))

    assert tickers_without_model(connection, at(1), minimum_bars=3) == ["AAPL"]
    assert tickers_without_model(connection, at(2), minimum_bars=3) == []
