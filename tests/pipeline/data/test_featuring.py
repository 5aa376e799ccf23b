"""Feature rows in Postgres equal those of one computation over the whole history, whenever they were stored."""

import pandas as pd
import pytest

from include.contracts import FEATURE_COLUMNS, PRICE_COLUMNS
from include.features.frame import build_features, lookback_bars
from include.market import sessions
from include.pipeline.data import featuring
from include.pipeline.data.featuring import known_targets, load_series, update_features
from include.store.bars import load_bars, upsert_bars
from include.store.engine import transaction
from include.store.features import load_features
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
T = (AT - 20 * HOUR).replace(minute=0)
FOUR_OF_TWELVE_HOURS = "delete from forecast.bar where mod(extract(hour from opened_at)::integer, 12) >= 4"


def stored_and_recomputed(product: Product, as_of: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    with transaction(product.services.engine) as connection:
        stored = load_features(connection, [NOVA], as_of)
        bars = load_bars(connection, [NOVA], as_of)
    return stored, build_features(sessions.annotate(bars, "24/7"))


def assert_equal(stored: pd.DataFrame, recomputed: pd.DataFrame) -> None:
    columns = ["ticker", "closed_at", *FEATURE_COLUMNS]
    pd.testing.assert_frame_equal(
        stored[columns].reset_index(drop=True), recomputed[columns].reset_index(drop=True), check_exact=True
    )


def test_rows_stored_hour_by_hour_equal_those_of_the_whole_history_bit_for_bit(product: Product) -> None:
    product.onboard(NOVA)
    for hours in (1, 2, 5):
        product.run_hour(AT + hours * HOUR)
    stored, recomputed = stored_and_recomputed(product, AT + 5 * HOUR)
    assert len(stored) > 1000
    assert_equal(stored, recomputed)


def test_a_revised_bar_changes_the_rows_that_look_back_on_it_from_then_on_and_not_before(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    before, _ = stored_and_recomputed(product, AT + HOUR)
    product.market.edits[NOVA, (AT - 20 * HOUR).replace(minute=0)] = 1.02
    product.run_hour(AT + 2 * HOUR)
    after, recomputed = stored_and_recomputed(product, AT + 2 * HOUR)
    assert_equal(after, recomputed)
    again, _ = stored_and_recomputed(product, AT + HOUR)
    assert_equal(again, before)
    changed = after.merge(before, on="closed_at", suffixes=("", "_before"))
    assert (changed["log_return_1"] != changed["log_return_1_before"]).sum() == 2


def test_a_quiet_hour_stores_one_row_and_a_rerun_none(product: Product) -> None:
    product.onboard(NOVA)
    ((count,),) = product.query("select count(*) from forecast.feature")
    product.run_hour(AT + HOUR)
    assert product.query("select count(*) from forecast.feature") == [(count + 1,)]
    product.run_hour(AT + HOUR)
    assert product.query("select count(*) from forecast.feature") == [(count + 1,)]


def test_after_a_revision_of_an_old_bar_rows_are_computed_with_their_whole_look_back(product: Product) -> None:
    """An hour reads the look-back of its newest rows; for the rows of a bar 1,000 bars ago that is too little."""
    product.onboard(NOVA, history_days=190)
    with transaction(product.services.engine) as connection:
        bars = load_bars(connection, [NOVA], AT)
        assert len(bars) > lookback_bars(24) + 300
        revised = bars.iloc[[-1000]].assign(known_at=pd.Timestamp(AT + HOUR))
        revised[list(PRICE_COLUMNS)] *= 1.02
        upsert_bars(connection, revised)
    profiles = list(product.market.describe([NOVA], AT)[0].values())
    assert update_features(product.services.engine, profiles, AT + HOUR) == (1000, {})
    stored, recomputed = stored_and_recomputed(product, AT + HOUR)
    assert_equal(stored, recomputed)


@pytest.mark.parametrize("statement", ["select 1", FOUR_OF_TWELVE_HOURS], ids=["whole", "with holes"])
def test_the_rows_with_a_known_target_are_those_of_the_series(product: Product, statement: str) -> None:
    product.onboard(NOVA, history_days=30)
    product.query(statement + "; commit")
    profiles = list(product.market.describe([NOVA], AT)[0].values())
    for as_of in (AT, AT - 100 * HOUR):
        series = load_series(product.services.engine, profiles, as_of)[NOVA]
        known = known_targets(product.services.engine, profiles, as_of)[NOVA]
        assert known.tolist() == series.has_target.any(axis=1).tolist()
        assert not known.all()


def test_a_ticker_with_a_bar_off_its_calendar_has_no_known_targets(product: Product) -> None:
    product.onboard(NOVA, history_days=30)
    product.query("update forecast.bar set opened_at = opened_at + interval '1 minute' where opened_at = %s; commit", T)
    profiles = list(product.market.describe([NOVA], AT)[0].values())
    assert known_targets(product.services.engine, profiles, AT) == {}


def test_series_that_are_read_in_portions_are_the_same(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    product.onboard(*ROUND_THE_CLOCK, history_days=20)
    profiles = list(product.market.describe(ROUND_THE_CLOCK, AT)[0].values())
    together = load_series(product.services.engine, profiles, AT)
    monkeypatch.setattr(featuring, "_ROWS_A_READ", 1)
    apart = load_series(product.services.engine, profiles, AT)
    assert list(apart) == list(together) == list(ROUND_THE_CLOCK)
    for ticker, series in together.items():
        assert all((vars(apart[ticker])[name] == values).all() for name, values in vars(series).items())
