import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.model.calibration import (
    CALM_POWER,
    CHANCE,
    GREATEST_FACTOR,
    LEAK,
    LOWEST_LEVEL,
    SMALLEST_FACTOR,
    STEP,
    calibrate,
    factors_of,
    interval_scores,
    widen_calm,
    width_factors,
)
from include.model.transformer import reference_quantiles

REFERENCE = np.array(reference_quantiles(QUANTILE_LEVELS))


def _past(count: int, width: float, horizons: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts that are ``width`` times as wide as correct ones, in hours with very different volatility."""
    generator = np.random.default_rng(seed)
    volatility = np.exp(generator.standard_normal((count, horizons)))
    outcomes = volatility * generator.standard_t(4, (count, horizons)) * np.sqrt(2 / np.pi)
    return width * volatility[:, :, None] * REFERENCE, outcomes


def _mean_factors(width: float, count: int = 400) -> np.ndarray:
    """Mean over histories, because a single one is noisy."""
    return np.mean([width_factors(*_past(count, width, seed=seed)) for seed in range(40)], axis=0)


def test_correct_widths_are_not_changed():
    assert _mean_factors(1.0) == pytest.approx(np.ones((2, 2)), abs=0.04)


@pytest.mark.parametrize("width", [0.7, 1.4])
def test_most_of_a_wrong_width_is_corrected(width):
    corrected = np.log(_mean_factors(width)) / -np.log(width)
    assert (corrected > 0.4).all()
    assert (corrected < 1.1).all()


def test_coverage_is_corrected_hour_by_hour():
    quantiles, outcomes = _past(1500, 0.8, horizons=1)
    inside = []
    for hour in range(400, 1500):
        factors = width_factors(quantiles[hour - 400 : hour], outcomes[hour - 400 : hour])
        calibrated = calibrate(quantiles[hour], factors)
        inside.append(
            [calibrated[0, low] <= outcomes[hour, 0] <= calibrated[0, high] for low, high in ((2, 6), (1, 7))]
        )
    assert np.mean(inside, axis=0) == pytest.approx([0.8, 0.9], abs=0.035)


def test_a_sudden_rise_of_volatility_that_the_scale_misses_is_corrected_within_sixty_outcomes():
    # after a doubling of volatility the 90 % interval from the scale covers about 85 %, as after an unseen rise by 20 %
    inside = []
    for seed in range(100):
        quantiles, outcomes = _past(360, 1.0, horizons=1, seed=seed)
        outcomes[280:] *= 1.2
        for hour in range(340, 360, 5):
            calibrated = calibrate(quantiles[hour], width_factors(quantiles[:hour], outcomes[:hour]))
            inside.append(calibrated[0, 1] <= outcomes[hour, 0] <= calibrated[0, 7])
    assert np.mean(inside) > 0.865


def test_old_errors_lose_their_influence():
    """Each outcome removes the share ``LEAK`` of a factor's logarithm; after calibrated forecasts it is near 1."""
    too_narrow = np.full((300, 1, 2), 99.0)  # every outcome is outside of both intervals
    calibrated = np.zeros((1000, 1, 2))
    calibrated[::5, :, 0], calibrated[::10, :, 1] = (
        99.0,
        99.0,
    )  # one in five is outside of the 80 %, one in ten of the 90 %
    assert factors_of(too_narrow)[0] == pytest.approx(GREATEST_FACTOR, rel=0.01)
    assert (factors_of(too_narrow) <= GREATEST_FACTOR).all()
    assert np.abs(np.log(factors_of(np.concatenate([too_narrow, calibrated])))).max() < 0.06


def test_the_second_outcome_outside_adds_its_step_to_what_the_leak_has_left():
    once = STEP * np.array([0.8, 0.9])
    twice = (1.0 - LEAK) * once + once
    shrunk = twice**3 / (twice**2 + CHANCE**2)
    np.testing.assert_allclose(np.log(factors_of(np.full((2, 1, 2), 99.0)))[0], shrunk)


def test_where_widths_are_right_a_factor_is_moved_by_chance_by_less_than_the_steps_move_it():
    """Steps alone move the log of the factor of the 80 % interval by 0.065, as a standard deviation."""
    logarithms = np.log([width_factors(*_past(400, 1.0, horizons=1, seed=seed))[0, 0] for seed in range(60)])
    assert logarithms.std() < 0.05


@pytest.mark.parametrize(
    ("level", "width"),
    [(1.0, 1.0), (3.0, 1.0), (0.7, 0.7**-CALM_POWER), (0.5, 0.5**-CALM_POWER), (0.1, 0.5**-CALM_POWER)],
)
def test_a_forecast_of_a_calm_hour_is_wider_about_its_median(level, width):
    assert LOWEST_LEVEL == 0.5
    quantiles = np.tile(0.5 + REFERENCE, (3, 2, 1))
    widened = widen_calm(quantiles, np.full(3, np.log(level)))
    np.testing.assert_allclose(widened, 0.5 + REFERENCE * np.full((3, 2, 1), width), rtol=1e-12)


def test_each_forecast_is_widened_by_the_level_of_its_hour():
    quantiles = np.tile(REFERENCE, (2, 4, 1))
    widened = widen_calm(quantiles, np.log(np.array([0.6, 1.2], dtype=np.float32)))
    assert (widened[0] == widen_calm(quantiles[0], np.log(np.float32(0.6)))).all()
    assert (widened[1] == quantiles[1]).all()
    assert (np.abs(widened[0, :, [0, 3, 8]]) > np.abs(quantiles[0, :, [0, 3, 8]])).all()


def test_little_history_corrects_little_and_overlapping_horizons_less():
    few = width_factors(*_past(30, 0.6, horizons=7))
    many = width_factors(*_past(400, 0.6, horizons=7))
    assert (few[0] > 1.0).all()
    assert (few[0] < many[0]).all()
    assert (few[6] < few[0]).all()


def test_each_interval_is_corrected_separately():
    generator = np.random.default_rng(3)
    outcomes = generator.standard_t(4, (4000, 1)) * np.sqrt(2 / np.pi)
    too_wide_in_the_tails = np.tile(REFERENCE * np.array([1.5, 1.5, 1, 1, 1, 1, 1, 1.5, 1.5]), (4000, 1, 1))
    factors = np.mean(
        [width_factors(too_wide_in_the_tails[i : i + 400], outcomes[i : i + 400]) for i in range(0, 4000, 400)], axis=0
    )
    assert factors[0, 0] == pytest.approx(1.0, abs=0.06)
    assert factors[0, 1] < 0.85


def test_without_history_nothing_is_corrected():
    assert width_factors(np.zeros((0, 3, 9)), np.zeros((0, 3))).tolist() == [[1.0, 1.0]] * 3
    assert width_factors(np.ones((5, 3, 9)), np.full((5, 3), np.nan)).tolist() == [[1.0, 1.0]] * 3


def test_outcomes_that_are_not_known_yet_do_not_count():
    quantiles, outcomes = _past(500, 0.7)
    waiting = np.concatenate((outcomes, np.full((7, 2), np.nan)))
    padded = np.concatenate((quantiles, quantiles[:7]))
    assert width_factors(padded, waiting).tolist() == width_factors(quantiles, outcomes).tolist()


def test_forecasts_of_zero_width_give_finite_factors():
    factors = width_factors(np.zeros((400, 1, 9)), np.ones((400, 1)))
    assert ((factors > 1.0) & (factors <= GREATEST_FACTOR)).all()
    assert (width_factors(np.zeros((400, 1, 9)), np.zeros((400, 1))) < 1.0).all()


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (6, 2), elements=st.floats(-1e6, 1e6)), st.floats(1e-6, 1e6))
def test_factors_stay_within_their_limits(outcomes, width):
    factors = width_factors(np.tile(width * REFERENCE, (6, 2, 1)), outcomes)
    assert ((factors >= SMALLEST_FACTOR) & (factors <= GREATEST_FACTOR)).all()


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float64, (2, 9), elements=st.floats(-1e3, 1e3)),
    arrays(np.float64, (2, 2), elements=st.floats(SMALLEST_FACTOR, GREATEST_FACTOR)),
)
def test_calibrating_keeps_median_and_order(values, factors):
    quantiles = np.sort(values, axis=-1)
    calibrated = calibrate(quantiles, factors)
    assert calibrated[:, 4].tolist() == quantiles[:, 4].tolist()
    assert (np.diff(calibrated, axis=-1) >= 0).all()


