"""Stored rows of forecasts and scores, made from rows by horizon and by method."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.errors import DataContractError
from include.store.by_horizon import baseline_rows, prediction_rows, score_rows
from include.store.tables import SCORE, STORED_BASELINE, STORED_PREDICTION, STORED_SCORE, Table
from tests.support.rows import START, at, predictions, prices

AS_OF = START + timedelta(minutes=35)


def _named(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(table.columns, row, strict=True))


def _scores(*methods: str, **changes: Any) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(SCORE.values, 0.5) | {"actual_known_at": at(1), "scored_as_of": at(2)}
    row |= {f"is_inside_{interval}": False for interval in (50, 80, 90, 95)} | {"is_refresh": False, **changes}
    keys = {"ticker": "AAPL", "as_of": AS_OF, "horizon": 3}
    return pd.DataFrame([keys | row | {"method": method} for method in methods])


def test_a_forecast_is_one_row_whose_arrays_are_in_the_order_of_the_horizons() -> None:
    frame = pd.concat([predictions(AS_OF, "MSFT"), predictions(AS_OF)]).sample(frac=1, random_state=1)

    rows = {row[0]: _named(STORED_PREDICTION, row) for row in prediction_rows(frame)}

    assert set(rows) == {"AAPL", "MSFT"}
    stored = rows["AAPL"]
    assert stored["target_at"].count("2025-03-31T") == 7
    assert stored["target_at"].startswith("{2025-03-31T15:00:00+00:00,2025-03-31T16:00:00+00:00,")
    assert stored["quantiles"].startswith("{{96.0,97.0,98.0,99.0,100.0,101.0,102.0,103.0,104.0},{94.34314575050762,")
    assert (stored["width_factor"], stored["last_close"]) == ("{1.0,1.0,1.0,1.0,1.0,1.0,1.0}", 100.0)


def test_a_number_keeps_every_bit() -> None:
    third = float(np.nextafter(1 / 3, 1))
    (row,) = prediction_rows(predictions(AS_OF).assign(width_factor=third))

    assert [float(text) for text in _named(STORED_PREDICTION, row)["width_factor"][1:-1].split(",")] == [third] * 7


def test_the_hash_of_a_model_is_its_bytes_and_another_name_its_letters() -> None:
    named = [
        _named(STORED_PREDICTION, prediction_rows(predictions(AS_OF).assign(model_version=name))[0])["model_version"]
        for name in ("0f" * 32, "m1", None)
    ]

    assert named == [r"\x" + "0f" * 32, r"\x6d31", None]


def test_reasons_and_tail_widths_of_no_horizon_are_null() -> None:
    reasons = [None, [{"kind": "night_price", "text": "+1 %"}], *[None] * 5]
    (some,) = prediction_rows(predictions(AS_OF).assign(reasons=pd.Series(reasons, dtype="object")))
    (none,) = prediction_rows(predictions(AS_OF).assign(tail_width_factor=None))

    assert _named(STORED_PREDICTION, some)["reasons"] == reasons
    assert (_named(STORED_PREDICTION, none)["reasons"], _named(STORED_PREDICTION, none)["tail_width_factor"]) == (
        None,
        None,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"anchored_at": [at(0)] * 6 + [at(0.5)]}, "more than one anchored_at"),
        ({"last_close": [100.0] * 6 + [101.0]}, "more than one last_close"),
        ({"horizon": [1, 2, 3, 4, 5, 6, 8]}, "must be 1, 2, ... in full"),
        ({"horizon": [1, 1, 2, 3, 4, 5, 6]}, "must be 1, 2, ... in full"),
        ({"q50": pd.Series([None] * 7, dtype="object")}, "a horizon without a value"),
        ({"target_at": pd.Series([None] * 7, dtype="object")}, "a horizon without a value"),
    ],
    ids=["two anchors", "two closes", "a gap", "a horizon twice", "no median", "no target"],
)
def test_a_forecast_that_is_not_whole_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataContractError, match=message):
        prediction_rows(predictions(AS_OF).assign(**change))


def test_baselines_of_a_forecast_are_one_row_and_a_missing_one_is_null() -> None:
    walk, har = (prices(AS_OF).assign(baseline=name) for name in ("random_walk", "seasonal_har"))

    (both,) = baseline_rows(pd.concat([har, walk]))
    (alone,) = baseline_rows(walk)

    assert _named(STORED_BASELINE, both)["random_walk"] == _named(STORED_BASELINE, both)["seasonal_har"]
    assert _named(STORED_BASELINE, alone) == _named(STORED_BASELINE, both) | {"seasonal_har": None}


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(DataContractError, match="naive is no baseline; those that can be stored are random_walk"):
        baseline_rows(prices(AS_OF).assign(baseline="naive"))


def test_a_score_has_the_losses_and_the_intervals_of_all_methods() -> None:
    frame = pd.concat(
        [
            _scores("hourcast", crps=1.0, is_inside_90=True, is_inside_95=True),
            _scores("seasonal_har", crps=3.0, is_inside_50=True),
            _scores("random_walk", crps=2.0, is_inside_80=True),
        ]
    )

    (row,) = score_rows(frame)

    stored = _named(STORED_SCORE, row)
    assert [stored[name] for name in ("crps", "random_walk_crps", "seasonal_har_crps")] == [1.0, 2.0, 3.0]
    assert stored["inside"] == (4 | 8) | 2 << 4 | 1 << 8
    assert [stored[name] for name in ("horizon", "actual_close", "scored_as_of")] == [3, 0.5, at(2)]


def test_a_baseline_is_scored_with_its_forecast_alone() -> None:
    (row,) = score_rows(_scores("hourcast"))

    assert _named(STORED_SCORE, row)["seasonal_har_crps"] is None
    with pytest.raises(DataContractError, match="has scores of random_walk, but none of its own"):
        score_rows(_scores("random_walk"))
