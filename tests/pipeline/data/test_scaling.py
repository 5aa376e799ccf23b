"""Changes of scale, hour by hour through the product: nothing that is no price move counts as one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import pytest

from include.contracts import Split
from include.errors import InvalidRequestError
from include.pipeline import onboarding
from include.pipeline.data import rescaling
from include.pipeline.data.rescaling import Decision
from tests.support.products import AT, HOUR, Product

pytestmark = pytest.mark.integration

NOVA = "NOVA-USD.SIM"
ON_THE_HOUR = AT.replace(minute=0)
FIRST_NEW = ON_THE_HOUR + HOUR
"""When the first bar on the new scale opens; the hour at AT + 2 hours is the first that knows it."""


def at(hours: int) -> datetime:
    return AT + hours * HOUR


def closes(product: Product, hours: int) -> np.ndarray:
    rows = product.query(
        "select close from forecast.bars_known_at(%s) where ticker = %s order by opened_at", at(hours), NOVA
    )
    return np.array([close for (close,) in rows])


def run(product: Product, first: int, last: int) -> None:
    for hours in range(first, last + 1):
        product.run_hour(at(hours))


def outcome(product: Product, hours: int) -> tuple[str, str | None]:
    ((status, reason),) = product.query("select status, reason from bi.hour_outcome where as_of = %s", at(hours))
    return status, reason


def plain_closes(product: Product, hours: int) -> np.ndarray:
    """What the market's closes were without any fault, as many as are stored."""
    product.market.steps.clear()
    (profile,) = product.market.describe([NOVA], at(hours))[0].values()
    from include.contracts import BarRequest

    report = product.market.fetch_bars([BarRequest(profile, AT - timedelta(days=90))], at(hours))
    return report.bars["close"].to_numpy()


@pytest.mark.parametrize(
    ("factor", "is_volume_scaled"), [(100.0, False), (0.01, False), (1 / 50, True), (4.0, True), (1000.0, False)]
)
def test_a_step_by_a_clean_factor_is_a_change_of_scale_from_its_second_bar_on(
    product: Product, factor: float, is_volume_scaled: bool
) -> None:
    product.onboard(NOVA)
    run(product, 1, 1)
    before = closes(product, 1)
    product.market.steps.append(Split(NOVA, FIRST_NEW, factor, is_volume_scaled))
    run(product, 2, 5)

    np.testing.assert_array_equal(closes(product, 1), before)
    np.testing.assert_array_equal(closes(product, 2), before)  # one bar may be a bad tick
    np.testing.assert_allclose(closes(product, 3)[:-2], before / factor)
    assert np.abs(np.diff(np.log(closes(product, 5)))).max() < 0.2
    assert product.query(
        "select effective_at, known_at, factor, is_volume_scaled, is_announced from forecast.split"
    ) == [(FIRST_NEW, at(3), factor, is_volume_scaled, False)]
    # people see it
    status, reason = outcome(product, 3)
    assert status == "forecast"
    assert reason is not None
    assert f"were divided by {factor:g}: a change of scale" in reason
    ((kind, evidence),) = product.query("select kind, evidence from bi.event")
    assert kind == "scale change"
    assert evidence["odds"] > 30
    assert product.query("select sum(scale_change_count)::integer from bi.data_quality") == [(1,)]
    # forecasts that span it are scored on one scale
    ((worst, count),) = product.query(
        "select max(crps), count(*) from forecast.score_by_method where method = 'hourcast'"
    )
    assert worst < 1000
    assert count > 10
    frozen = product.checksum()
    run(product, 1, 5)
    assert product.checksum() == frozen


