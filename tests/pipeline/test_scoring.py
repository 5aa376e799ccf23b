"""The scores of matured forecasts, from prices alone."""

import pandas as pd
import pytest

from include.contracts import QUANTILE_COLUMNS
from include.pipeline.scoring import score_rows


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
