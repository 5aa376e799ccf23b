"""A history that is told at once, and told again: from when on its bars count as known."""

from datetime import datetime, timedelta

import pytest

from include.contracts import Dividend, TickerProfile
from include.pipeline.data.backfill import backfill
from include.store.bars import load_bars
from include.store.engine import transaction
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration

NOVA = ROUND_THE_CLOCK[0]
ON_THE_HOUR = AT.replace(minute=0)
DELAY = timedelta(minutes=2)
STORED = "select closed_at, close, known_at from forecast.bar order by 1"


@pytest.fixture
def profile(product: Product) -> TickerProfile:
    return product.market.describe([NOVA], AT)[0][NOVA]


def tell(product: Product, profile: TickerProfile, as_of: datetime = AT) -> None:
    assert backfill(product.services, profile, AT - timedelta(days=45), as_of) is None


def known_at(product: Product) -> dict[datetime, datetime]:
    return dict(product.query("select closed_at, known_at from forecast.bar"))


def closes(product: Product, as_of: datetime) -> list[float]:
    with transaction(product.services.engine) as connection:
        return load_bars(connection, [NOVA], as_of)["close"].tolist()


def test_bars_count_as_known_since_their_feed_told_them(product: Product, profile: TickerProfile) -> None:
    tell(product, profile)
    told = known_at(product)
    assert len(told) == 45 * 24 - 1
    assert {known - closed for closed, known in told.items()} == {DELAY}


def test_a_crash_that_a_later_bar_confirmed_was_not_known_before_that_one(
    product: Product, profile: TickerProfile
) -> None:
    crashed_at = ON_THE_HOUR - 100 * HOUR
    for hours in range(101):
        product.market.edits[NOVA, crashed_at + hours * HOUR] = 0.3
    tell(product, profile)
    late = {closed: known for closed, known in known_at(product).items() if known != closed + DELAY}
    assert late == {crashed_at: crashed_at + HOUR + DELAY}
    ((features_known_at,),) = product.query("select known_at from forecast.feature where closed_at = %s", crashed_at)
    assert features_known_at == crashed_at + HOUR + DELAY


@pytest.mark.parametrize("has_been_read", [False, True])
def test_what_is_told_again_as_it_was_stays_as_it_was(
    product: Product, profile: TickerProfile, has_been_read: bool
) -> None:
    if has_been_read:
        product.onboard(NOVA, history_days=45)
        product.run_hour(AT + HOUR)
        product.onboard(retire_tickers=[NOVA], as_of=AT + HOUR, request_id="gone")
    else:
        tell(product, profile)
    before = product.query(STORED)
    rows = product.query("select count(*), max(known_at) from forecast.feature")
    tell(product, profile, AT + 30 * HOUR)
    assert product.query(STORED)[: len(before)] == before
    assert product.query("select * from forecast.bar_revision") == []
    assert (
        product.query("select count(*), max(known_at) from forecast.feature where closed_at <= %s", before[-1][0])
        == rows
    )


@pytest.mark.parametrize("has_been_read", [False, True])
def test_what_is_told_otherwise_is_a_revision_from_now_on(
    product: Product, profile: TickerProfile, has_been_read: bool
) -> None:
    changed_at, now = ON_THE_HOUR - 50 * HOUR, AT + 30 * HOUR
    if has_been_read:
        product.onboard(NOVA, history_days=45)
    else:
        tell(product, profile)
    then = closes(product, AT)
    product.market.edits[NOVA, changed_at] = 1.02
    tell(product, profile, now)

    assert closes(product, AT) == then
    assert closes(product, now)[: len(then)] != then
    assert known_at(product)[changed_at] == now
    assert product.query("select closed_at, superseded_at from forecast.bar_revision") == [(changed_at, now)]
    early = product.query(
        "select count(*) from forecast.feature where closed_at >= %s and known_at < %s", changed_at, now
    )
    tell(product, profile, now)  # once more changes nothing
    assert early == product.query(
        "select count(*) from forecast.feature where closed_at >= %s and known_at < %s", changed_at, now
    )


def test_dividends_of_a_history_count_as_known_since_the_first_session_without_them(
    product: Product, profile: TickerProfile
) -> None:
    ex_at = ON_THE_HOUR - 50 * HOUR
    product.market.dividends.append(Dividend(NOVA, ex_at, 0.1))
    tell(product, profile)
    assert product.query("select ex_at, known_at from forecast.dividend") == [(ex_at, ex_at + DELAY)]
    rows = product.query("select closed_at, known_at from forecast.feature where dividend_gap <> 0")
    assert rows == [(ex_at + HOUR, ex_at + HOUR + DELAY)]


@pytest.mark.parametrize("has_been_read", [False, True])
def test_a_dividend_that_was_not_told_at_first_is_known_from_now_on(
    product: Product, profile: TickerProfile, has_been_read: bool
) -> None:
    ex_at, now = ON_THE_HOUR - 50 * HOUR, AT + 30 * HOUR
    if has_been_read:
        product.onboard(NOVA, history_days=45)
    else:
        tell(product, profile)
    product.market.dividends += [Dividend(NOVA, ex_at, 0.1), Dividend(NOVA, ON_THE_HOUR + 9 * HOUR, 0.1)]
    tell(product, profile, now)
    known = dict(product.query("select closed_at, known_at from forecast.feature where dividend_gap <> 0"))
    assert known == {ex_at + HOUR: now, ON_THE_HOUR + 10 * HOUR: ON_THE_HOUR + 10 * HOUR + DELAY}


def test_bars_of_a_time_that_nobody_looked_at_are_known_since_their_feed_told_them(
    product: Product, profile: TickerProfile
) -> None:
    product.market.missing[NOVA] = {ON_THE_HOUR - 5 * HOUR}
    product.onboard(NOVA, history_days=45)
    product.market.missing.clear()
    tell(product, profile, AT + 30 * HOUR)
    told = known_at(product)
    assert told[ON_THE_HOUR - 5 * HOUR] == AT + 30 * HOUR  # an hour could have seen it, and did not
    assert told[ON_THE_HOUR + 20 * HOUR] == ON_THE_HOUR + 20 * HOUR + DELAY


def test_a_history_without_one_acceptable_bar_names_the_checks(product: Product, profile: TickerProfile) -> None:
    for hours in range(48):
        product.market.edits[NOVA, ON_THE_HOUR - hours * HOUR] = -1.0
    failure = backfill(product.services, profile, AT - timedelta(days=1), AT)
    assert failure is not None
    ((counted,),) = product.query("select count(distinct opened_at) from forecast.bar_rejected")
    assert failure.reason.startswith(f"none of the {counted} bars of simulated since 2025-03-30 passed the checks: ")
    assert f"not_positive ({counted})" in failure.reason
    assert product.query(STORED) == []
