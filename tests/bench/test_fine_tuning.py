"""The simulated hours of fine-tuning: each hour uses what was known then, and the figures of all tickers add up."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bench.fine_tuning import TickerReplay, summary
from include.evaluation.history import History
from include.features.windows import MODEL_INPUT_COUNT
from include.model.config import model_config
from include.pipeline.data.histories import simulated_histories
from include.settings import ModelSettings
from tests.model.made_up import stirred_state

UNTIL = datetime(2025, 3, 1, tzinfo=UTC)
HOURS = 12
SETTINGS = ModelSettings(context_bars=16, model_width=8, model_layers=1, model_heads=2, hourly_training_bars=200)
BACKBONE = stirred_state(("backbone",), config=model_config(SETTINGS, MODEL_INPUT_COUNT))


@pytest.fixture(scope="module")
def history() -> History:
    """60 days of a simulated ticker that trades round the clock."""
    return list(simulated_histories(4, UNTIL - timedelta(days=60), UNTIL).values())[3]


def replay(history: History, is_wanted: bool) -> TickerReplay:
    """The last hours of the history, with or without training."""
    found = TickerReplay(history, BACKBONE, SETTINGS, UNTIL - timedelta(hours=HOURS))
    found.run(np.full(len(found.rows), is_wanted))
    return found


def test_each_hour_trains_once_and_a_challenger_without_a_proof_does_not_serve(history: History) -> None:
    trained = replay(history, is_wanted=True)
    report = trained.report()
    assert (report["hours"], report["trained"], report["promoted"]) == (len(trained.rows), len(trained.rows), 0)
    known = np.isfinite(trained.reference_loss)
    assert (trained.challenger_loss[known] != trained.reference_loss[known]).any()
    assert report["served_1"] == report["served_mean"] == 0.0
    assert report["challenger_mean"] != 0.0


def test_without_training_the_challenger_is_the_backbone(history: History) -> None:
    report = replay(history, is_wanted=False).report()
    assert (report["trained"], report["challenger_1"], report["challenger_mean"]) == (0, 0.0, 0.0)


def test_an_hour_knows_no_outcome_of_a_later_bar(history: History) -> None:
    found = TickerReplay(history, BACKBONE, SETTINGS, UNTIL - timedelta(hours=HOURS))
    row = int(found.rows[3])
    known = found._known(row)
    assert known.closed_at[-1] == found.series.closed_at[row]
    assert len(known.x) == SETTINGS.hourly_training_bars
    assert not known.has_target[-1].any()
    assert known.has_target[-2].tolist() == [True] + [False] * 6
    assert (known.y[~known.has_target] == 0.0).all()


def test_the_summary_adds_up_the_tickers(history: History) -> None:
    one, two = replay(history, is_wanted=True).report(), replay(history, is_wanted=False).report()
    figures = summary([one, two])
    assert (figures["tickers"], figures["ticker_hours"]) == (2, one["hours"] + two["hours"])
    assert figures["trained_ratio"] == pytest.approx(0.5)
    assert figures["challenger_mean"]["change_percent"] == pytest.approx(one["challenger_mean"] / 2, abs=1e-4)
    assert figures["served_1"]["worst_ticker"] == 0.0
