"""The trial of calibration, on two invented tickers: a New York share and one that trades at all hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from include.evaluation.walkforward import Fold, instant
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import load_backbone
from include.model.config import model_config
from include.pipeline.data.histories import load_histories
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster
from include.settings import ModelSettings
from research.calibration.designs import DESIGNS, NONE, PRODUCT, calibrated
from research.calibration.past import Past, load_past
from research.calibration.tables import BEFORE, HAR, Cases, by_ticker, coverages, make_cases
from research.calibration_trial import main
from tests.support.market import write_simulated_bars

SHIPPED_AT = datetime(2025, 2, 28, tzinfo=UTC)
UNTIL = datetime(2025, 4, 5, tzinfo=UTC)
TICKERS = {"ALFA.SIM": "ALFA", "NOVA-USD.SIM": "NOVA-USD"}
MARKETS = {"ALFA": "US equity", "NOVA-USD": "crypto"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars")
    write_simulated_bars(path, TICKERS, UNTIL - timedelta(days=200), UNTIL)
    return path


@pytest.fixture(scope="module")
def past(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Past]:
    """Forecasts of the shipped backbone at all bars."""
    cache = tmp_path_factory.mktemp("cache")
    arguments = (load_histories(folder, UNTIL), [SHIPPED_AT], UNTIL, cache)
    made = load_past(*arguments, shipped_at=SHIPPED_AT, steps=1)
    read = load_past(*arguments, shipped_at=SHIPPED_AT, steps=1)
    assert len(list(cache.iterdir())) == 1
    for ticker in MARKETS:
        np.testing.assert_array_equal(made[ticker].network, read[ticker].network)
    return read


@pytest.fixture(scope="module")
def cases(past: dict[str, Past]) -> Cases:
    return make_cases(past, MARKETS, instant(SHIPPED_AT), instant(UNTIL))


def test_the_trial_prints_all_tables_before_and_after_the_backbones_training_set_ends(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--since", "2025-02-10", "--steps", "1"]) == 0
    printed = capsys.readouterr().out
    for period in ("2025-02-10 to 2025-02-28", "2025-02-28 to 2025-04-"):
        assert printed.count(period) == 4
    assert printed.count(f"| {PRODUCT.name} |") >= 6
    assert "| US equity, night |" in printed


def test_bars_that_end_before_the_first_quarter_are_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--since", "2026-01-01"]) == 1
    assert "before --since 2026-01-01" in capsys.readouterr().err


def test_the_products_design_gives_the_products_forecasts(folder: Path, past: dict[str, Past]) -> None:
    state = load_backbone(model_config(ModelSettings(), MODEL_INPUT_COUNT)).state
    fold = Fold(0, instant(SHIPPED_AT), instant(UNTIL - timedelta(days=4)), instant(UNTIL))
    expected = BackboneForecaster(state)(load_histories(folder, UNTIL), fold)
    for ticker, rows in past.items():
        first = int(np.searchsorted(rows.closed_at, fold.since))
        found = calibrated(PRODUCT, rows, slice(first, len(rows.closed_at)))
        np.testing.assert_allclose(found, expected[ticker], rtol=1e-9)
        assert not np.allclose(found, rows.network[first:])


def test_a_forecast_uses_no_outcome_that_was_not_known_when_its_bar_closed(past: dict[str, Past]) -> None:
    rows = past["ALFA"]
    middle = len(rows.closed_at) - 40
    later = rows.target_at > rows.closed_at[middle]
    changed = replace(rows, outcome=np.where(later, 9.0, rows.outcome))
    for design in DESIGNS:
        wanted = slice(middle - 20, middle + 1)
        np.testing.assert_array_equal(calibrated(design, rows, wanted), calibrated(design, changed, wanted))
    after = slice(middle + 1, middle + 20)
    assert not np.array_equal(calibrated(PRODUCT, rows, after), calibrated(PRODUCT, changed, after))


def test_states_hold_every_outcome_once_and_no_calibration_gains_nothing_over_itself(cases: Cases) -> None:
    table = coverages(cases, 80).set_index("state")["outcomes"]
    total = len(cases.outcome)
    assert table["all"] == total == table[["calm", "middle", "wild"]].sum()
    assert table[["US equity, day", "US equity, night", "crypto, day"]].sum() == total
    assert "crypto, night" not in table.index
    assert cases.gain(NONE.name, NONE.name).value == 0.0
    assert by_ticker(cases, NONE.name) == (0, 0)


def test_a_calibration_that_loses_on_a_ticker_is_counted_as_worse(cases: Cases) -> None:
    wide = {**cases.quantiles, PRODUCT.name: 3.0 * cases.quantiles[NONE.name]}
    losing = replace(cases, quantiles=wide)
    assert by_ticker(losing, PRODUCT.name) == (2, 0)
    assert losing.gain(PRODUCT.name, BEFORE).value < -10.0
    assert losing.coverage(PRODUCT.name, 80, np.ones(len(losing.outcome), dtype=np.bool_)).value > 95.0
    assert set(cases.quantiles) == {HAR, *(design.name for design in DESIGNS)}
