"""What becomes of an answer: revisions, splits, dividends and gaps, point in time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.contracts import BarRequest, Dividend, Split, TickerProfile
from include.market.source import FetchReport, join_bars
from include.pipeline import hour
from include.pipeline.data import due, storing
from include.store import registry
from include.store.bars import load_bars, upsert_bars
from include.store.engine import transaction
from include.store.features import load_features
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product
from tests.support.rows import bars

pytestmark = pytest.mark.integration

NOVA = ROUND_THE_CLOCK[0]
(ALFA,) = NEW_YORK
ON_THE_HOUR = AT.replace(minute=0)


def closes(product: Product, as_of: object, ticker: str = NOVA) -> list[float]:
    with transaction(product.services.engine) as connection:
        return load_bars(connection, [ticker], as_of)["close"].tolist()  # type: ignore[arg-type]


def update(product: Product, as_of: object) -> None:
    """The part of an hour that brings bars."""
    for shard in hour.plan_hour(product.services, as_of):  # type: ignore[arg-type]
        hour.fetch_bars(product.services, shard)


def test_a_bar_that_changes_later_is_a_revision_and_earlier_hours_read_the_old_one(product: Product) -> None:
    product.onboard(NOVA)
    update(product, AT + HOUR)
    before = closes(product, AT + HOUR)
    product.market.edits[NOVA, ON_THE_HOUR - 9 * HOUR] = 1.01
    update(product, AT + 2 * HOUR)

    assert closes(product, AT + HOUR) == before
    changed = np.array(closes(product, AT + 2 * HOUR)[:-1]) / np.array(before)
    assert np.flatnonzero(~np.isclose(changed, 1.0)).tolist() == [len(before) - 11]
    assert product.query("select count(*), max(superseded_at) from forecast.bar_revision") == [(1, AT + 2 * HOUR)]


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("factor", [10.0, 0.5])
def test_a_split_never_shows_as_an_error_and_changes_no_earlier_hour(
    product: Product, factor: float, is_announced: bool
) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    before = closes(product, AT + HOUR)
    product.market.is_announcing = is_announced
    product.market.splits.append(Split(NOVA, ON_THE_HOUR + HOUR, factor))

    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    product.run_hour(AT + 3 * HOUR)

    assert closes(product, AT + HOUR) == before
    np.testing.assert_allclose(closes(product, AT + 2 * HOUR)[:-1], np.array(before) / factor)
    assert product.query("select factor, known_at, is_announced from forecast.split") == [
        (factor, AT + 2 * HOUR, is_announced)
    ]
    ((worst, count),) = product.query("select max(absolute_error / actual_close), count(*) from bi.forecast")
    assert worst < 0.05
    assert count == 28
    ((scores,),) = product.query("select count(*) from forecast.score_by_method where method = 'hourcast'")
    assert scores == 1 + 2 + 3
    ((fallbacks,),) = product.query("select count(*) from forecast.prediction_by_horizon where is_fallback")
    assert fallbacks == 0
    # the whole series is there once, on one scale
    steps = np.abs(np.diff(np.log(closes(product, AT + 3 * HOUR))))
    assert steps.max() < 0.2
    frozen = product.checksum()
    for hours in (1, 2, 3):
        product.run_hour(AT + hours * HOUR)
    assert product.checksum() == frozen


def test_features_do_not_see_a_split(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    product.market.splits.append(Split(NOVA, ON_THE_HOUR + HOUR, 10.0))
    product.run_hour(AT + 2 * HOUR)
    ((worst,),) = product.query(
        """
        select
            max(abs(later.log_return_35 - earlier.log_return_35))
            + max(abs(later.volume_ratio_20 - earlier.volume_ratio_20))
        from forecast.feature as earlier
        inner join forecast.feature as later using (ticker, closed_at)
        where earlier.known_at < %s and later.known_at = %s
        """,
        AT + 2 * HOUR,
        AT + 2 * HOUR,
    )
    assert worst is None or worst < 1e-5


def test_an_old_copy_of_an_answer_from_before_a_split_does_not_undo_it(product: Product) -> None:
    product.onboard(NOVA)
    product.market.splits.append(Split(NOVA, ON_THE_HOUR + HOUR, 10.0))
    update(product, AT + 2 * HOUR)
    after = closes(product, AT + 2 * HOUR)
    product.market.splits.clear()
    product.market.late[NOVA] = AT + HOUR  # nothing newer comes with it
    update(product, AT + 3 * HOUR)

    np.testing.assert_allclose(closes(product, AT + 3 * HOUR), after)
    assert product.query("select count(*) from forecast.split") == [(1,)]


def test_an_hour_that_is_fetched_after_a_later_one_knew_of_the_split_stays_on_its_scale(product: Product) -> None:
    product.onboard(NOVA)
    (shard,) = hour.plan_hour(product.services, AT + HOUR)
    before = closes(product, AT + HOUR)
    product.market.splits.append(Split(NOVA, ON_THE_HOUR, 10.0))
    update(product, AT + 2 * HOUR)
    hour.fetch_bars(product.services, shard)

    np.testing.assert_allclose(closes(product, AT + HOUR)[: len(before)], before)
    assert np.abs(np.diff(np.log(closes(product, AT + HOUR)))).max() < 0.2
    assert np.abs(np.diff(np.log(closes(product, AT + 2 * HOUR)))).max() < 0.2


def test_an_answer_whose_scale_makes_no_sense_is_not_believed(product: Product) -> None:
    product.onboard(NOVA)
    before = closes(product, AT)
    for number in range(1, 200):
        product.market.edits[NOVA, ON_THE_HOUR - number * HOUR] = 2.0 + 0.01 * number
    update(product, AT + HOUR)

    assert closes(product, AT + HOUR) == before
    reasons = product.query("select distinct reason from forecast.bar_rejected")
    assert ("scale_unclear",) in reasons


def test_dividends_are_kept(product: Product) -> None:
    product.onboard(ALFA)
    product.market.dividends.append(Dividend(ALFA, ON_THE_HOUR, 0.5))
    update(product, AT + HOUR)
    assert product.query("select ticker, ex_at, amount, known_at from forecast.dividend") == [
        (ALFA, ON_THE_HOUR, 0.5, AT + HOUR)
    ]


def gaps(product: Product, as_of: object) -> dict[object, float]:
    """The dividend gaps in the features of ALFA as known at an instant, by when their bars opened."""
    with transaction(product.services.engine) as connection:
        rows = load_features(connection, [ALFA], as_of)  # type: ignore[arg-type]
    told = rows[rows["dividend_gap"] != 0]
    return {closed_at - HOUR: gap for closed_at, gap in zip(told["closed_at"], told["dividend_gap"], strict=True)}


def last_close_before(product: Product, opened_at: object, as_of: object) -> float:
    with transaction(product.services.engine) as connection:
        bars = load_bars(connection, [ALFA], as_of)  # type: ignore[arg-type]
    return bars.loc[bars["opened_at"] < opened_at, "close"].iloc[-1]


def test_a_dividend_shows_in_the_features_of_its_bar_from_when_on_it_was_known(product: Product) -> None:
    ex_at = AT - 65 * timedelta(minutes=1)  # the bar that opened then closed five minutes before the onboarding
    product.onboard(ALFA)
    product.run_hour(AT + HOUR)
    product.market.dividends.append(Dividend(ALFA, ex_at, 0.5))
    product.run_hour(AT + 2 * HOUR)

    assert gaps(product, AT + HOUR) == {}
    expected = np.log(1 - 0.5 / last_close_before(product, ex_at, AT + 2 * HOUR))
    assert gaps(product, AT + 2 * HOUR) == {ex_at: pytest.approx(expected)}
    frozen = product.checksum()
    for hours in (1, 2):
        product.run_hour(AT + hours * HOUR)
    assert product.checksum() == frozen


def test_a_split_after_a_dividend_does_not_change_its_gap(product: Product) -> None:
    ex_at = AT - 5 * timedelta(minutes=1)
    product.market.dividends.append(Dividend(ALFA, ex_at, 0.5))
    product.onboard(ALFA)
    product.run_hour(AT + HOUR)
    before = gaps(product, AT + HOUR)
    assert list(before) == [ex_at]
    product.market.splits.append(Split(ALFA, ex_at + HOUR, 10.0))
    product.market.dividends[0] = Dividend(ALFA, ex_at, 0.05)
    product.run_hour(AT + 2 * HOUR)

    assert gaps(product, AT + 2 * HOUR) == {ex_at: pytest.approx(before[ex_at])}
    assert gaps(product, AT + HOUR) == before


def test_an_hour_that_is_caught_up_on_reads_a_dividend_on_the_scale_of_its_bars(product: Product) -> None:
    ex_at = AT - 5 * timedelta(minutes=1)
    product.onboard(ALFA)
    (shard,) = hour.plan_hour(product.services, AT + HOUR)
    product.market.splits.append(Split(ALFA, ex_at, 10.0))
    update(product, AT + 2 * HOUR)
    product.market.dividends.append(Dividend(ALFA, ex_at, 0.05))
    hour.fetch_bars(product.services, shard)
    hour.compute_features(product.services, shard)

    expected = pytest.approx(np.log(1 - 0.5 / last_close_before(product, ex_at, AT + HOUR)))
    assert gaps(product, AT + HOUR) == {ex_at: expected}


def test_dividends_of_an_answer_whose_scale_makes_no_sense_are_not_believed(product: Product) -> None:
    product.onboard(ALFA)
    for number in range(1, 200):
        product.market.edits[ALFA, AT - timedelta(minutes=5) - number * HOUR] = 2.0 + 0.01 * number
    product.market.dividends.append(Dividend(ALFA, ON_THE_HOUR, 0.5))
    update(product, AT + HOUR)
    assert product.query("select * from forecast.dividend") == []


def test_a_missing_bar_is_asked_for_again_for_30_days_and_then_given_up(product: Product) -> None:
    hole = ON_THE_HOUR - 3 * HOUR
    product.market.missing[NOVA] = {hole}
    product.onboard(NOVA)

    def asked_since(as_of: object) -> object:
        update(product, as_of)
        return product.market.requests[0].since

    usual = timedelta(days=product.services.settings.market.update_days)
    update(product, AT + timedelta(days=8))
    for days in (20, 29):
        assert asked_since(AT + timedelta(days=days)) == hole.replace(hour=0)
    assert asked_since(AT + timedelta(days=32)) == ON_THE_HOUR + timedelta(days=29) - usual
    assert len(product.market.requests) == 1


def test_a_hole_is_filled_from_the_hour_on_that_saw_it_and_shows_in_the_quality_view(product: Product) -> None:
    hole = ON_THE_HOUR - 40 * HOUR
    product.market.missing[NOVA] = {hole}
    product.onboard(NOVA)
    before = closes(product, AT)
    view = "select missing_count, late_count from bi.data_quality where day_exchange = %s"
    assert product.query(view, (hole - HOUR).date()) == [(1, 0)]
    product.market.missing.clear()
    update(product, AT + timedelta(days=9))

    assert closes(product, AT) == before
    with transaction(product.services.engine) as connection:
        bars = load_bars(connection, [NOVA], AT + timedelta(days=9))
    assert bars.loc[bars["closed_at"] == hole, "known_at"].tolist() == [AT + timedelta(days=9)]
    assert product.query(view, (hole - HOUR).date()) == [(0, 1)]


def test_a_hole_at_the_end_of_a_session_is_asked_for_in_the_next_hours_and_then_with_the_next_session(
    product: Product,
) -> None:
    product.onboard(ALFA)
    session_end = AT.replace(hour=20, minute=0)
    product.market.missing[ALFA] = {session_end - HOUR / 2}  # the bar before the last
    evening = session_end + timedelta(minutes=35)
    update(product, evening)
    product.market.asked.clear()
    asked = []
    for hours in range(1, 20):
        if hours == 2:
            product.market.missing.clear()
        update(product, evening + hours * HOUR)
        asked.append(len(product.market.asked))
        product.market.asked.clear()

    assert asked == [1, 1, *[0] * 15, 1, 1]
    holes = product.query("select coalesce(sum(missing_count), 0) from bi.data_quality where ticker = %s", ALFA)
    assert holes == [(0,)]


def test_a_hole_that_is_never_filled_is_left_alone_between_sessions(product: Product) -> None:
    product.onboard(ALFA)
    session_end = AT.replace(hour=20, minute=0)
    product.market.missing[ALFA] = {session_end - HOUR / 2}
    evening = session_end + timedelta(minutes=35)
    update(product, evening)
    product.market.asked.clear()
    for hours in range(1, 12):
        update(product, evening + hours * HOUR)

    assert len(product.market.asked) == 3


def test_a_bar_that_changed_at_the_edge_of_what_is_read_again_may_change_back(product: Product) -> None:
    product.onboard(NOVA)
    edge = ON_THE_HOUR - timedelta(days=5) + HOUR
    truth = closes(product, AT)
    product.market.edits[NOVA, edge] = 1.01
    update(product, AT + HOUR)
    assert closes(product, AT + HOUR)[: len(truth)] != truth
    product.market.edits.clear()
    update(product, AT + 2 * HOUR)
    assert closes(product, AT + 2 * HOUR)[: len(truth)] == truth
    update(product, AT + timedelta(days=8))
    update(product, AT + timedelta(days=8) + HOUR)
    assert product.market.requests[0].since == ON_THE_HOUR + timedelta(days=3)


def test_nothing_missing_asks_for_the_usual_days_alone(product: Product) -> None:
    product.onboard(NOVA, ALFA)
    with transaction(product.services.engine) as connection:
        profiles = [item.profile for item in registry.get_tickers(connection) if item.profile]
    (request,) = due.due_requests(product.services, [item for item in profiles if item.ticker == NOVA], AT + 2 * HOUR)
    assert request.since == ON_THE_HOUR - timedelta(days=5)


@pytest.mark.parametrize(
    ("calendar", "timezone", "wanted"),
    [
        ("XNYS", "America/New_York", {25: 7, 26: 7, 28: 3}),  # Thanksgiving; Yahoo lacks the half day's last bar
        ("24/7", "UTC", {25: 24, 26: 24, 27: 24, 28: 24, 29: 24, 30: 24}),
        ("FX", "Europe/London", {25: 24, 26: 24, 27: 24, 28: 22}),  # until 17:00 in New York
        ("XTAI", "Asia/Taipei", {25: 5, 26: 5, 27: 5, 28: 5}),
    ],
)
def test_days_on_which_nothing_came_show_what_was_due_by_the_calendar(
    product: Product, calendar: str, timezone: str, wanted: dict[int, int]
) -> None:
    profile = TickerProfile("ACME", "yahoo", calendar, timezone, None, None, 2)
    since = datetime(2025, 11, 24, 12, tzinfo=UTC)
    nothing = FetchReport(bars=join_bars([]), failures=())
    with transaction(product.services.engine) as connection:
        registry.upsert_pending(connection, [("ACME", "yahoo", 30)], None, since)
        registry.set_profile(connection, profile)
        first = bars([100.0]).assign(opened_at=since, closed_at=since + HOUR, known_at=since + HOUR, ticker="ACME")
        upsert_bars(connection, first)
    view = (
        "select extract(day from day_exchange)::integer, expected_count, missing_count, bar_count from bi.data_quality"
    )
    for as_of in (datetime(2025, 11, 27, 12, tzinfo=UTC), datetime(2025, 12, 1, 0, 2, tzinfo=UTC)):
        storing.keep(product.services.engine, [BarRequest(profile, since)], nothing, as_of)
    days = {day: rest for day, *rest in product.query(view)}
    assert days.pop(24) == [None, None, 1]  # the day in which the request begins is not told whole
    assert days == {day: [count, count, 0] for day, count in wanted.items()}
