from datetime import UTC, datetime, timedelta

from include.earnings import ReportTiming
from include.market.simulated import SimulatedSource
from include.market.source import EarningsSource

AS_OF = datetime(2025, 3, 31, 16, 35, tzinfo=UTC)
SOURCE = SimulatedSource()
PROFILES, _ = SOURCE.describe(["ACME.SIM", "NOVA.SIM", "COIN-USD.SIM"], AS_OF)


def test_a_company_reports_four_times_a_year_on_the_same_side_of_a_working_day() -> None:
    assert isinstance(SOURCE, EarningsSource)
    assert not SOURCE.is_earnings_costly
    report = SOURCE.fetch_earnings([PROFILES["ACME.SIM"]], AS_OF)

    days = [item.reported_on for item in report.dates]
    assert len(days) == 4 * 5
    assert [(day.year, (day.month - 1) // 3) for day in days] == [(y, q) for y in range(2022, 2027) for q in range(4)]
    assert all(day.weekday() < 4 for day in days)
    assert len({item.timing for item in report.dates}) == 1
    assert {datetime.combine(item.reported_on, AS_OF.timetz()) - item.known_at for item in report.dates} == {
        timedelta(days=21, hours=16, minutes=35)
    }


def test_days_are_the_same_at_every_instant_and_others_for_every_company() -> None:
    now, later = (SOURCE.fetch_earnings(list(PROFILES.values()), at) for at in (AS_OF, AS_OF + timedelta(days=300)))

    assert set(now.dates) & set(later.dates) == {item for item in now.dates if item.reported_on.year > 2022}
    by_ticker = {t: {i.reported_on for i in now.dates if i.ticker == t} for t in PROFILES}
    assert by_ticker["ACME.SIM"] != by_ticker["NOVA.SIM"]
    assert by_ticker["COIN-USD.SIM"] == set()
    assert (now.answered, now.without_reports) == (set(PROFILES), {"COIN-USD.SIM"})


def test_some_companies_report_before_the_open_and_some_after_the_close() -> None:
    profiles, _ = SOURCE.describe([f"T{number}.SIM" for number in range(40)], AS_OF)

    sides = {item.timing for item in SOURCE.fetch_earnings(list(profiles.values()), AS_OF).dates}
    assert sides == {ReportTiming.BEFORE_OPEN, ReportTiming.AFTER_CLOSE}
