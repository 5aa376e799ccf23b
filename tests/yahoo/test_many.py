"""The measurement of many tickers, on few of them and at a high rate."""

import pytest

from tests.yahoo import many

pytestmark = pytest.mark.integration


def test_tickers_without_a_fault_are_complete_while_their_neighbours_fail() -> None:
    found = many.measure(ticker_count=10, failing_share=0.2, per_second=50.0, shard_count=2)

    assert (found.good_count, found.complete_count, found.wrong_count) == (8, 8, 0)
    assert found.outcomes["no fault: fetched"] == 8
    failed = {text.split(":")[0] for text in found.outcomes if "failed" in text}
    assert failed == {"500", "404"}
    assert sum(found.outcomes.values()) == 10
    assert found.requests["chart"] >= 10
    assert found.floor_seconds == 0.2