def test_a_switch_that_switches_back_leaves_no_trace_in_the_bars(product: Product) -> None:
    product.onboard(NOVA)
    product.market.steps += [
        Split(NOVA, FIRST_NEW, 100.0, is_volume_scaled=False),
        Split(NOVA, FIRST_NEW + 4 * HOUR, 0.01, is_volume_scaled=False),
    ]
    run(product, 1, 9)

    assert len(product.query("select * from forecast.split")) == 2
    found = closes(product, 9)
    np.testing.assert_allclose(found, plain_closes(product, 9)[-len(found) :], rtol=1e-12)
    ((worst,),) = product.query("select max(crps) from forecast.score_by_method where method = 'hourcast'")
    assert worst < 1000


def test_another_unit_of_the_currency_is_evidence_and_is_kept_with_the_change(product: Product) -> None:
    product.onboard(NOVA)
    product.query("update forecast.ticker set currency = 'GBp'; commit")
    product.market.currencies[NOVA] = "GBP"
    run(product, 1, 1)
    assert product.query("select currency from bi.ticker_status") == [("GBp",)]  # the prices have not changed
    product.market.steps.append(Split(NOVA, FIRST_NEW, 100.0, is_volume_scaled=False))
    for number in range(1, 9):
        product.market.stretched[NOVA, FIRST_NEW + number * HOUR] = 30.0
    run(product, 2, 3)
    assert product.query("select factor, is_volume_scaled from forecast.split") == [(100.0, False)]
    assert product.query("select currency from bi.ticker_status") == [("GBP",)]


def test_a_history_with_a_step_is_stored_on_its_newest_scale(product: Product) -> None:
    product.market.steps.append(Split(NOVA, ON_THE_HOUR - 60 * HOUR, 100.0, is_volume_scaled=False))
    product.onboard(NOVA)
    run(product, 1, 2)

    assert np.abs(np.diff(np.log(closes(product, 2)))).max() < 0.2
    assert product.query("select factor, known_at from forecast.split") == [(100.0, AT)]
    # the bars from the step on are known when the second one is
    ((first, second),) = product.query(
        "select min(known_at), max(known_at) from forecast.bar where opened_at between %s and %s",
        ON_THE_HOUR - 60 * HOUR,
        ON_THE_HOUR - 59 * HOUR,
    )
    assert first == second
    assert outcome(product, 1) == ("forecast", None)


def test_an_announced_split_with_a_small_revision_in_one_response_is_its_factor_exactly(product: Product) -> None:
    product.onboard(NOVA)
    run(product, 1, 1)
    before = closes(product, 1)
    product.market.splits.append(Split(NOVA, FIRST_NEW, 4.0))
    hours_revised = 200
    for number in range(hours_revised):
        product.market.edits[NOVA, ON_THE_HOUR + HOUR - number * HOUR] = 1.0025
    run(product, 2, 2)

    assert product.query("select factor, is_announced from forecast.split") == [(4.0, True)]
    found = closes(product, 2)[:-1] * 4 / before
    np.testing.assert_allclose(found[:-121], 1.0)  # five days are read again
    np.testing.assert_allclose(found[-100:], 1.0025)
    # the rest is not silent, and the whole history is read once more
    assert product.query("select kind, is_open from bi.event order by kind") == [
        ("scale shift", True),
        ("split", False),
    ]
    assert "were read again with prices that differ by +0.25%" in str(outcome(product, 2)[1])
    run(product, 3, 4)
    found = closes(product, 3)[:-2] * 4 / before
    np.testing.assert_allclose(found[-hours_revised + 1 :], 1.0025)
    np.testing.assert_allclose(found[: -hours_revised - 1], 1.0)
    assert product.query("select settlement, settled_by, settled_at from bi.event where kind = 'scale shift'") == [
        ("read again", "source", at(3))
    ]
    assert product.market.requests[0].since > at(4) - timedelta(days=10)


def hold(product: Product, factor: float = 2.0) -> None:
    """Two hours in which the price is divided by the factor, with bars as wide as after some news."""
    product.onboard(NOVA)
    run(product, 1, 1)
    product.market.steps.append(Split(NOVA, FIRST_NEW, factor, is_volume_scaled=False))
    for number in range(1, 9):
        product.market.stretched[NOVA, FIRST_NEW + number * HOUR] = 2.0
    run(product, 2, 3)


