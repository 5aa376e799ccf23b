"""The metrics of the pipeline, read as bi_reader."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.local.hours import last_tick
from include.local.postgres import APP_ROLE, READER_ROLE, EmbeddedPostgres
from include.pipeline.measures import measured
from include.store.budget import RequestBudget
from include.store.drift import Look, save_look
from include.store.engine import transaction
from include.store.metrics import DESCRIPTIONS, Sample, kind_of, read_metrics
from include.store.reader import create_reader_engine
from tests.store.test_drift import COVERAGE, LATE, LEVEL, VOLUME
from tests.support.products import HOUR, ROUND_THE_CLOCK, Product, open_product

pytestmark = pytest.mark.integration

Found = dict[tuple[str, tuple[str, ...]], float]


def by_labels(samples: list[Sample]) -> Found:
    return {(sample.metric, tuple(sample.labels.values())): sample.value for sample in samples}


@pytest.fixture(scope="module")
def product(
    migrated_server: EmbeddedPostgres, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Two tickers, and hours up to the newest that is due."""
    newest = last_tick(datetime.now(UTC), 35)
    with open_product(module_database_url, tmp_path_factory.mktemp("metrics") / "models") as product:
        product.onboard(*ROUND_THE_CLOCK, as_of=newest - 4 * HOUR)
        for hours in (3, 2, 1, 0):
            product.run_hour(newest - hours * HOUR)
        measured(product.services, "predict", newest, lambda: {"forecast": 2}, 0)
        measured(product.services, "fetch_bars", newest, lambda: {"days_known.calendar.24/7": 400}, 0)
        budget = RequestBudget(product.services.engine, "yahoo", 50)
        assert [budget.wait_for_turn() for _ in range(3)] == [0.0, 0.0, 0.0]
        budget.block(60)
        with transaction(product.services.engine) as connection:
            look = Look(newest - HOUR, newest - 24 * HOUR, None)
            save_look(connection, look, [COVERAGE, LATE], [LEVEL, VOLUME])
        product.query(
            "insert into forecast.ticker (ticker, source, history_days, status, status_at) "
            "values ('NEW', 'yahoo', 90, 'pending', now())"
        )
        yield product


@pytest.fixture(scope="module")
def found(product: Product, migrated_server: EmbeddedPostgres) -> Found:
    engine = create_reader_engine(migrated_server.url(READER_ROLE, product.url.rpartition("/")[2]))
    samples = read_metrics(engine)
    engine.dispose()
    return by_labels(samples)


def test_each_metric_is_described_and_each_description_has_a_metric(found: Found) -> None:
    assert {metric for metric, _ in found} == set(DESCRIPTIONS)


def test_the_state_of_a_small_history_is_measured(found: Found) -> None:
    assert found["hourcast_tickers", ("active",)] == 2
    assert found["hourcast_tickers", ("pending",)] == 1
    assert found["hourcast_outcomes", ("forecast",)] == 2
    assert found["hourcast_fetches", ("done", "simulated")] == 2
    assert found["hourcast_missing_hours", ()] == 0
    assert found["hourcast_unreadable_models", ()] == 0
    assert found["hourcast_stage_count", ("forecast", "predict")] == 2
    assert found["hourcast_stage_failed", ("0", "predict")] == 0
    assert found["hourcast_known_days", ("calendar", "24/7")] == 400
    assert 0 <= found["hourcast_newest_hour_age_seconds", ()] < 2 * 3600
    assert found["hourcast_newest_hour_age_seconds", ()] == pytest.approx(
        found["hourcast_forecast_age_seconds", ()], abs=1
    )
    assert found["hourcast_database_bytes", ()] > 1e6
    assert 0 <= found["hourcast_freshness_lag_seconds", ()] < 3600


def test_the_requests_to_a_source_are_counted_with_their_waits(found: Found) -> None:
    assert found["hourcast_requests_total", ("yahoo",)] == 3
    assert found["hourcast_request_wait_seconds_total", ("yahoo",)] == pytest.approx(2 * 0.02, abs=0.04)
    assert found["hourcast_request_blocks_total", ("yahoo",)] == 1
    assert found["hourcast_requests_blocked", ("yahoo",)] == 1


def test_accuracy_is_that_of_the_scores(product: Product, found: Found) -> None:
    ((count, inside),) = product.query(
        "select sum(forecast_count), sum(coverage_90_ratio * forecast_count) from bi.market_daily where not is_refresh"
    )
    assert found["hourcast_scored_forecasts", ("7", "true")] == count > 0
    assert found["hourcast_coverage_90_ratio", ("30", "true")] == pytest.approx(inside / count)
    ((skill,),) = product.query(
        "select 1 - sum(crps_beside_random_walk_sum) / sum(random_walk_crps_sum) from bi.market_daily"
    )
    assert found["hourcast_crps_skill_ratio", ("7", "true")] == pytest.approx(skill)


def test_missing_hours_are_those_of_the_view(product: Product, migrated_server: EmbeddedPostgres) -> None:
    product.query("insert into forecast.planned_hour values (now() - interval '20 hours')")
    engine = create_reader_engine(migrated_server.url(APP_ROLE, product.url.rpartition("/")[2]))
    measured_count = by_labels(read_metrics(engine))["hourcast_missing_hours", ()]
    engine.dispose()
    ((count,),) = product.query("select count(*) from bi.missing_hour where as_of > now() - interval '48 hours'")
    product.query("delete from forecast.planned_hour where as_of < now() - interval '19 hours'")

    assert measured_count == count > 10


def test_a_counter_has_the_ending_of_one() -> None:
    assert kind_of("hourcast_requests_total") == "counter"
    assert kind_of("hourcast_tickers") == "gauge"


def test_drift_is_measured_by_kind_and_market(found: Found) -> None:
    assert found["hourcast_drifted", ("coverage", "XNYS", "false")] == 1
    assert found["hourcast_drifted", ("late", "XNYS", "false")] == 0
    assert found["hourcast_drift_e_value", ("coverage", "XNYS", "false")] == 9000
    assert found["hourcast_shifted_inputs", ("XNYS", "false")] == 1
    assert 3600 <= found["hourcast_drift_look_age_seconds", ()] < 3 * 3600
