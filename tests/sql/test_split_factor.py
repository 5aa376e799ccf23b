"""The split factor: one SQL function, the same bits as the plain sum of logarithms, wherever it is used."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.contracts import QUANTILE_COLUMNS, Dividend, Split
from include.store.bars import load_bars, upsert_bars
from include.store.dividends import KnownDividend, load_dividends, save_dividends
from include.store.engine import Connection, create_store_engine, execute, fetch_rows, transaction
from include.store.forecasts import calibration_history, matured_unscored, save_baselines, save_predictions, save_scores
from include.store.splits import move_to_scale
from tests.support.rows import START, at, bars, predictions, prices, scores, track

pytestmark = pytest.mark.integration

HOURS = range(1, 11)
LAST = 11
"""An hour with bars and a split, but without forecasts."""
SPLITS = {"NONE": {}, "ONE": {4: 3.0}, "MANY": {2: 3.0, 4: 0.1, 5: 7.0, 7: 1.5, 8: 2.0, LAST: 1.25}}
"""Ticker -> hour -> factor. The sum of the logarithms depends on its order."""
REVISED = 6
"""The hour in which the first bar of every ticker is revised."""
PAID = 1.25

OLD_EXPRESSION = """
    select coalesce(exp(sum(ln(split.factor))), 1) from forecast.split
    where split.ticker = wanted.ticker and split.known_at > since.moment and split.known_at <= until.moment
