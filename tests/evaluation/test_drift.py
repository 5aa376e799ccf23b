"""The tests of drift hold their rate of false alarms, see a change, and go on from their stored state."""

import json

import numpy as np
import pytest

from include.contracts import QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation import drift
from include.evaluation.drift import FALSE_ALARM_DAYS, ChangeDetector, RateDetector


def test_on_average_the_value_grows_by_at_most_one_a_day_if_nothing_has_changed() -> None:
    generator = np.random.default_rng(1)
    means = []
    for _ in range(400):
        detector = ChangeDetector()
        for share in generator.beta(22.0, 3.0, 30):  # its mean is 0.88, the edge of the band
            detector = detector.count(list(drift.share_gains(float(share), 0.88, 0.92)[:1]))
        means.append(detector.e_value)
    assert np.mean(means) <= 30.0 * 1.15


def test_days_within_the_band_give_no_alarm_and_a_change_gives_one_within_weeks() -> None:
    generator = np.random.default_rng(2)
    detector = ChangeDetector()
    for share in generator.beta(90.0, 10.0, 700):
        detector = detector.count(drift.coverage_gains({90: float(share), 50: 0.5}))
        assert not detector.is_drifted
    day_count = 0
    while not detector.is_drifted:
        share = float(generator.beta(80.0, 20.0))
        detector, day_count = detector.count(drift.coverage_gains({90: share, 50: 0.42})), day_count + 1
    assert day_count <= 40


def test_after_the_change_has_ended_the_alarm_ends() -> None:
    detector = ChangeDetector()
    for _ in range(60):
        detector = detector.count(drift.coverage_gains({90: 0.6, 50: 0.3}))
    assert detector.is_drifted
    for _ in range(200):
        detector = detector.count(drift.coverage_gains({90: 0.9, 50: 0.5}))
    assert not detector.is_drifted


def test_a_stored_state_goes_on_as_if_it_had_not_been_stored() -> None:
    gains = [drift.coverage_gains({90: ratio, 50: 0.5}) for ratio in (0.8, 0.95, 0.9)]
    whole, stored = ChangeDetector(), ChangeDetector()
    for gain in gains:
        whole = whole.count(gain)
        stored = ChangeDetector.from_dict(json.loads(json.dumps(stored.count(gain).to_dict())))
    assert stored == whole
    assert whole.day_count == 3


def test_gains_are_nothing_within_the_band_and_at_least_minus_one() -> None:
    assert drift.share_gains(0.88, 0.88, 0.92)[0] == 0.0
    assert drift.share_gains(0.92, 0.88, 0.92)[1] == 0.0
    assert drift.share_gains(1.0, 0.88, 0.92)[0] == pytest.approx(-1.0)
    assert drift.share_gains(0.0, 0.88, 0.92)[1] == pytest.approx(-1.0)


def test_the_transform_is_uniform_where_each_group_has_its_share_and_a_heavy_tail_is_a_gain() -> None:
    assert max(drift.pit_gains(list(QUANTILE_LEVELS))) < 0.0
    heavy = [0.06, 0.1, 0.13, 0.25, 0.5, 0.75, 0.87, 0.9, 0.94]
    gains = drift.pit_gains(heavy)
    assert len(gains) == 12
    assert gains[1] == pytest.approx((0.1 - 0.06) / 0.06)


def test_a_rate_of_bad_bars_is_compared_with_the_usual_one() -> None:
    steady = RateDetector()
    for _ in range(300):
        steady = RateDetector.from_dict(json.loads(json.dumps(steady.count(0.02).to_dict())))
    assert (steady.seen_count, steady.detector.day_count) == (300, 300 - drift.USUAL_LEAST_DAYS)
    assert steady.usual_ratio == pytest.approx(0.02)
    assert not steady.detector.is_drifted
    days, changed = 0, steady
    while not changed.detector.is_drifted:
        changed, days = changed.count(0.2), days + 1
    assert 2 <= days <= 14
    assert not steady.count(1.0).detector.is_drifted, "one day is a fault, and no drift"


def test_wrong_gains_and_shares_are_refused() -> None:
    with pytest.raises(DataContractError, match="no gains of a test with 1"):
        ChangeDetector().count([0.1]).count([0.1, 0.2])
    with pytest.raises(DataContractError, match="at least -1"):
        ChangeDetector().count([-1.5])
    with pytest.raises(DataContractError, match="finite"):
        ChangeDetector().count([float("nan")])
    with pytest.raises(DataContractError, match="not from 0 to 1"):
        drift.share_gains(1.2, 0.0, 0.5)


def test_the_probability_of_a_false_alarm_grows_with_the_days_as_stated() -> None:
    """At the edge of the null hypothesis, with a small limit: n days over the limit bounds the share of alarms."""
    generator = np.random.default_rng(3)
    limit, day_count, alarms = 500.0, 100, 0
    for _ in range(300):
        detector = ChangeDetector()
        for difference in generator.choice([-1.0, 1.0], day_count) * 0.8:
            detector = detector.count([float(difference)])
            if detector.e_value >= limit:
                alarms += 1
                break
    assert alarms / 300 <= day_count / limit
    assert limit < FALSE_ALARM_DAYS


def test_a_moved_shape_of_the_day_is_a_gain_although_the_day_as_a_whole_is_right() -> None:
    assert max(drift.shape_gains((0.5, 0.5))) < 0.0
    assert drift.shape_gains((0.75, 0.25)) == pytest.approx([-0.35 / 0.6, 0.25, 0.25, -0.35 / 0.6])
