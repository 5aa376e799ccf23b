"""Leaks in how old an answer of Yahoo is taken to be, and in whose bars are believed. Each a small patch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from include.market import yahoo, yahoo_age
from include.market.yahoo_age import AnswerTimes
from tests.leaks.planting import Plant

Patch = pytest.MonkeyPatch


def age_of_answers_ignored(patch: Patch) -> None:
    patch.setattr(AnswerTimes, "complete", lambda _times, closed_at, delay, as_of: closed_at + delay <= as_of)


def age_header_ignored(patch: Patch) -> None:
    patch.setattr(yahoo_age, "_age", lambda _text: timedelta(0))


def age_by_this_clock(patch: Patch) -> None:
    def made_at(headers: Mapping[str, str], _shown: datetime | None) -> datetime:
        return datetime.now(UTC) - yahoo_age._age(headers.get("Age"))

    patch.setattr(yahoo_age, "_made_at", made_at)
    patch.setattr(yahoo_age, "_LIVE", timedelta(days=36_500))


def delay_ignored(patch: Patch) -> None:
    original = AnswerTimes.complete

    def without_delay(times: AnswerTimes, closed_at: pd.Series[Any], _delay: timedelta, as_of: datetime) -> Any:
        return original(times, closed_at, timedelta(0), as_of)

    patch.setattr(AnswerTimes, "complete", without_delay)


def doubtful_bars_at_once(patch: Patch) -> None:
    patch.setattr(yahoo_age, "_DOUBT", (timedelta(0), timedelta(hours=2)))


def newest_row_as_complete(patch: Patch) -> None:
    original = yahoo_age.times_of

    def of_next_hour(headers: Mapping[str, str], chart: Mapping[str, Any], until: datetime) -> AnswerTimes:
        times = original(headers, chart, until)
        newest = times.newest_row_at + timedelta(hours=1) if times.newest_row_at else None
        return AnswerTimes(times.made_at, times.traded_at, newest)

    patch.setattr(yahoo_age, "times_of", of_next_hour)


def old_answers_kept_whole(patch: Patch) -> None:
    original = yahoo._require_recent
    known: dict[str, pd.DataFrame] = {}

    def noted(bars: pd.DataFrame, request: Any, as_of: datetime) -> pd.DataFrame:
        known[request.profile.ticker] = source_known(bars, request, as_of)
        return known[request.profile.ticker]

    def whole(profile: Any, answer: Any, _report: Any, as_of: datetime, kept: Any) -> None:
        original(profile, answer, yahoo.FetchReport(known[profile.ticker], ()), as_of, kept)

    source_known = yahoo.known_bars
    patch.setattr(yahoo, "known_bars", noted)
    patch.setattr(yahoo, "_require_recent", whole)


def not_refused(name: str) -> Callable[[Patch], None]:
    """A patch that believes an answer which says another ``name`` of its ticker."""

    def plant(patch: Patch) -> None:
        original = yahoo.require_same

        def lax(what: str, *args: Any) -> None:
            if what != name:
                original(what, *args)

        patch.setattr(yahoo, "require_same", lax)

    return plant


YAHOO_PLANTS = (
    Plant("a bar is believed although the answer was made before its close", age_of_answers_ignored),
    Plant("a cached answer counts as made when it was received", age_header_ignored),
    Plant("an answer's age is measured by this machine's clock", age_by_this_clock),
    Plant("an answer's age is judged without the feed's delay", delay_ignored),
    Plant("a bar that may be in progress is believed at once", doubtful_bars_at_once),
    Plant("an answer's newest row counts as complete", newest_row_as_complete),
    Plant("of an answer that stays old the bar in progress is kept", old_answers_kept_whole),
    Plant("bars of another symbol are believed", not_refused("symbol")),
    Plant("bars in another currency are believed", not_refused("currency")),
    Plant("bars of another time zone are believed", not_refused("exchangeTimezoneName")),
)
