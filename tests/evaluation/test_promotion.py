"""The sequential test on thousands of simulated hours: only a challenger that is better serves."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from include.errors import DataContractError
from include.evaluation.metrics import crps
from include.evaluation.promotion import ALARM_E_VALUE, LEVEL, SequentialTest, score_differences
from research.report.significance import diebold_mariano

START = datetime(2025, 1, 1, tzinfo=UTC)
FRESH = SequentialTest("backbone", START)
SHAPE = np.asarray([-2.0, -1.6, -1.25, -0.65, 0.0, 0.65, 1.25, 1.6, 2.0])
Served = tuple[np.ndarray, np.ndarray]


def quantiles(widths: np.ndarray, shifts: np.ndarray | float = 0.0) -> np.ndarray:
    """Forecasts ``[n, 7, 9]`` with these widths and medians."""
    rows = np.asarray(shifts + np.zeros_like(widths))[:, None] + SHAPE * widths[:, None]
    return np.repeat(rows[:, None, :], 7, axis=1)


def life(challenger: np.ndarray, outcomes: np.ndarray) -> tuple[SequentialTest, Served]:
    """The hours of one ticker: the test at the end, and the CRPS one bar ahead of what served and of the reference."""
    reference = quantiles(np.ones(len(outcomes)))
    bounded, means = score_differences(challenger, reference, outcomes)
    challenger_loss, reference_loss = crps(outcomes, challenger)[:, 0], crps(outcomes, reference)[:, 0]
    test, is_serving = FRESH, np.zeros(len(outcomes), dtype=bool)
    for hour in range(len(outcomes)):
        is_serving[hour] = test.may_serve
        test = test.count(bounded[hour : hour + 1], means[hour : hour + 1], START + timedelta(hours=hour))
        if test.is_rejected:
            test = SequentialTest("backbone", START, challenger_number=test.challenger_number + 1)
    return test, (np.where(is_serving, challenger_loss, reference_loss), reference_loss)


def outcomes_of(generator: np.random.Generator, count: int, width: np.ndarray | float = 1.0) -> np.ndarray:
    return np.repeat((generator.standard_normal(count) * width)[:, None], 7, axis=1)


def wandering(generator: np.random.Generator, count: int) -> np.ndarray:
    """Forecasts without an edge: widths and medians drift around the reference's, as those of fine-tuned weights do."""
    steps = generator.standard_normal((2, count)) * 0.01
    widths, shifts = (np.convolve(each, 0.98 ** np.arange(300))[:count] for each in steps)
    return quantiles(np.exp(widths), shifts)


def test_challengers_without_an_edge_rarely_serve_and_make_no_ticker_worse() -> None:
    served_share, worse = [], 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        _, (served, reference) = life(wandering(generator, 2500), outcomes_of(generator, 2500))
        served_share.append(float(np.mean(served != reference)))
        worse += diebold_mariano(served, reference, 1).is_worse
    assert np.mean([share > 0 for share in served_share]) <= LEVEL
    assert worse == 0


def test_a_better_challenger_serves_after_some_hundred_bars_and_stays() -> None:
    first = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        width = np.exp(0.4 * np.sin(np.arange(2500) / 20.0))  # only the challenger forecasts these swings
        test, (served, reference) = life(quantiles(width), outcomes_of(generator, 2500, width))
        first.append(int(np.argmax(served != reference)))
        assert test.may_serve
        assert test.challenger_number == 1
        assert diebold_mariano(served, reference, 1).is_better
    assert 10 < min(first) <= max(first) < 1500


def test_a_worse_challenger_never_serves_and_is_replaced() -> None:
    for seed in range(10):
        generator = np.random.default_rng(seed)
        test, (served, reference) = life(quantiles(np.full(2500, 1.3)), outcomes_of(generator, 2500))
        assert (served == reference).all()
        assert test.challenger_number > 1


def test_a_challenger_that_becomes_worse_stops_serving_soon() -> None:
    for seed in range(10):
        generator = np.random.default_rng(seed)
        width = np.exp(0.4 * np.sin(np.arange(3000) / 20.0))
        challenger = quantiles(np.concatenate([width[:2000], 1.0 / width[2000:]]))
        _, (served, reference) = life(challenger, outcomes_of(generator, 3000, width))
        assert (served[:2000] != reference[:2000]).any()
        assert (served[2300:] == reference[2300:]).all()


def test_a_challenger_must_also_be_better_over_all_horizons() -> None:
    test = FRESH.count([-0.5] * 200, [0.01] * 200, START)
    assert test.e_value > test.needed_e_value
    assert not test.may_serve
    assert FRESH.count([-0.5] * 200, [-0.01] * 200, START).may_serve


def test_a_proven_challenger_is_rejected_once_it_is_worse_over_all_horizons() -> None:
    proven = FRESH.count([-0.5] * 200, [-0.01] * 200, START)
    assert proven.count([-0.5], [2.1], START).is_rejected
    assert not proven.count([0.5], [0.1], START).is_rejected


def test_each_new_challenger_needs_a_higher_e_value_and_all_together_keep_the_level() -> None:
    needed = [replace(FRESH, challenger_number=number).needed_e_value for number in range(1, 2000)]
    assert needed[:3] == [40.0, 120.0, 240.0]
    assert sum(1.0 / each for each in needed) <= LEVEL


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_the_e_value_of_differences_with_mean_0_does_not_grow_on_average(low: float, high: float) -> None:
    worst, best = min(low, high, -0.01), max(low, high, 0.01)
    probability = -worst / (best - worst)  # of the best: the mean is 0
    after = [FRESH.count([difference], [0.0], START) for difference in (best, worst)]
    assert probability * after[0].e_value + (1 - probability) * after[1].e_value <= 1.0 + 1e-12


