import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from research.forecasters.recurrent import LSTM, TCN, RivalConfig, RivalSeries, ask_rival, fit_rival

MEDIAN = QUANTILE_LEVELS.index(0.5)
SIGNED = np.array([False, True])
SMALL = {"context_bars": 8, "width": 8, "batch_windows": 32}


def series(seed, count=400):
    """Returns twice as wide after a loud bar: the first input says how loud it was."""
    random = np.random.default_rng(seed)
    loud = (random.random(count) < 0.5).astype(float)
    y = random.standard_t(5, (count, HORIZON_COUNT)) * (1.0 + loud[:, None])
    is_teaching = np.ones((count, HORIZON_COUNT), dtype=bool)
    is_teaching[300:] = False
    return RivalSeries(np.stack([loud, random.normal(size=count)], axis=1), np.ones((count, 7, 2)), y, is_teaching)


LESSONS = [series(0), series(1)]


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_an_untrained_network_gives_the_pooled_quantiles_about_a_median_of_0(kind):
    rival = fit_rival(LESSONS, SIGNED, RivalConfig(kind, steps=1, learning_rate=0.0, **SMALL))
    answers = ask_rival(rival, LESSONS[0].of_bar, LESSONS[0].of_path, np.arange(20, 30))
    pooled = np.mean([np.quantile(one.y[:300], QUANTILE_LEVELS, axis=0).T for one in LESSONS], axis=0)
    np.testing.assert_allclose(answers[3], pooled - pooled[:, [MEDIAN]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_it_learns_that_loud_bars_are_followed_by_wide_returns_and_quantiles_stay_in_order(kind):
    config = RivalConfig(kind, steps=120, learning_rate=2e-2, **SMALL)
    rival = fit_rival(LESSONS, SIGNED, config)
    rows = np.arange(300, 400)
    answers = ask_rival(rival, LESSONS[0].of_bar, LESSONS[0].of_path, rows)
    assert (np.diff(answers, axis=-1) >= 0.0).all()
    np.testing.assert_array_equal(answers[..., MEDIAN], 0.0)
    width = answers[:, 0, 7] - answers[:, 0, 1]
    loud = LESSONS[0].of_bar[rows, 0] > 0.5
    assert width[loud].mean() > 1.3 * width[~loud].mean()


@pytest.mark.parametrize("kind", [LSTM, TCN])
def test_a_forecast_reads_no_later_bar_and_the_same_seed_gives_the_same_one(kind):
    config = RivalConfig(kind, steps=5, **SMALL)
    one, two = (fit_rival(LESSONS, SIGNED, config) for _ in range(2))
    rows = np.arange(100, 120)
    answers = ask_rival(one, LESSONS[0].of_bar, LESSONS[0].of_path, rows)
    np.testing.assert_array_equal(answers, ask_rival(two, LESSONS[0].of_bar, LESSONS[0].of_path, rows))
    bent = LESSONS[0].of_bar.copy()
    bent[110:] = 9.0
    np.testing.assert_array_equal(answers[:10], ask_rival(one, bent, LESSONS[0].of_path, rows)[:10])


def test_outcomes_that_may_not_teach_do_not():
    config = RivalConfig(steps=5, **SMALL)
    hidden = [RivalSeries(o.of_bar, o.of_path, np.where(o.is_teaching, o.y, np.nan), o.is_teaching) for o in LESSONS]
    rows = np.arange(300, 310)
    with np.errstate(invalid="raise"):
        blind = fit_rival(hidden, SIGNED, config)
    seeing = fit_rival(LESSONS, SIGNED, config)
    np.testing.assert_array_equal(
        *(ask_rival(rival, LESSONS[0].of_bar, LESSONS[0].of_path, rows) for rival in (blind, seeing))
    )


def test_before_a_full_window_and_without_a_lesson_there_is_no_forecast():
    rival = fit_rival(LESSONS, SIGNED, RivalConfig(steps=1, **SMALL))
    answers = ask_rival(rival, LESSONS[0].of_bar, LESSONS[0].of_path, np.array([3, 7]))
    assert np.isnan(answers[0]).all()
    assert np.isfinite(answers[1]).all()
    one = LESSONS[0]
    nothing = RivalSeries(one.of_bar, one.of_path, one.y, np.zeros_like(one.is_teaching))
    assert fit_rival([nothing], SIGNED, RivalConfig(steps=1, **SMALL)) is None
