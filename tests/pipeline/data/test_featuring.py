"""Feature rows in Postgres equal those of one computation over the whole history, whenever they were stored."""

import pandas as pd
import pytest

from include.contracts import FEATURE_COLUMNS, PRICE_COLUMNS
from include.features.frame import build_features, lookback_bars
from include.market import sessions
from include.pipeline.data.featuring import update_features
from include.store.bars import load_bars, upsert_bars
from include.store.engine import transaction
from include.store.features import load_features
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]


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
