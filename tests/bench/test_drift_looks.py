"""The cost of a look: it counts the made days, and reads the inputs of all tickers."""

import pytest

from bench import drift_looks


@pytest.mark.integration
def test_a_look_counts_days_of_the_made_forecasts() -> None:
    (row,) = drift_looks.measure((3,)).rows
    assert row["tickers"] == 3
    assert 1 <= int(row["days"]) <= 6
    assert float(row["inputs_s"]) > 0.0
    assert float(row["mb_peak"]) >= float(row["mb_before"])
