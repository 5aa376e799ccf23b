"""Whatever Yahoo's JSON holds, a ticker gets bars that keep the contract or a reason, and the others are served."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.contracts import BAR_COLUMNS
from include.market.quality import reject_bars
from include.market.yahoo import YahooSource
from tests.fuzz.profile import examples
from tests.yahoo.fixtures import CLOCK, StartEmulator
from tests.yahoo.server import Reply, YahooEmulator
from tests.yahoo.sources import profile_of, request_of

Path = tuple[str | int, ...]
PATHS: list[Path] = [
    (),
    ("chart",),
    ("chart", "result"),
    ("chart", "error"),
    ("chart", "result", 0),
    *(("chart", "result", 0, name) for name in ("meta", "timestamp", "indicators", "events")),
    *(
        ("chart", "result", 0, "meta", name)
        for name in (
            *("symbol", "currency", "exchangeName", "exchangeTimezoneName", "instrumentType", "longName", "gmtoffset"),
            *("regularMarketTime", "currentTradingPeriod", "tradingPeriods", "priceHint", "dataGranularity"),
        )
    ),
    ("chart", "result", 0, "timestamp", -1),
    ("chart", "result", 0, "indicators", "quote"),
    ("chart", "result", 0, "indicators", "quote", 0),
    ("chart", "result", 0, "indicators", "quote", 0, "close"),
    ("chart", "result", 0, "indicators", "quote", 0, "close", -1),
    ("chart", "result", 0, "indicators", "quote", 0, "volume", 0),
    ("chart", "result", 0, "events", "splits"),
    ("chart", "result", 0, "events", "splits", "1"),
    ("chart", "result", 0, "events", "dividends"),
    ("chart", "result", 0, "events", "dividends", "1"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "USD", "GBp", "America/New_York", "Mars/Olympus", "NMS", "MSFT", "\u0000", "x" * 500]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["date", "amount", "numerator", "denominator", "symbol", "1", "quote", "close"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=5,
)
EDITS = st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=2)


def _put(document: Any, path: Path, value: object) -> Any:
    """The document with another value at the path; as it was where there is no such place."""
    if not path:
        return value
    try:
        inner = document[path[0]]
    except (LookupError, TypeError):
        inner = {}
    try:
        document[path[0]] = _put(inner, path[1:], value)
    except (LookupError, TypeError):
        return document
    return document


class Spoilt(YahooEmulator):
    """An emulator whose charts of AAPL are changed on the way."""

    edits: list[tuple[Path, Any]] = []  # noqa: RUF012  # of the test that runs

    def reply(self, host: str, target: str) -> Reply:
        reply = super().reply(host, target)
        if "/chart/AAPL" not in target or reply.status != 200:
            return reply
        document = json.loads(reply.body)
        for path, value in self.edits:
            document = _put(document, path, value)
        return replace(reply, body=json.dumps(document).encode())


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, start_emulator: StartEmulator, open_source: Any) -> YahooSource:
    """The Yahoo source over the emulator."""
    monkeypatch.setattr("tests.yahoo.fixtures.YahooEmulator", Spoilt)
    start_emulator()
    return open_source()


@examples(20)
@given(edits=EDITS)
@example(edits=[(("chart", "result", 0, "meta"), [1])])
@example(edits=[(("chart", "result", 0, "events"), [1])])
@example(edits=[(("chart", "result", 0, "events", "splits"), [1])])
@example(edits=[(("chart", "result", 0, "events", "dividends", "1"), {"date": 1e18, "amount": 1.0})])
@example(edits=[(("chart", "result", 0, "events", "dividends", "1"), {"date": True, "amount": True})])
@example(edits=[(("chart", "result", 0, "meta", "symbol"), 5)])
@example(edits=[(("chart", "result", 0, "meta", "regularMarketTime"), 1e30)])
@example(edits=[(("chart", "result", 0, "indicators", "quote", 0, "close", -1), 2**70)])
def test_any_chart_gives_bars_or_a_reason_and_other_tickers_are_served(
    source: YahooSource, edits: list[tuple[Path, Any]]
) -> None:
    Spoilt.edits = edits
    report = source.fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert tuple(report.bars.columns) == BAR_COLUMNS
    assert "MSFT" in set(report.bars["ticker"])
    assert [failure.ticker for failure in report.failures] in ([], ["AAPL"])
    assert all(len(failure.reason) > 20 for failure in report.failures)
    assert all(0 < split.factor < float("inf") for split in report.splits)
    assert all(0 < dividend.amount < float("inf") for dividend in report.dividends)
    profiles = {ticker: profile_of(ticker) for ticker in ("AAPL", "MSFT")}
    accepted, rejected = reject_bars(report.bars, profiles, CLOCK)
    assert len(accepted) + len(rejected) == len(report.bars)


@examples(8)
@given(edits=EDITS)
@example(edits=[(("chart", "result", 0, "meta", "currency"), {"a": 1})])
@example(edits=[(("chart", "result", 0, "meta", "longName"), ["a"])])
@example(edits=[(("chart", "result", 0, "meta", "exchangeTimezoneName"), 7)])
def test_any_chart_describes_a_ticker_or_gives_a_reason(source: YahooSource, edits: list[tuple[Path, Any]]) -> None:
    Spoilt.edits = edits
    profiles, failures = source.describe(["AAPL", "MSFT"], CLOCK)
    assert set(profiles) | {failure.ticker for failure in failures} == {"AAPL", "MSFT"}
    for profile in profiles.values():
        assert profile.currency is None or isinstance(profile.currency, str)
        assert profile.name is None or isinstance(profile.name, str)


@examples(8)
@given(edits=EDITS)
def test_any_chart_of_extended_hours_gives_closes_or_a_reason(
    source: YahooSource, edits: list[tuple[Path, Any]]
) -> None:
    Spoilt.edits = edits
    report = source.fetch_extended([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert "MSFT" in set(report.closes["ticker"])
    assert [failure.ticker for failure in report.failures] in ([], ["AAPL"])