"""


@dataclass
class History:
    """What was stored hour by hour: factors with the instants from which they count, and what each hour matured."""

    splits: dict[str, list[tuple[datetime, float]]] = field(default_factory=lambda: {ticker: [] for ticker in SPLITS})
    matured: dict[datetime, pd.DataFrame] = field(default_factory=dict)

    def factor(self, ticker: str, since: datetime, until: datetime | None = None) -> float:
        """The plain definition: e to the sum of the logarithms, in the order of time; 1 without a split."""
        total = None
        for known_at, factor in self.splits[ticker]:
            if since < known_at and (until is None or known_at <= until):
                total = math.log(factor) if total is None else total + math.log(factor)
        return 1.0 if total is None else math.exp(total)


def _run_hour(connection: Connection, history: History, hour: int) -> None:
    """Stores one hour of every ticker in the order of the pipeline: bar, split, revision, scores, forecast."""
    as_of = at(hour + 0.1)
    for ticker, splits in SPLITS.items():
        close = 100.0 + hour
        upsert_bars(connection, bars([close], ticker, first=hour - 1))
        if hour in splits:
            split = Split(ticker, at(hour), splits[hour])
            close /= split.factor
            given = bars([close], ticker, first=hour - 1).drop(columns="known_at")
            assert move_to_scale(connection, split, as_of, given)
            history.splits[ticker].append((as_of, split.factor))
        if hour == REVISED:
            first = load_bars(connection, [ticker], as_of)["close"].iloc[0]
            upsert_bars(connection, bars([first * 1.02], ticker, known_at=as_of))
        if hour == 1:
            save_dividends(connection, [KnownDividend(Dividend(ticker, at(0.5), PAID), as_of)], as_of)
        if hour in HOURS:
            save_predictions(connection, predictions(as_of, ticker, close))
            save_baselines(connection, prices(as_of, ticker, close).assign(baseline="random_walk"))
    history.matured[as_of] = matured_unscored(connection, as_of)
    if hour > 1:
        save_scores(connection, scores(history.matured[as_of], as_of))


@pytest.fixture(scope="module")
def stored(module_database_url: str) -> tuple[str, History]:
    history = History()
    engine = create_store_engine(module_database_url)
    with transaction(engine) as connection:
        track(connection, *SPLITS)
    for hour in (*HOURS, LAST):
        with transaction(engine) as connection:
            _run_hour(connection, history, hour)
    engine.dispose()
    return module_database_url, history


@pytest.fixture
def history(stored: tuple[str, History]) -> History:
    return stored[1]


@pytest.fixture
def connection(stored: tuple[str, History]) -> Iterator[Connection]:
    engine = create_store_engine(stored[0])
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def test_the_order_of_the_sum_matters_in_this_history(history: History) -> None:
    logs = [math.log(factor) for _, factor in history.splits["MANY"]]

    assert math.exp(sum(logs)) != math.exp(sum(reversed(logs)))


def test_the_function_gives_the_bits_of_the_plain_definition_and_of_the_old_expression(
    connection: Connection, history: History
) -> None:
    known = [known_at for splits in history.splits.values() for known_at, _ in splits]
    instants = sorted({*known, *(moment - timedelta(microseconds=1) for moment in known), *history.matured, START})

    rows = fetch_rows(
        connection,
        f"""
        select wanted.ticker, since.moment as since_at, until.moment as until_at, scale.factor,
            ({OLD_EXPRESSION}) as old_factor
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join unnest(cast(:instants as timestamptz[])) as since (moment)
        cross join unnest(cast(:instants as timestamptz[])) as until (moment)
        cross join lateral forecast.split_factor_between(wanted.ticker, since.moment, until.moment) as scale
        """,
        {"tickers": [*SPLITS, "UNKNOWN"], "instants": instants},
    )

    assert len(rows) == 4 * len(instants) ** 2
    assert len({row["factor"] for row in rows}) > 10
    assert [row for row in rows if row["factor"] != row["old_factor"]] == []
    of_known_tickers = [row for row in rows if row["ticker"] in SPLITS]
    assert [
        row
        for row in of_known_tickers
        if row["factor"] != history.factor(row["ticker"], row["since_at"], row["until_at"])
    ] == []


def test_today_is_infinity(connection: Connection, history: History) -> None:
    rows = fetch_rows(
        connection,
        """
        select wanted.ticker, scale.factor
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral forecast.split_factor_between(wanted.ticker, '-infinity', 'infinity') as scale
        """,
        {"tickers": list(SPLITS)},
    )

    found = {row["ticker"]: row["factor"] for row in rows}
    assert found == {ticker: history.factor(ticker, START) for ticker in SPLITS}


def test_the_sum_has_the_order_of_time_whatever_the_order_of_the_rows(connection: Connection, history: History) -> None:
    execute(connection, "create temporary table kept on commit drop as select * from forecast.split")
    execute(connection, "delete from forecast.split")
    execute(connection, "insert into forecast.split select * from kept order by known_at desc")
    execute(connection, "set local enable_indexscan = off")
    execute(connection, "set local enable_bitmapscan = off")

    (row,) = fetch_rows(connection, "select factor from forecast.split_factor_between('MANY', '-infinity', 'infinity')")

    assert row["factor"] == history.factor("MANY", START)


def test_bi_forecast_divides_prices_by_the_factor_since_the_forecast_and_errors_by_that_since_the_score(
    connection: Connection, history: History
) -> None:
    rows = fetch_rows(
        connection,
        """
        select seen.*, stored.last_close as stored_last_close, stored.q05 as stored_q05, stored.written_by as stored_by,
            score.actual_close as scored_close, score.absolute_error as scored_error, score.scored_as_of
        from bi.forecast as seen
        inner join forecast.prediction_by_horizon as stored using (ticker, as_of, horizon)
        left join forecast.score_by_method as score
            on score.ticker = seen.ticker and score.as_of = seen.as_of and score.horizon = seen.horizon
            and score.method = 'hourcast'
        """,
    )

    assert len(rows) == 3 * 7 * len(HOURS)
    assert sum(row["actual_close"] is not None for row in rows) > 100
    for row in rows:
        factor = history.factor(row["ticker"], row["as_of"])
        last_close = row["stored_last_close"] / factor
        assert (row["split_factor"], row["last_close"], row["q05"]) == (factor, last_close, row["stored_q05"] / factor)
        assert row["written_by"] == row["origin"] == row["stored_by"]
        if row["scored_as_of"] is not None:
            factor = history.factor(row["ticker"], row["scored_as_of"])
            actual = row["scored_close"] / factor
            assert (row["actual_close"], row["absolute_error"]) == (actual, row["scored_error"] / factor)
            assert row["last_close_absolute_error"] == abs(actual - last_close)


def test_the_other_views_divide_by_the_same_factors(connection: Connection, history: History) -> None:
    rows = fetch_rows(connection, "select * from bi.forecast")
    by_forecast = {(row["ticker"], row["as_of"], row["horizon"]): row for row in rows}

    latest = fetch_rows(connection, "select * from bi.latest_forecast")
    band = fetch_rows(connection, "select * from bi.superset_forecast where close__yhat is not null")
    accuracy = fetch_rows(connection, "select * from bi.accuracy")

    assert (len(latest), len(band), len(accuracy)) == (3 * 7, 3 * (len(HOURS) + 6), 3 * 7)
    for row in latest:
        other = by_forecast[row["ticker"], row["as_of"], row["horizon"]]
        assert [row[name] for name in ("last_close", *QUANTILE_COLUMNS)] == [
            other[name] for name in ("last_close", *QUANTILE_COLUMNS)
        ]
        assert row["random_walk_q50"] == other["q50"]
    for row in band:
        other = by_forecast[row["ticker"], row["as_of"], row["horizon"]]
        assert (row["close__yhat"], row["close__yhat_lower"]) == (other["q50"], other["q05"])
    for row in accuracy:
        scored = [
            other
            for (ticker, _, horizon), other in by_forecast.items()
            if (ticker, horizon) == (row["ticker"], row["horizon"]) and other["crps"] is not None
        ]
        assert row["forecast_count"] == len(scored)
        for name in ("absolute_error", "last_close_absolute_error"):
            expected = np.mean([other[name] for other in scored])
            assert row[name.replace("absolute", "mean_absolute")] == pytest.approx(expected, rel=1e-12)


def test_scoring_brings_a_forecast_to_the_scale_of_its_hour_and_a_replay_gives_the_same_bits(
    connection: Connection, history: History
) -> None:
    stored = {
        (row["ticker"], row["as_of"], row["horizon"]): row
        for row in fetch_rows(connection, "select * from forecast.prediction_by_horizon")
    }
    execute(connection, "delete from forecast.score")
    again = {as_of: matured_unscored(connection, as_of) for as_of in history.matured}
    replayed, matured = (
        pd.concat([rows.assign(hour=as_of) for as_of, rows in frames.items() if not rows.empty])
        for frames in (again, history.matured)
    )

    assert len(matured) > 200
    for row in replayed.to_dict("records"):
        other = stored[row["ticker"], row["as_of"], row["horizon"]]
        factor = history.factor(row["ticker"], row["as_of"], row["hour"])
        assert (row["last_close"], row["q05"]) == (other["last_close"] / factor, other["q05"] / factor)
    keys = ["ticker", "as_of", "horizon", "method", "hour"]
    same = replayed.merge(matured[keys], on=keys).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(same, matured.sort_values(keys, ignore_index=True), check_exact=True)


def test_calibration_and_dividends_use_the_same_factors_at_every_replayed_instant(
    connection: Connection, history: History
) -> None:
    stored = fetch_rows(
        connection, "select ticker, as_of, last_close from forecast.prediction_by_horizon where horizon = 1"
    )
    last_closes = {(row["ticker"], row["as_of"]): row["last_close"] for row in stored}
    for as_of in history.matured:
        past = calibration_history(connection, list(SPLITS), as_of, limit=20)
        known = load_bars(connection, list(SPLITS), as_of).set_index(["ticker", "closed_at"])["close"]
        for row in past.to_dict("records"):
            factor = history.factor(row["ticker"], row["as_of"], as_of)
            target_at = row["as_of"].floor("h") + timedelta(hours=row["horizon"])
            ratio = known[row["ticker"], target_at] * factor / last_closes[row["ticker"], row["as_of"]]
            assert row["outcome"] == np.log(ratio)
        for ticker, (paid,) in load_dividends(connection, list(SPLITS), as_of).items():
            assert paid.dividend.amount == PAID / history.factor(ticker, paid.known_at, as_of)


@pytest.mark.parametrize(
    "view", ["forecast.accuracy_addend", "bi.forecast", "bi.latest_forecast", "bi.superset_forecast"]
)
def test_the_planner_inlines_the_function(connection: Connection, view: str) -> None:
    plan = fetch_rows(connection, f"explain (verbose) select * from {view}")

    nodes = [str(node) for row in plan for node in row.values()]
    assert any("forecast.split" in node for node in nodes)
    assert [node for node in nodes if "split_factor_between" in node] == []
