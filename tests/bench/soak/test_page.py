"""What the soak says of invented samples: a planted leak is named, and what grows as stated is not."""

import pytest

from bench.soak.chart import chart_of
from bench.soak.page import growing, judge, page_of
from bench.soak.trend import FLAT, WITHIN
from tests.bench.soak.invented import invented

TICKERS = 50


def test_nothing_is_named_where_everything_grows_as_stated() -> None:
    assert growing(invented(), TICKERS) == []


@pytest.mark.parametrize(
    ("measure", "leak"),
    [
        ("MB memory scheduler", 0.5),
        ("MB memory api-server", 0.3),
        ("descriptors scheduler", 0.2),
        ("connections", 0.1),
        ("CPU seconds", 0.1),
        ("rows hourcast ticker", 0.1),
        ("rows hourcast prediction", 20.0),
        ("MB task logs", 0.4),
    ],
)
def test_a_planted_leak_is_named_and_nothing_else(measure: str, leak: float) -> None:
    (sentence,) = growing(invented(**{measure.replace(" ", "_"): leak}), TICKERS)
    assert sentence.startswith(f"{measure} grows by ")


def test_a_retention_that_removes_nothing_is_named() -> None:
    samples = invented() | {"rows airflow xcom": [40.0 * hour for hour in range(110)]}
    (sentence,) = growing(samples, TICKERS)
    assert sentence.startswith("rows airflow xcom grows by 40 to 40 an hour, and stated is 0")


def test_rows_of_a_table_that_nobody_knows_are_stated_to_be_flat() -> None:
    samples = invented() | {"rows airflow surprise": [float(hour) for hour in range(110)]}
    assert growing(samples, TICKERS) == ["rows airflow surprise grows by 1 to 1 an hour, and stated is 0"]


def test_the_hours_of_the_warm_up_do_not_count() -> None:
    judged = {each.measure: each for each in judge(invented(), TICKERS)}
    assert judged["MB memory scheduler"].from_hour == 6
    assert judged["rows airflow"].from_hour == 48
    assert judged["MB memory scheduler"].verdict == FLAT
    assert judged["rows hourcast prediction"].verdict == WITHIN


def test_a_measure_about_which_nothing_is_stated_is_an_error() -> None:
    with pytest.raises(LookupError, match="'parsecs'"):
        judge(invented() | {"parsecs": [1.0] * 110}, TICKERS)


def test_the_page_shows_first_and_last_value_slope_and_verdict() -> None:
    page = page_of(invented(), TICKERS, minutes=60.0)
    assert "110 hours of 50 tickers in 60 minutes" in page
    assert "| rows hourcast prediction | 6 | 300 | 5450 | 50 (50 to 50) | one a ticker: 50 | within |" in page
    assert "the load of the machine is not ours to state |  |" in page
    assert "rows airflow dag_version" not in page
    assert "3 further tables are flat." in page


def test_the_chart_has_a_curve_for_each_panel() -> None:
    samples = invented()
    chart = chart_of(samples)
    assert chart.count("<polyline") == len([name for name in samples if f">{name}:" in chart]) == 8
    assert ">rows hourcast: 5e+04 to 1.045e+05<" in chart
