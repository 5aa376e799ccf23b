"""The backbone as a forecaster: the arrays of a history, and forecasts that use no later bar."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.history import History
from include.evaluation.leaderboard import find_leak
from include.evaluation.walkforward import Fold, make_folds
from include.features.frame import WARM_UP_BARS
from include.features.windows import MODEL_INPUT_COUNT
from include.model.checkpoint import BACKBONE
from include.model.config import ModelConfig
from include.model.shard import ShardState, initial_state
from include.model.transformer import reference_quantiles
from include.pipeline.data.histories import simulated_histories
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from tests.model.made_up import stirred_state

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)
CONFIG = ModelConfig(input_count=MODEL_INPUT_COUNT, context_bars=16, width=8, layers=1, heads=2)
STATE = stirred_state((BACKBONE,), config=CONFIG)
FOLDS = make_folds(UNTIL - timedelta(days=14), UNTIL, fold_days=7)


@pytest.fixture(scope="module")
def histories() -> dict[str, History]:
    """A stock and a ticker that trades round the clock, with 480 days of bars."""
    found = simulated_histories(4, UNTIL - timedelta(days=480), UNTIL)
    return {ticker: found[ticker] for ticker in list(found)[2:]}


def forecasts_of(histories: dict[str, History], folds: list[Fold], state: ShardState = STATE) -> dict[str, np.ndarray]:
    """The forecasts of one forecaster over the folds in their order, joined."""
    forecaster = BackboneForecaster(state)
    parts = [forecaster(histories, fold) for fold in folds]
    return {ticker: np.concatenate([part[ticker] for part in parts]) for ticker in histories}


def test_the_newest_rows_of_a_series_have_the_bits_of_the_whole_series(histories: dict[str, History]) -> None:
    for history in histories.values():
        whole, newest = series_of(history), series_of(history, 50)
        assert len(whole.x) == len(history) - WARM_UP_BARS
        assert len(whole.x) > len(newest.x) >= 50
        for field in fields(whole):
            expected, found = (getattr(series, field.name)[-50:] for series in (whole, newest))
            assert found.tobytes() == expected.tobytes(), field.name


def test_forecasts_have_one_row_for_each_test_bar_and_are_in_order(histories: dict[str, History]) -> None:
    for ticker, quantiles in forecasts_of(histories, FOLDS).items():
        rows = [FOLDS[0].test_rows(histories[ticker]).start, FOLDS[-1].test_rows(histories[ticker]).stop]
        assert quantiles.shape == (rows[1] - rows[0], HORIZON_COUNT, len(QUANTILE_LEVELS))
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=-1) >= 0.0).all()


def test_no_later_bar_is_used(histories: dict[str, History]) -> None:
    class Fresh:
        """A new forecaster for each call, because a cached forecast would hide a leak."""

        def __call__(self, given: dict[str, History], fold: Fold) -> dict[str, np.ndarray]:
            return BackboneForecaster(STATE)(given, fold)

    assert find_leak(Fresh(), histories, FOLDS[1]) == []


def test_cached_forecasts_equal_those_of_a_new_forecaster(histories: dict[str, History]) -> None:
    """The calibration rows of a fold are test rows of earlier folds, so they come from the cache."""
    forecaster = BackboneForecaster(STATE)
    for fold in (FOLDS[1], FOLDS[0], FOLDS[1]):
        found, expected = forecaster(histories, fold), BackboneForecaster(STATE)(histories, fold)
        for ticker in histories:
            np.testing.assert_allclose(found[ticker], expected[ticker], rtol=1e-9)


def test_an_untrained_network_forecasts_the_reference_times_the_scale(histories: dict[str, History]) -> None:
    untrained = initial_state((BACKBONE,), CONFIG, (1,))
    reference = np.asarray(reference_quantiles(QUANTILE_LEVELS))
    forecasts = BackboneForecaster(untrained, is_calibrated=False)(histories, FOLDS[0])
    for ticker, history in histories.items():
        series = series_of(history)
        place = np.searchsorted(series.closed_at, history.closed_at[FOLDS[0].test_rows(history)])
        np.testing.assert_allclose(forecasts[ticker], series.scale[place][..., None] * reference, rtol=1e-4, atol=1e-7)


def test_bars_without_a_full_window_have_no_forecast(histories: dict[str, History]) -> None:
    history = next(iter(histories.values()))
    first_forecast = WARM_UP_BARS + CONFIG.context_bars - 1
    fold = replace(FOLDS[0], since=history.closed_at[0], until=history.closed_at[first_forecast + 5])
    (quantiles,) = BackboneForecaster(STATE, is_calibrated=False)({"A": history}, fold).values()
    assert np.isnan(quantiles[:first_forecast]).all()
    assert np.isfinite(quantiles[first_forecast:]).all()
