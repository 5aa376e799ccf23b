import json
from pathlib import Path

import numpy as np
import pytest

from include.artefacts.store import FolderStore
from include.errors import DataContractError
from include.model.checkpoint import load_tickers
from include.model.config import ModelConfig
from include.model.predict import predict
from include.model.shard import initial_state
from include.model.transformer import reference_quantiles
from tests.model.made_up import SMALL, in_double, stirred_state
from tests.model.make_golden import FOLDER, golden_refs, golden_windows


def _windows(tickers: int, seed: int = 0) -> np.ndarray:
    shape = (tickers, SMALL.context_bars, SMALL.input_count)
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_a_forecast_is_ordered_and_has_every_horizon():
    quantiles = predict(stirred_state(("A", "B")), _windows(2))
    assert quantiles.shape == (2, 3, 9)
    assert quantiles.dtype == np.float64
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def test_a_fresh_network_forecasts_the_reference():
    quantiles = predict(initial_state(("A",), SMALL, (1,)), _windows(1))
    assert quantiles[0, 0] == pytest.approx(reference_quantiles(SMALL.quantile_levels), abs=1e-5)


def test_a_tickers_forecast_does_not_depend_on_other_tickers():
    state, windows = stirred_state(("A", "B", "C")), _windows(3)
    together = predict(state, windows)
    for k in range(3):
        assert predict(state.select([k]), windows[k : k + 1]).tobytes() == together[k].tobytes()


def test_grouped_forecasts_agree_with_single_ones():
    state, windows = in_double(stirred_state(("A", "B", "C"))), _windows(3)
    np.testing.assert_allclose(predict(state, windows, group_tickers=3), predict(state, windows), rtol=0, atol=1e-12)


def test_a_window_of_nan_gives_nan_for_its_ticker_only():
    state, windows = stirred_state(("A", "B", "C")), _windows(3)
    clean = predict(state, windows, group_tickers=3)
    windows[1] = np.nan
    result = predict(state, windows, group_tickers=3)
    assert np.isnan(result[1]).all()
    assert result[[0, 2]].tobytes() == clean[[0, 2]].tobytes()


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(DataContractError, match="do not fit 2 tickers"):
        predict(stirred_state(("A", "B")), _windows(3))


def test_an_empty_shard_forecasts_nothing():
    assert predict(initial_state((), SMALL, ()), _windows(0)).shape == (0, 3, 9)


def test_the_golden_forecast_stays_put():
    """The stored network gives the stored quantiles.

    The tolerance of 1e-5 scaled units (a hundred-thousandth of an hour's typical move) is for other processors, whose
    matrix products round differently. If the change is intended, run ``python -m tests.model.make_golden`` and give
    ``ARCHITECTURE`` a new name.
    """
    expected = json.loads(Path(FOLDER / "forecast.json").read_text())
    config = ModelConfig.from_dict(expected["config"])
    state, failures = load_tickers(FolderStore(FOLDER), golden_refs(expected), config)
    assert failures == {}
    found = predict(state, golden_windows(config))
    np.testing.assert_allclose(found, np.array(expected["quantiles"]), rtol=0, atol=1e-5)