def test_a_step_that_may_be_a_move_holds_the_ticker_with_wide_fallbacks_until_a_person_decides(
    product: Product,
) -> None:
    hold(product)
    status, reason = outcome(product, 3)
    assert status == "fallback"
    assert "held: the price changed by -50%" in str(reason)
    assert f"rescale {NOVA} --opened-at" in str(reason)
    ((factor, walk),) = product.query(
        """
        select prediction.width_factor,
            ln(prediction.q95 / prediction.q05) / ln(walk.q95 / walk.q05)
        from forecast.prediction_by_horizon as prediction
        inner join forecast.baseline_by_horizon as walk using (ticker, as_of, horizon)
        where as_of = %s and horizon = 1 and baseline = 'random_walk'
        """,
        at(3),
    )
    assert (factor, walk) == (2.0, pytest.approx(2.0))
    # what spans the step waits for the decision
    spanning = """
        select count(*) from forecast.score_by_method
        inner join forecast.prediction_by_horizon using (ticker, as_of, horizon)
        where anchored_at <= %s and target_at > %s
    """
    assert product.query(spanning, FIRST_NEW, FIRST_NEW) == [(0,)]
    assert product.query("select scale_question_count from bi.data_quality where scale_question_count > 0") == [(1,)]
    frozen = product.checksum()
    run(product, 2, 3)
    assert product.checksum() == frozen

    decided_at = at(3) + timedelta(minutes=10)
    decision = Decision(NOVA, FIRST_NEW, None)
    (answer,) = rescaling.decide(product.services, [decision], decided_at)
    assert answer["result"] == "counts as a price move"
    assert "nothing to do" in rescaling.decide(product.services, [decision], decided_at)[0]["result"]
    run(product, 4, 6)

    assert outcome(product, 4) == ("forecast", None)
    ((worst,),) = product.query("select max(crps) from forecast.score_by_method where method = 'hourcast'")
    assert worst > 3000
    assert product.query("select count(*) from forecast.split") == [(0,)]
    assert product.query("select settlement, settled_by from bi.event") == [("move", "person")]


def test_a_person_may_say_that_it_was_a_split(product: Product) -> None:
    hold(product)
    decided_at = at(3) + timedelta(minutes=10)
    params = {"rescale": [f"{NOVA} {FIRST_NEW:%Y-%m-%dT%H:%MZ} 2"]}
    onboarding.onboard(product.services, onboarding.Request.from_params("form", decided_at, params))
    onboarding.onboard(product.services, onboarding.Request.from_params("form", decided_at, params))
    run(product, 4, 6)

    assert outcome(product, 4) == ("forecast", None)
    assert np.abs(np.diff(np.log(closes(product, 6)))).max() < 0.3
    ((worst, count),) = product.query(
        "select max(crps), count(*) from forecast.score_by_method where method = 'hourcast'"
    )
    assert worst < 1500
    assert count > 10
    assert product.query("select factor, evidence from forecast.split") == [(2.0, {"decided_by": "person"})]
    assert product.query("select settlement, settled_by from bi.event where kind = 'scale step'") == [
        ("scale", "person")
    ]


def test_the_source_may_settle_it_by_changing_its_older_bars(product: Product) -> None:
    hold(product)
    product.market.steps.clear()
    product.market.is_announcing = False
    product.market.splits.append(Split(NOVA, FIRST_NEW, 2.0))
    run(product, 4, 4)

    assert outcome(product, 4)[0] == "forecast"
    assert np.abs(np.diff(np.log(closes(product, 4)))).max() < 0.3
    assert product.query("select factor from forecast.split") == [(2.0,)]
    assert product.query("select settlement, settled_by from bi.event where kind = 'scale step'") == [
        ("scale", "source")
    ]


