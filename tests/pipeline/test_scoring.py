"""The scores of matured forecasts, from prices alone."""

import pandas as pd
import pytest

from include.contracts import QUANTILE_COLUMNS
from include.pipeline.scoring import score_rows
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product


def matured(actual_close: float) -> pd.DataFrame:
    prices = dict(zip(QUANTILE_COLUMNS, (90, 92, 94, 97, 100, 103, 106, 108, 110), strict=True))
    key = {"ticker": "A", "as_of": pd.Timestamp("2025-03-31", tz="UTC"), "horizon": 1, "method": "hourcast"}
    known = {"target_at": key["as_of"], "actual_known_at": key["as_of"], "dividend_gap": 0.0, "is_refresh": False}
    return pd.DataFrame([{**key, **known, "last_close": 100.0, "actual_close": actual_close, **prices}])


def test_an_actual_inside_an_interval_is_inside_every_wider_one() -> None:
    (row,) = score_rows(matured(105.0)).to_dict("records")
    inside = [row[f"is_inside_{name}"] for name in (50, 80, 90, 95)]
    assert inside == [False, True, True, True]
    assert row["absolute_error"] == pytest.approx(5.0)


def test_a_nearer_actual_scores_better() -> None:
    (near,) = score_rows(matured(101.0))["crps"]
    (far,) = score_rows(matured(107.0))["crps"]
    assert 0 < near < far


@pytest.mark.integration
def test_the_last_hour_of_a_filled_gap_scores_what_the_hours_after_the_gap_know(product: Product) -> None:
    product.onboard(*ROUND_THE_CLOCK)
    product.run_hour(AT + HOUR)
    product.run_hour(AT + 5 * HOUR)
    for hour in (2, 3):
        product.run_hour(AT + hour * HOUR)
    early = "select count(*) from forecast.score where as_of > %s and scored_as_of = %s"
    assert product.query(early, AT + HOUR, AT + 5 * HOUR) == [(0,)]

    product.run_hour(AT + 4 * HOUR)

    due = """
        select count(*), count(score.horizon), max(score.scored_as_of)
        from forecast.prediction_by_horizon as made
        left join forecast.score using (ticker, as_of, horizon)
        where made.target_at <= %s and made.as_of < %s
    """
    ((known, scored, last),) = product.query(due, (AT + 5 * HOUR).replace(minute=0), AT + 5 * HOUR)
    assert known == scored > 0
    assert last == AT + 5 * HOUR
    before = product.checksum()
    product.run_hour(AT + 4 * HOUR)
    assert product.checksum() == before
