"""The queries that BI users are promised run as they stand, with the role that BI users have."""

from typing import Any

import pytest

from include.store.migrations import SQL_DIR
from tests.sql.conftest import NEXT, Ask

pytestmark = pytest.mark.integration

QUERIES = sorted((SQL_DIR / "queries").glob("*.sql"))


def _ask_file(ask: Ask, name: str) -> list[dict[str, Any]]:
    return ask((SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_opens_with_its_purpose_and_runs(ask: Ask, path: Any) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("-- ")
    assert "forecast." not in text.replace("bi.forecast", "")
    ask(text)


def test_not_forecast_lists_what_has_no_model_behind_it(ask: Ask) -> None:
    rows = _ask_file(ask, "not_forecast")

    assert [(row["ticker"], row["status"], row["last_outcome_status"]) for row in rows] == [
        ("NEW", "pending", None),
        ("NOVA-USD.SIM", "active", "failed"),
        ("WALK", "active", "fallback"),
    ]


def test_calibration_waits_for_enough_forecasts(ask: Ask) -> None:
    assert _ask_file(ask, "calibration") == []


def test_the_serving_weights_name_where_they_come_from(ask: Ask) -> None:
    (row,) = _ask_file(ask, "serving_models")

    assert (row["ticker"], row["since_as_of"], row["kind"]) == ("AAPL", NEXT, "restart")
    assert row["weights"] == "reference, in place of a challenger"
