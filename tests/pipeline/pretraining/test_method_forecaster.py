"""A method as a forecaster: as the Transformer, without later bars, and with arrays that all methods share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from include.evaluation.history import History
from include.evaluation.leaderboard import find_leak
from include.evaluation.walkforward import Fold, make_folds
from include.features.windows import MODEL_INPUT_COUNT
from include.model.checkpoint import BACKBONE
from include.model.config import ModelConfig
from include.model.predict import predict_windows
from include.pipeline.data.histories import simulated_histories
from include.pipeline.pretraining import method_forecaster
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster
from include.pipeline.pretraining.method_forecaster import MethodForecaster, SharedSeries
from tests.model.made_up import stirred_state

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)
CONFIG = ModelConfig(input_count=MODEL_INPUT_COUNT, context_bars=16, width=8, layers=1, heads=2)
STATE = stirred_state((BACKBONE,), config=CONFIG)
FOLD = make_folds(UNTIL - timedelta(days=14), UNTIL, fold_days=14)[0]


class Network:
    """A network as a method."""

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return predict_windows(STATE, x, ends)


@pytest.fixture(scope="module")
def histories() -> dict[str, History]:
    """A share and a ticker that trades round the clock, of bars that closed before the end of the fold."""
    found = simulated_histories(4, UNTIL - timedelta(days=200), UNTIL)
    return {ticker: found[ticker].until(FOLD.until) for ticker in list(found)[2:]}


def test_the_forecasts_of_a_network_are_those_of_the_backbone_forecaster(histories: Mapping[str, History]) -> None:
    found = MethodForecaster(Network(), SharedSeries(16))(histories, FOLD)
    expected = BackboneForecaster(STATE, is_calibrated=False)(histories, FOLD)
    for ticker in histories:
        np.testing.assert_array_equal(found[ticker], expected[ticker])


def test_with_every_only_some_bars_are_forecast(histories: Mapping[str, History]) -> None:
    whole, some = (MethodForecaster(Network(), SharedSeries(16), every)(histories, FOLD) for every in (1, 5))
    for ticker, forecasts in some.items():
        is_there = np.isfinite(forecasts).all(axis=(1, 2))
        assert is_there.sum() == -(-len(forecasts) // 5)
        np.testing.assert_allclose(forecasts[is_there], whole[ticker][is_there], rtol=1e-5)


def test_no_later_bar_is_used(histories: Mapping[str, History]) -> None:
    assert find_leak(MethodForecaster(Network(), SharedSeries(16)), histories, FOLD) == []


def test_the_arrays_of_a_fold_are_computed_once_for_all_methods(
    histories: Mapping[str, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    real = method_forecaster.series_of
    monkeypatch.setattr(method_forecaster, "series_of", lambda *asked: computed.append(asked[0].ticker) or real(*asked))
    shared = SharedSeries(16)
    for _ in range(2):
        MethodForecaster(Network(), shared)(histories, FOLD)
    assert sorted(computed) == sorted(histories)


def test_a_fold_without_bars_has_no_forecast(histories: Mapping[str, History]) -> None:
    later = FOLD.until + np.timedelta64(1, "D")
    empty = MethodForecaster(Network(), SharedSeries(16))(histories, Fold(0, FOLD.until, FOLD.until, later))
    assert {len(forecasts) for forecasts in empty.values()} == {0}
