"""What earlier reports say of the next one: which day, which side, how sure, and when nothing is said."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from include.earnings import ESTIMATE, FILED, EarningsDate, ReportTiming
from include.pipeline.data.earlier_reports import (
    SURE,
    UNSURE,
    estimated_report,
    outlasts,
    past_days,
    probability_of_day,
    usual_side,
)

BEFORE, AFTER, UNKNOWN = ReportTiming.BEFORE_OPEN, ReportTiming.AFTER_CLOSE, ReportTiming.UNKNOWN
KNOWN_AT = datetime(2025, 1, 2, tzinfo=UTC)
TODAY = date(2025, 1, 2)
YEAR = (date(2024, 2, 1), date(2024, 5, 2), date(2024, 8, 1), date(2024, 10, 31))
"""Thursdays."""
NEXT = date(2025, 1, 30)


def report(day: date, timing: ReportTiming = AFTER, source: str = FILED, *, is_confirmed: bool = True) -> EarningsDate:
    return EarningsDate("ACME", day, timing, is_confirmed, source, KNOWN_AT)


def reports(*days: date) -> list[EarningsDate]:
    return [report(day) for day in days]


def estimate(known: Sequence[EarningsDate], today: date = TODAY) -> date | None:
    found = estimated_report("ACME", known, today, KNOWN_AT)
    return None if found is None else found.reported_on


def test_the_next_report_is_expected_52_weeks_after_the_one_of_a_year_ago() -> None:
    found = estimated_report("ACME", reports(*YEAR), TODAY, KNOWN_AT)

    assert found == EarningsDate("ACME", NEXT, AFTER, is_confirmed=False, source=ESTIMATE, known_at=KNOWN_AT)


@pytest.mark.parametrize("missing", range(4), ids=["first", "second", "third", "last"])
def test_with_fewer_than_four_reports_nothing_is_said(missing: int) -> None:
    assert estimate(reports(*(day for place, day in enumerate(YEAR) if place != missing))) is None


def test_a_year_before_that_is_a_report_of_a_year_before() -> None:
    earlier = [day - timedelta(weeks=52) for day in YEAR]

    assert estimate(reports(*earlier, *YEAR)) == NEXT
    assert estimate(reports(*earlier, *YEAR[:3]), date(2024, 9, 1)) == date(2024, 10, 31)


def test_a_day_that_has_passed_without_a_report_gives_way_to_the_next_quarters() -> None:
    assert estimate(reports(*YEAR), NEXT) == NEXT
    assert estimate(reports(*YEAR), NEXT + timedelta(days=1)) == date(2025, 5, 1)


def test_a_company_whose_reports_are_no_longer_read_is_not_estimated() -> None:
    last = YEAR[-1]

    assert estimate(reports(*YEAR), last + timedelta(days=140)) is not None
    assert estimate(reports(*YEAR), last + timedelta(days=141)) is None


@pytest.mark.parametrize("day", [NEXT, NEXT + timedelta(days=200)])
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_nothing_is_said_where_a_source_names_a_day(day: date, is_confirmed: bool) -> None:
    named = report(day, UNKNOWN, "yahoo", is_confirmed=is_confirmed)

    assert estimate([*reports(*YEAR), named]) is None
    assert not outlasts(NEXT, [*reports(*YEAR), named])


def test_a_report_that_was_early_leaves_nothing_of_its_estimate() -> None:
    early = report(NEXT - timedelta(days=7))
    assert estimate([*reports(*YEAR), early], NEXT - timedelta(days=6)) == date(2025, 5, 1)
    assert not outlasts(NEXT, [*reports(*YEAR), early])
    assert outlasts(NEXT, reports(*YEAR))


def test_an_estimate_is_no_evidence_for_another_one() -> None:
    old = report(NEXT, BEFORE, ESTIMATE, is_confirmed=False)

    assert estimate([*reports(*YEAR), old]) == NEXT
    assert outlasts(NEXT, [*reports(*YEAR), old])
    assert past_days([*reports(*YEAR), old], date(2025, 3, 1)) == list(YEAR)
    wrong = [replace(old, reported_on=day) for day in (date(2024, 3, 1), date(2024, 3, 4), NEXT)]
    assert usual_side(sorted([*reports(*YEAR[2:]), *wrong], key=lambda item: item.reported_on), TODAY) is AFTER


def test_of_two_days_of_one_report_that_of_the_filing_counts_and_unconfirmed_ones_do_not() -> None:
    first, second = date(2024, 10, 30), date(2024, 10, 31)
    yahoo, filed = report(first, source="yahoo"), report(second)
    other = replace(yahoo, reported_on=date(2024, 11, 1))
    doubtful = report(date(2024, 12, 20), source="yahoo", is_confirmed=False)

    assert past_days([*reports(*YEAR[:3]), yahoo, filed, other, doubtful], TODAY)[3:] == [second]
    assert past_days([*reports(*YEAR[:3]), yahoo, other], TODAY)[3:] == [other.reported_on]
    assert past_days(reports(*YEAR), YEAR[-1]) == list(YEAR[:3])


def test_a_day_is_sure_if_it_is_13_weeks_after_the_last_report() -> None:
    assert probability_of_day(NEXT, YEAR) == SURE
    assert probability_of_day(NEXT, [*YEAR[:3], date(2024, 10, 30)]) == UNSURE


def test_a_day_is_sure_if_the_rule_was_right_before() -> None:
    odd = [date(2023, 2, 1), date(2023, 4, 27), date(2023, 7, 25), date(2023, 11, 3)]
    again = [day + timedelta(weeks=52) for day in odd]
    following = odd[0] + timedelta(weeks=104)

    assert probability_of_day(odd[2] + timedelta(weeks=52), [*odd, *again[:2]]) == SURE
    assert probability_of_day(odd[1] + timedelta(weeks=52), [*odd, *again[:1]]) == UNSURE  # once is chance
    assert probability_of_day(following, [*odd, *again]) == SURE
    late = [*again[:1], again[1] + timedelta(days=1), *again[2:]]
    assert probability_of_day(following, [*odd, *late]) == UNSURE


def test_the_side_needs_two_thirds_of_the_reports() -> None:
    def side(*timings: ReportTiming) -> ReportTiming:
        return usual_side([report(day, timing) for day, timing in zip(YEAR, timings, strict=False)], TODAY)

    assert side(AFTER, UNKNOWN, BEFORE, AFTER) is AFTER
    assert side(AFTER, BEFORE, AFTER, BEFORE) is UNKNOWN
    assert side(AFTER) is UNKNOWN
    assert usual_side(reports(*YEAR), YEAR[1]) is UNKNOWN  # what comes later says nothing