@given(st.integers(0, 2**32 - 1))
def test_bounded_score_differences_lie_between_minus_1_and_1(seed: int) -> None:
    generator = np.random.default_rng(seed)
    challenger, reference = np.sort(generator.standard_cauchy((2, 20, 7, 9)), axis=-1)
    bounded, means = score_differences(challenger, reference, generator.standard_cauchy((20, 7)))
    assert (np.abs(bounded) <= 1.0).all()
    assert np.isfinite(means).all()
    assert (np.asarray(score_differences(challenger, challenger, np.ones((20, 7)))) == 0.0).all()


def test_a_score_difference_stays_within_its_limit_for_an_extreme_outcome() -> None:
    challenger, reference = quantiles(np.ones(1), 0.1), quantiles(np.ones(1))
    outcome = np.full((1, 7), 1e6)
    expected = (crps(outcome, challenger) - crps(outcome, reference))[0, 0]
    bounded, means = score_differences(challenger, reference, outcome)
    assert -1.0 < bounded[0] < 0.0  # each level can reach its limit on one side only
    assert means[0] == pytest.approx(expected)


def test_a_challenger_with_a_nan_forecast_gets_the_worst_score_difference() -> None:
    challenger = quantiles(np.ones(2))
    challenger[1, 3, 4] = np.nan
    bounded, means = score_differences(challenger, quantiles(np.ones(2)), np.zeros((2, 7)))
    assert bounded.tolist() == [0.0, 1.0]
    assert means.tolist() == [0.0, 1.0]


def test_the_e_value_is_limited_so_that_old_gains_do_not_hide_new_losses() -> None:
    grown = FRESH.count([-1.0] * 5000, [-1.0] * 5000, START)
    assert grown.e_value == pytest.approx(1e6, rel=1e-9)
    assert math.isfinite(grown.count([1.0] * 5000, [0.0] * 5000, START).e_value)
    assert grown.count([1.0] * 100, [0.0] * 100, START).is_rejected


def test_a_false_alarm_is_rare_for_challengers_that_are_as_good() -> None:
    generator = np.random.default_rng(1)
    alarms = sum(FRESH.count(generator.choice([-0.5, 0.5], 500), np.zeros(500), START).is_rejected for _ in range(100))
    assert alarms <= 100 * 500 / ALARM_E_VALUE


def test_a_sequential_test_survives_json_bit_for_bit() -> None:
    generator = np.random.default_rng(2)
    test = FRESH.count(generator.uniform(-1, 1, 50), generator.standard_normal(50), START + timedelta(hours=1))
    assert SequentialTest.from_dict(json.loads(json.dumps(test.to_dict()))) == test
    with pytest.raises(DataContractError, match="not the fields"):
        SequentialTest.from_dict({"reference": "backbone"})


def test_counting_bar_by_bar_equals_counting_them_at_once() -> None:
    generator = np.random.default_rng(3)
    bounded, means = generator.uniform(-1, 1, (2, 30))
    step_by_step = FRESH
    for difference, mean in zip(bounded, means, strict=True):
        step_by_step = step_by_step.count([difference], [mean], START)
    assert step_by_step == FRESH.count(bounded, means, START)


def test_the_score_difference_one_bar_ahead_is_divided_by_its_limit_written_out_as_a_loop() -> None:
    generator = np.random.default_rng(4)
    widths = np.arange(1.0, 8.0)[:, np.newaxis]  # another width for each horizon
    challenger, reference = widths * quantiles(np.full(1, 1.3), 0.2), widths * quantiles(np.ones(1))
    outcome = generator.standard_normal((1, 7))
    limit = sum(
        2.0 * weight * max(level, 1.0 - level) * abs(challenger[0, 0, k] - reference[0, 0, k])
        for k, (level, weight) in enumerate(zip(QUANTILE_LEVELS, CRPS_WEIGHTS, strict=True))
    )
    expected = (crps(outcome, challenger) - crps(outcome, reference))[0, 0] / limit
    bounded, _ = score_differences(challenger, reference, outcome)
    assert bounded[0] == pytest.approx(expected)


def test_one_bar_multiplies_each_e_value_by_one_minus_its_fraction_of_the_difference() -> None:
    after = FRESH.count([-0.4], [0.3], START)
    fractions = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
    assert after.log_e_values == pytest.approx([math.log(1 + 0.4 * fraction) for fraction in fractions])
    assert after.log_alarm_e_values == pytest.approx([math.log(1 - 0.4 * fraction) for fraction in fractions])
    assert (after.bar_count, after.total_score_difference) == (1, 0.3)


@pytest.mark.parametrize(("mean", "is_proven"), [(-1e-9, True), (0.0, False), (1e-9, False)])
def test_an_e_value_proves_nothing_unless_the_mean_over_all_horizons_is_better(mean: float, is_proven: bool) -> None:
    ready = replace(FRESH, log_e_values=(9.0,) * 5)
    assert ready.count([0.0], [mean], START).is_proven is is_proven


@pytest.mark.parametrize(("e_value", "is_rejected"), [(1.5, False), (1.0, False), (0.99, True)])
def test_a_proven_challenger_is_rejected_when_its_e_value_falls_below_one(e_value: float, is_rejected: bool) -> None:
    proven = replace(FRESH, log_e_values=(math.log(e_value),) * 5, total_score_difference=-1.0, is_proven=True)
    assert proven.is_rejected is is_rejected
    assert proven.may_serve is not is_rejected


def test_the_second_e_value_rejects_from_200_on() -> None:
    below, at = (replace(FRESH, log_alarm_e_values=(math.log(value),) * 5) for value in (199.9, 200.1))
    assert (below.is_rejected, at.is_rejected) == (False, True)
