"""The sequential rule, tried on thousands of hours: what is no better does not serve, what is better does."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import DataContractError
from include.evaluation.metrics import crps
from include.evaluation.promotion import ALARM_E_VALUE, LEVEL, SequentialTest, score_differences
from research.report.significance import diebold_mariano

START = datetime(2025, 1, 1, tzinfo=UTC)
FRESH = SequentialTest("backbone", START)
SHAPE = np.asarray([-2.0, -1.6, -1.25, -0.65, 0.0, 0.65, 1.25, 1.6, 2.0])
Served = tuple[np.ndarray, np.ndarray]


def quantiles(widths: np.ndarray, shifts: np.ndarray | float = 0.0) -> np.ndarray:
    """Forecasts ``[n, 7, 9]`` of such widths and medians."""
    own = np.asarray(shifts + np.zeros_like(widths))[:, None] + SHAPE * widths[:, None]
    return np.repeat(own[:, None, :], 7, axis=1)


def life(line: np.ndarray, outcomes: np.ndarray) -> tuple[SequentialTest, Served]:
    """Hour after hour of one ticker; the CRPS one bar ahead of what served, and of the origin."""
    origin = quantiles(np.ones(len(outcomes)))
    wagers, balances = score_differences(line, origin, outcomes)
    own, reference = crps(outcomes, line)[:, 0], crps(outcomes, origin)[:, 0]
    evidence, is_serving = FRESH, np.zeros(len(outcomes), dtype=bool)
    for hour in range(len(outcomes)):
        is_serving[hour] = evidence.may_serve
        evidence = evidence.count(wagers[hour : hour + 1], balances[hour : hour + 1], START + timedelta(hours=hour))
        if evidence.is_rejected:
            evidence = SequentialTest("backbone", START, challenger_number=evidence.challenger_number + 1)
    return evidence, (np.where(is_serving, own, reference), reference)


def outcomes_of(generator: np.random.Generator, count: int, width: np.ndarray | float = 1.0) -> np.ndarray:
    return np.repeat((generator.standard_normal(count) * width)[:, None], 7, axis=1)


def wandering(generator: np.random.Generator, count: int) -> np.ndarray:
    """Forecasts around the origin's that know nothing: widths and medians wander as fine-tuned weights do."""
    steps = generator.standard_normal((2, count)) * 0.01
    widths, shifts = (np.convolve(each, 0.98 ** np.arange(300))[:count] for each in steps)
    return quantiles(np.exp(widths), shifts)


def test_lines_that_know_nothing_hardly_ever_serve_and_leave_hardly_a_ticker_worse() -> None:
    served_share, worse = [], 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        _, (served, reference) = life(wandering(generator, 2500), outcomes_of(generator, 2500))
        served_share.append(float(np.mean(served != reference)))
        worse += diebold_mariano(served, reference, 1).is_worse
    assert np.mean([share > 0 for share in served_share]) <= LEVEL
    assert worse == 0


def test_a_line_that_is_better_serves_after_some_hundred_bars_and_stays() -> None:
    first = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        width = np.exp(0.4 * np.sin(np.arange(2500) / 20.0))  # the origin does not see these swings, the line does
        evidence, (served, reference) = life(quantiles(width), outcomes_of(generator, 2500, width))
        first.append(int(np.argmax(served != reference)))
        assert evidence.may_serve
        assert evidence.challenger_number == 1
        assert diebold_mariano(served, reference, 1).is_better
    assert 10 < min(first) <= max(first) < 1500


def test_a_line_that_is_worse_never_serves_and_begins_anew() -> None:
    for seed in range(10):
        generator = np.random.default_rng(seed)
        evidence, (served, reference) = life(quantiles(np.full(2500, 1.3)), outcomes_of(generator, 2500))
        assert (served == reference).all()
        assert evidence.challenger_number > 1


def test_a_line_that_turns_bad_does_not_serve_for_long() -> None:
    for seed in range(10):
        generator = np.random.default_rng(seed)
        width = np.exp(0.4 * np.sin(np.arange(3000) / 20.0))
        line = quantiles(np.concatenate([width[:2000], 1.0 / width[2000:]]))
        _, (served, reference) = life(line, outcomes_of(generator, 3000, width))
        assert (served[:2000] != reference[:2000]).any()
        assert (served[2300:] == reference[2300:]).all()