def test_a_change_of_scale_that_was_wrong_is_undone(product: Product) -> None:
    product.onboard(NOVA)
    product.market.steps.append(Split(NOVA, FIRST_NEW, 100.0, is_volume_scaled=False))
    run(product, 1, 3)
    before = closes(product, 1)
    (answer,) = rescaling.decide(product.services, [Decision(NOVA, FIRST_NEW, None)], at(3) + timedelta(minutes=10))
    assert answer["result"] == "older bars are on their old scale again"
    run(product, 4, 5)

    np.testing.assert_allclose(closes(product, 5)[: len(before)], before, rtol=1e-12)
    assert outcome(product, 5) == ("forecast", None)
    assert len(product.query("select * from forecast.split")) == 2
    with pytest.raises(InvalidRequestError, match="undo that first"):
        rescaling.decide(product.services, [Decision(NOVA, FIRST_NEW, 2.0), Decision(NOVA, FIRST_NEW, 3.0)], at(6))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("NOVA-USD.SIM 2", "is no decision about a scale"),
        ("NOVA-USD.SIM yesterday 2", "is no decision about a scale"),
        ("NOVA-USD.SIM 2025-03-31T16:00 2", "time zone"),
        ("NOVA-USD.SIM 2025-03-31T16:00Z two", "is no decision about a scale"),
        ("NOVA-USD.SIM 2025-03-31T16:00Z 2 bars", "is no decision about a scale"),
        ("NOVA-USD.SIM 2025-03-31T16:30Z 2", "no stored bar opens at 2025-03-31T16:30:00+00:00"),
        ("NONE.SIM 2025-03-31T16:00Z 2", "no stored bar opens at"),
        ("NOVA-USD.SIM 2025-03-31T15:00Z 1", "is no factor"),
        ("NOVA-USD.SIM 2025-03-31T15:00Z -2", "is no factor"),
        ("NOVA-USD.SIM 2025-03-31T15:00Z nan", "is no factor"),
        ("NOVA-USD.SIM 2025-03-31T15:00Z move", "is in doubt"),
    ],
)
def test_a_decision_that_cannot_be_stored_says_why(product: Product, text: str, problem: str) -> None:
    product.onboard(NOVA)
    run(product, 1, 1)
    with pytest.raises(InvalidRequestError, match=re.escape(problem)):
        rescaling.decide(product.services, [rescaling.parse_decision(text)], at(1))
    assert product.query("select count(*) from forecast.split") == [(0,)]


def test_a_decision_as_of_the_past_changes_nothing_that_was_read(product: Product) -> None:
    product.onboard(NOVA)
    run(product, 1, 2)
    decision = Decision(NOVA, ON_THE_HOUR, 2.0)
    with pytest.raises(InvalidRequestError, match="decide as of now"):
        rescaling.decide(product.services, [decision], at(1))


def test_an_old_step_in_doubt_is_written_down_and_holds_nothing(product: Product) -> None:
    step_at = ON_THE_HOUR - timedelta(days=20)
    product.market.steps.append(Split(NOVA, step_at, 2.0, is_volume_scaled=False))
    for number in range(1, 9):
        product.market.stretched[NOVA, step_at + number * HOUR] = 2.0
    product.onboard(NOVA)
    run(product, 1, 1)

    assert outcome(product, 1) == ("forecast", None)
    assert product.query("select kind, settlement, settled_by from bi.event") == [("scale step", "move", "age")]


def test_the_first_bar_is_compared_with_the_stored_close(product: Product) -> None:
    product.onboard(NOVA)
    run(product, 1, 1)
    product.market.edits[NOVA, ON_THE_HOUR + 2 * HOUR] = 3.7
    product.market.missing[NOVA] = {ON_THE_HOUR - number * HOUR for number in range(-1, 300)}
    run(product, 2, 2)

    assert product.query("select reason from forecast.bar_rejected where opened_at = %s", FIRST_NEW) == [
        ("step_beyond_volatility",)
    ]