def test_each_quantile_is_stretched_by_the_factor_of_its_interval_and_the_quartiles_by_a_root():
    calibrated = calibrate(REFERENCE[None], np.array([[1.21, 1.3]]))[0]
    np.testing.assert_allclose(
        calibrated / np.where(REFERENCE == 0.0, 1.0, REFERENCE), [1.3, 1.3, 1.21, 1.1, 0.0, 1.1, 1.21, 1.3, 1.3]
    )
    np.testing.assert_allclose(calibrate(calibrated[None], 1.0 / np.array([[1.21, 1.3]]))[0], REFERENCE, atol=1e-12)


def test_factors_and_quantiles_of_a_stack_are_those_of_each_part() -> None:
    generator = np.random.default_rng(5)
    scores = generator.exponential(0.6, (3, 40, HORIZON_COUNT, 2))
    factors = factors_of(scores)
    assert factors.shape == (3, HORIZON_COUNT, 2)
    quantiles = np.sort(generator.standard_normal((3, HORIZON_COUNT, len(QUANTILE_LEVELS))), axis=-1)
    stretched = calibrate(quantiles, factors)
    for part in range(3):
        assert (factors[part] == factors_of(scores[part])).all()
        assert (stretched[part] == calibrate(quantiles[part], factors[part])).all()


def test_a_score_does_not_depend_on_where_the_median_lies() -> None:
    generator = np.random.default_rng(6)
    quantiles = np.sort(generator.standard_normal((20, HORIZON_COUNT, len(QUANTILE_LEVELS))), axis=-1)
    outcomes = generator.standard_normal((20, HORIZON_COUNT))
    assert interval_scores(quantiles + 8.0, outcomes + 8.0) == pytest.approx(interval_scores(quantiles, outcomes))


def test_an_outcome_beside_an_interval_of_no_width_is_outside_at_the_greatest_factor() -> None:
    scores = interval_scores(np.zeros((1, HORIZON_COUNT, len(QUANTILE_LEVELS))), np.ones((1, HORIZON_COUNT)))
    assert (scores > GREATEST_FACTOR).all()
