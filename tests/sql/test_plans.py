"""What runs every hour reads what it needs and not whole tables as they grow: counted by Postgres itself."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from include.contracts import FEATURE_COLUMNS
from include.local.postgres import EmbeddedPostgres
from include.store.bars import earliest_changes, load_bars, newest_closed_at
from include.store.engine import Connection, create_store_engine, execute, fetch_rows, transaction
from include.store.forecasts import last_anchored, matured_unscored
from tests.support.databases import owner_url
from tests.support.rows import START, at

pytestmark = pytest.mark.integration

TICKER_COUNT = 20
BAR_COUNT = 1000
LAST = at(BAR_COUNT)
TICKERS = [f"T{number}" for number in range(TICKER_COUNT)]

FILL = (
    f"""
    insert into forecast.bar
    select 'T' || t, moment, moment + interval '1 hour', 100, 101, 99, 100, null, moment + interval '62 minutes'
    from generate_series(0, {TICKER_COUNT - 1}) as t
    cross join lateral (
        select cast(:start as timestamptz) + n * interval '1 hour' as moment
        from generate_series(0, {BAR_COUNT - 1}) as n
    ) as hours
    """,
    f"""
    insert into forecast.prediction (
        ticker, as_of, target_at, anchored_at, last_close, quantiles, model_version, width_factor, is_fallback, source,
        written_by
    )
    select
        'T' || t, moment + interval '35 minutes', array[moment + interval '1 hour'], moment, 100,
        array[array[91, 92, 93, 94, 100, 106, 107, 108, 109]], 'm1', array[1], false, 'yahoo', 'hourly'
    from generate_series(0, {TICKER_COUNT - 1}) as t
    cross join lateral (
        select cast(:start as timestamptz) + n * interval '1 hour' as moment
        from generate_series(0, {BAR_COUNT - 1}) as n
    ) as hours
    """,
)


@pytest.fixture(scope="module")
def filled_url(migrated_server: EmbeddedPostgres, module_database_url: str) -> str:
    engine = create_store_engine(migrated_server.migration_url(module_database_url.rpartition("/")[2]))
    with transaction(engine) as connection:
        for statement in FILL:
            execute(connection, statement, {"start": START})
        execute(connection, "analyze")
    engine.dispose()
    return module_database_url


@pytest.fixture
def connection(filled_url: str) -> Iterator[Connection]:
    engine = create_store_engine(owner_url(filled_url))
    with engine.connect() as connection:
        connection.exec_driver_sql("set local random_page_cost = 1.1")
        yield connection
        connection.rollback()
    engine.dispose()


def _rows_read(connection: Connection, table: str, action: Callable[[], object]) -> int:
    """Rows of a table that Postgres touched for ``action``, by index or not."""
    question = """
        select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows
        from pg_stat_xact_user_tables
        where relid = cast(:table as regclass)
    """
    (before,) = fetch_rows(connection, question, {"table": table})
    action()
    (after,) = fetch_rows(connection, question, {"table": table})
    return int(after["rows"]) - int(before["rows"])


def test_the_newest_bars_are_read_without_the_older_ones(connection: Connection) -> None:
    read = _rows_read(connection, "forecast.bar", lambda: load_bars(connection, TICKERS, LAST, bar_limit=50))

    assert read <= TICKER_COUNT * 51  # the newest is not known yet


def test_the_newest_close_takes_a_row_or_two_a_ticker(connection: Connection) -> None:
    read = _rows_read(connection, "forecast.bar", lambda: newest_closed_at(connection, TICKERS, LAST))

    assert read <= TICKER_COUNT * 2


def test_changes_are_found_without_the_unchanged(connection: Connection) -> None:
    execute(
        connection,
        f"""
        insert into forecast.feature
        select ticker, closed_at, :known_at, {", ".join(["0"] * len(FEATURE_COLUMNS))} from forecast.bar
        where closed_at = :known_at
        """,
        {"known_at": at(BAR_COUNT - 10)},
    )

    read = _rows_read(connection, "forecast.bar", lambda: earliest_changes(connection, TICKERS, LAST))

    assert read <= TICKER_COUNT * 10


def test_the_last_anchor_takes_a_row_a_ticker(connection: Connection) -> None:
    read = _rows_read(connection, "forecast.prediction", lambda: last_anchored(connection, TICKERS, LAST))

    assert read <= TICKER_COUNT


def test_maturing_reads_only_targets_within_reach(connection: Connection) -> None:
    reach = timedelta(hours=5)

    read = _rows_read(connection, "forecast.prediction", lambda: matured_unscored(connection, LAST, reach))

    assert read <= TICKER_COUNT * 2 * 7  # those within reach, and once more for those whose bar is known


def test_one_tickers_data_quality_is_read_without_the_others(connection: Connection) -> None:
    execute(
        connection,
        """
        insert into forecast.ticker (ticker, source, history_days, status, status_at, timezone, feed_delay_minutes)
        select 'T' || n, 'yahoo', 729, 'pending', :at, 'UTC', 2 from generate_series(0, :last) as n
        """,
        {"at": START, "last": TICKER_COUNT - 1},
    )
    found: list[dict[str, object]] = []

    def look() -> None:
        found.extend(fetch_rows(connection, "select * from bi.data_quality where ticker = 'T3'"))

    assert _rows_read(connection, "forecast.bar", look) == BAR_COUNT
    assert sum(int(str(row["bar_count"])) for row in found) == BAR_COUNT


def test_one_tickers_pages_are_read_without_the_others(connection: Connection) -> None:
    def look() -> None:
        for view in ("latest_forecast", "superset_forecast", "forecast", "bar", "forecast_interval"):
            fetch_rows(connection, f"select * from bi.{view} where ticker = 'T3'")

    assert _rows_read(connection, "forecast.bar", look) <= 2 * BAR_COUNT
    assert _rows_read(connection, "forecast.prediction", look) <= 3 * BAR_COUNT + 10


def test_one_tickers_models_are_read_without_the_others(connection: Connection) -> None:
    execute(
        connection,
        """
        insert into forecast.model_version (
            ticker, as_of, model_version, kind, is_promoted, artefact, artefact_row, config, seed, code_version,
            window_count
        )
        select ticker, closed_at, 'm', 'first_training', true, 'a', 0, '{}', 1, 'c', 1 from forecast.bar
        """,
    )
    execute(connection, "analyze forecast.model_version")
    found: list[dict[str, object]] = []

    def look() -> None:
        found.extend(fetch_rows(connection, "select * from bi.model_history where ticker = 'T3'"))

    assert _rows_read(connection, "forecast.model_version", look) == BAR_COUNT == len(found)


def test_the_newest_hour_is_read_without_the_others(connection: Connection) -> None:
    execute(connection, "insert into forecast.planned_hour (as_of) select distinct closed_at from forecast.bar")
    execute(
        connection,
        """
        insert into forecast.outcome (as_of, ticker, source, shard_index, shard_count, stage, status)
        select closed_at, ticker, 'yahoo', 0, 1, 'predicted', 'forecast' from forecast.bar
        """,
    )
    execute(connection, "analyze forecast.outcome")
    found: list[dict[str, object]] = []

    def look() -> None:
        found.extend(fetch_rows(connection, "select * from bi.pipeline_freshness where is_newest"))

    assert _rows_read(connection, "forecast.outcome", look) == TICKER_COUNT
    assert [row["forecast_count"] for row in found] == [TICKER_COUNT]
