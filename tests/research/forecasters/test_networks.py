import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate, find_leak
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from research.forecasters.networks import LSTM, TCN, NetworkConfig, NetworkForecaster, NetworkSeries, fit, forecast
from tests.evaluation.fakes import day, made_up

HISTORIES = {name: made_up(1500, seed, name) for seed, name in enumerate("ABC")}
(FOLD,) = make_folds(day(190), day(200), 10)
MEDIAN = QUANTILE_LEVELS.index(0.5)
SIGNED = np.array([False, True])
SMALL = {"context_bars": 8, "width": 8, "batch_windows": 32}


def series(seed, count=400):
    """Returns that are twice as wide after a loud bar; the first input marks loud bars."""
    random = np.random.default_rng(seed)
    loud = (random.random(count) < 0.5).astype(float)
    y = random.standard_t(5, (count, HORIZON_COUNT)) * (1.0 + loud[:, None])
    mask = np.ones((count, HORIZON_COUNT), dtype=bool)
    mask[300:] = False
    return NetworkSeries(np.stack([loud, random.normal(size=count)], axis=1), np.ones((count, 7, 2)), y, mask)


SERIES = [series(0), series(1)]


def forecast_first(network, rows, of_bar=None):
    """Forecasts for the first series, or with other inputs ``of_bar``."""
    one = SERIES[0]
    return forecast(network, one.of_bar if of_bar is None else of_bar, one.of_path, rows)


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_a_small_network_is_close_to_har_beats_the_random_walk_and_uses_no_later_bar(kind):
    config = NetworkConfig(kind, steps=30, batch_windows=64, width=16)
    forecasters = {BASELINE: random_walk, "har": har, "network": NetworkForecaster(config)}
    board = evaluate(forecasters, HISTORIES, day(180), day(208), fold_days=14)
    assert board.mean_skill("network")[0] > 0.03
    assert abs(board.mean_skill("network", against="har").mean()) < 0.02
    assert find_leak(NetworkForecaster(NetworkConfig(kind, steps=3)), HISTORIES, FOLD) == []


def test_without_history_there_is_no_forecast():
    (first,) = make_folds(day(1), day(2), 5)
    assert NetworkForecaster(NetworkConfig())({"A": HISTORIES["A"].until(first.until)}, first) == {}


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_an_untrained_network_gives_the_pooled_quantiles_with_a_median_of_0(kind):
    network = fit(SERIES, SIGNED, NetworkConfig(kind, steps=1, learning_rate=0.0, **SMALL))
    quantiles = forecast_first(network, np.arange(20, 30))
    pooled = np.mean([np.quantile(one.y[:300], QUANTILE_LEVELS, axis=0).T for one in SERIES], axis=0)
    np.testing.assert_allclose(quantiles[3], pooled - pooled[:, [MEDIAN]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_it_learns_that_loud_bars_are_followed_by_wide_returns_and_quantiles_stay_in_order(kind):
    config = NetworkConfig(kind, steps=120, learning_rate=2e-2, **SMALL)
    network = fit(SERIES, SIGNED, config)
    rows = np.arange(300, 400)
    quantiles = forecast_first(network, rows)
    assert (np.diff(quantiles, axis=-1) >= 0.0).all()
    np.testing.assert_array_equal(quantiles[..., MEDIAN], 0.0)
    width = quantiles[:, 0, 7] - quantiles[:, 0, 1]
    loud = SERIES[0].of_bar[rows, 0] > 0.5
    assert width[loud].mean() > 1.3 * width[~loud].mean()


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_a_forecast_uses_no_later_bar_and_the_same_seed_gives_the_same_one(kind):
    config = NetworkConfig(kind, steps=5, **SMALL)
    one, two = (fit(SERIES, SIGNED, config) for _ in range(2))
    rows = np.arange(100, 120)
    quantiles = forecast_first(one, rows)
    np.testing.assert_array_equal(quantiles, forecast_first(two, rows))
    changed = SERIES[0].of_bar.copy()
    changed[110:] = 9.0
    np.testing.assert_array_equal(quantiles[:10], forecast_first(one, rows, changed)[:10])


def test_outcomes_outside_of_the_training_set_are_not_used():
    config = NetworkConfig(steps=5, **SMALL)
    hidden = [
        NetworkSeries(one.of_bar, one.of_path, np.where(one.training_mask, one.y, np.nan), one.training_mask)
        for one in SERIES
    ]
    rows = np.arange(300, 310)
    with np.errstate(invalid="raise"):
        without = fit(hidden, SIGNED, config)
    np.testing.assert_array_equal(forecast_first(without, rows), forecast_first(fit(SERIES, SIGNED, config), rows))


def test_before_a_full_window_and_without_training_rows_there_is_no_forecast():
    network = fit(SERIES, SIGNED, NetworkConfig(steps=1, **SMALL))
    quantiles = forecast_first(network, np.array([3, 7]))
    assert np.isnan(quantiles[0]).all()
    assert np.isfinite(quantiles[1]).all()
    one = SERIES[0]
    empty = NetworkSeries(one.of_bar, one.of_path, one.y, np.zeros_like(one.training_mask))
    assert fit([empty], SIGNED, NetworkConfig(steps=1, **SMALL)) is None
