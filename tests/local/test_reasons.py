"""Sentences about tickers."""

from datetime import datetime, timedelta, timezone

import pytest

from include.contracts import OutcomeStatus, TickerStatus
from include.local.reasons import Finding, describe_findings, format_instant


def test_tickers_with_the_same_status_and_reason_share_a_sentence() -> None:
    findings = [
        Finding("AAPL", "pending", "AAPL: Yahoo could not be reached."),
        Finding("NOPE", "rejected", "Yahoo does not know it"),
        Finding("MSFT", "pending", "MSFT: Yahoo could not be reached."),
    ]
    assert describe_findings(findings) == [
        "AAPL, MSFT are pending (every hour tries again): Yahoo could not be reached",
        "NOPE was rejected: Yahoo does not know it",
    ]


def test_another_reason_is_another_sentence() -> None:
    findings = [Finding("AAPL", "failed", "no bars"), Finding("MSFT", "failed", "too few bars")]
    assert describe_findings(findings) == ["AAPL has failed: no bars", "MSFT has failed: too few bars"]


def test_without_a_reason_the_status_stands_alone() -> None:
    assert describe_findings([Finding("AAPL", "training"), Finding("MSFT", "training", "")]) == [
        "AAPL, MSFT are training"
    ]


def test_the_ticker_is_named_once_also_where_the_reason_names_it_later() -> None:
    (sentence,) = describe_findings([Finding("AAPL", "failed", "backfill: AAPL: no bars")])
    assert sentence == "AAPL has failed: backfill: no bars"


@pytest.mark.parametrize("text", ["2026-11-27T18:00:00+00:00", "2026-11-27T18:00:59.123456+00:00", "2026-11-27T18:00Z"])
def test_instants_in_a_reason_are_written_for_people(text: str) -> None:
    (sentence,) = describe_findings([Finding("AAPL", "skipped", f"no new closed bar since {text}")])
    assert sentence == "AAPL was skipped: no new closed bar since Fri 27 Nov 18:00 UTC"


@pytest.mark.parametrize("status", [*TickerStatus, *OutcomeStatus])
def test_every_status_makes_a_sentence_of_one_and_of_several(status: str) -> None:
    (one,) = describe_findings([Finding("AAPL", status)])
    (several,) = describe_findings([Finding("AAPL", status), Finding("MSFT", status)])
    assert one.split()[1] in {"is", "was", "has"}
    assert several.split()[2] in {"are", "were", "have"}


def test_an_instant_is_written_in_utc_whatever_its_zone() -> None:
    taipei = timezone(timedelta(hours=8))
    assert format_instant(datetime(2026, 11, 28, 9, 35, tzinfo=taipei)) == "Sat 28 Nov 01:35 UTC"