def test_better_one_bar_ahead_alone_is_not_enough() -> None:
    evidence = FRESH.count([-0.5] * 200, [0.01] * 200, START)
    assert evidence.e_value > evidence.needed_e_value
    assert not evidence.may_serve
    assert FRESH.count([-0.5] * 200, [-0.01] * 200, START).may_serve


def test_a_proven_line_ends_once_it_has_lost_over_all_horizons() -> None:
    proven = FRESH.count([-0.5] * 200, [-0.01] * 200, START)
    assert proven.count([-0.5], [2.1], START).is_rejected
    assert not proven.count([0.5], [0.1], START).is_rejected


def test_each_new_line_needs_more_and_all_together_keep_the_level() -> None:
    needed = [replace(FRESH, challenger_number=number).needed_e_value for number in range(1, 2000)]
    assert needed[:3] == [40.0, 120.0, 240.0]
    assert sum(1.0 / each for each in needed) <= LEVEL


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_fair_wager_cannot_be_expected_to_gain(low: float, high: float) -> None:
    worst, best = min(low, high, -0.01), max(low, high, 0.01)
    chance = -worst / (best - worst)  # of the best: the mean is 0
    after = [FRESH.count([wager], [0.0], START) for wager in (best, worst)]
    assert chance * after[0].e_value + (1 - chance) * after[1].e_value <= 1.0 + 1e-12


@given(st.integers(0, 2**32 - 1))
def test_a_wager_lies_within_its_limits_whatever_comes_true(seed: int) -> None:
    generator = np.random.default_rng(seed)
    line, origin = np.sort(generator.standard_cauchy((2, 20, 7, 9)), axis=-1)
    wagers, balances = score_differences(line, origin, generator.standard_cauchy((20, 7)))
    assert (np.abs(wagers) <= 1.0).all()
    assert np.isfinite(balances).all()
    assert (np.asarray(score_differences(line, line, np.ones((20, 7)))) == 0.0).all()


def test_the_limit_of_a_wager_is_reached() -> None:
    line, origin = quantiles(np.ones(1), 0.1), quantiles(np.ones(1))
    outcome = np.full((1, 7), 1e6)
    expected = (crps(outcome, line) - crps(outcome, origin))[0, 0]
    wagers, balances = score_differences(line, origin, outcome)
    assert -1.0 < wagers[0] < 0.0  # each level reaches its own limit on one side only
    assert balances[0] == pytest.approx(expected)


def test_a_line_that_says_no_number_loses_its_stake() -> None:
    line = quantiles(np.ones(2))
    line[1, 3, 4] = np.nan
    wagers, balances = score_differences(line, quantiles(np.ones(2)), np.zeros((2, 7)))
    assert wagers.tolist() == [0.0, 1.0]
    assert balances.tolist() == [0.0, 1.0]


def test_wealth_has_a_limit_so_that_an_old_fortune_does_not_hide_a_new_loss() -> None:
    rich = FRESH.count([-1.0] * 5000, [-1.0] * 5000, START)
    assert rich.e_value == pytest.approx(1e6)
    assert math.isfinite(rich.count([1.0] * 5000, [0.0] * 5000, START).e_value)
    assert rich.count([1.0] * 100, [0.0] * 100, START).is_rejected


def test_a_false_alarm_is_rare_among_lines_that_are_as_good() -> None:
    generator = np.random.default_rng(1)
    alarms = sum(FRESH.count(generator.choice([-0.5, 0.5], 500), np.zeros(500), START).is_rejected for _ in range(100))
    assert alarms <= 100 * 500 / ALARM_E_VALUE


def test_evidence_comes_back_from_json_to_the_last_bit() -> None:
    generator = np.random.default_rng(2)
    evidence = FRESH.count(generator.uniform(-1, 1, 50), generator.standard_normal(50), START + timedelta(hours=1))
    assert SequentialTest.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence
    with pytest.raises(DataContractError, match="not the fields"):
        SequentialTest.from_dict({"reference": "backbone"})


def test_counting_bar_by_bar_equals_counting_them_at_once() -> None:
    generator = np.random.default_rng(3)
    wagers, balances = generator.uniform(-1, 1, (2, 30))
    step_by_step = FRESH
    for wager, balance in zip(wagers, balances, strict=True):
        step_by_step = step_by_step.count([wager], [balance], START)
    assert step_by_step == FRESH.count(wagers, balances, START)
