"""Pre-training and our own forecaster, on simulated bars written to files. No database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.artefacts.store import FolderStore
from include.errors import CheckpointError
from include.evaluation.leaderboard import evaluate
from include.evaluation.naive import random_walk
from include.evaluation.walkforward import make_folds
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import load_backbone, read_certificate
from include.model.calibration import calibrate, widen_calm, width_factors
from include.model.checkpoint import BACKBONE
from include.model.config import model_config
from include.model.pretrain import PretrainConfig
from include.model.shard import initial_state
from include.pipeline.data.histories import load_histories
from include.pipeline.pretraining import pretrain as module
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from include.settings import ModelSettings

UNTIL = datetime(2024, 9, 1, tzinfo=UTC)
QUICK = PretrainConfig(steps=3, batch_windows=4)
CONFIG = model_config(ModelSettings(), MODEL_INPUT_COUNT)


@pytest.fixture(scope="module")
def bars_dir(tmp_path_factory):
    """Hourly bars round the clock of two tickers, four months before the cut-off and one after it."""
    folder = tmp_path_factory.mktemp("bars")
    opened = pd.date_range("2024-05-01", "2024-10-01", freq="h", tz="UTC", inclusive="left")
    for seed, name in enumerate(("AAA-USD", "BBB-USD")):
        random = np.random.default_rng(seed)
        close = 100.0 * np.exp(np.cumsum(random.standard_t(4, len(opened)) * 0.003))
        open_ = np.concatenate([[100.0], close[:-1]])
        frame = pd.DataFrame({"ts": opened, "open": open_, "close": close, "volume": 1.0})
        frame["high"], frame["low"] = frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)
        frame.to_parquet(folder / f"{name}.parquet")
    return folder


def test_what_is_written_can_be_started_from_and_says_what_made_it(bars_dir, tmp_path):
    birth = module.pretrain_backbone(bars_dir, UNTIL, tmp_path, seed=1, training=QUICK)
    assert load_backbone(CONFIG, FolderStore(tmp_path)).state.tickers == (BACKBONE,)
    certificate = read_certificate(FolderStore(tmp_path))
    assert birth.items() <= certificate.items()
    assert (certificate["tickers"], certificate["seed"]) == (["AAA-USD", "BBB-USD"], 1)
    assert set(certificate["inputs"]) == {"all", "crypto"}


def test_bars_after_the_cut_off_change_nothing(bars_dir, tmp_path):
    shorter = tmp_path / "shorter"
    shorter.mkdir()
    for path in bars_dir.glob("*.parquet"):
        frame = pd.read_parquet(path)
        frame[frame["ts"] < pd.Timestamp(UNTIL)].to_parquet(shorter / path.name)
    versions = set()
    for number, folder in enumerate((bars_dir, shorter)):
        module.pretrain_backbone(folder, UNTIL, tmp_path / str(number), seed=1, training=QUICK)
        versions.add(read_certificate(FolderStore(tmp_path / str(number)))["model_version"])
    assert len(versions) == 1


def test_a_scored_quarter_says_what_scale_and_backbone_were_worth(bars_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_QUARTER", timedelta(days=14))
    birth = module.pretrain_backbone(bars_dir, UNTIL, tmp_path, seed=1, quarters=1, training=QUICK)
    (score,) = birth["walk_forward"]
    assert score["until"] == UNTIL.isoformat()
    assert score["scale_skill_1"] > -20.0
    assert 0.7 < score["coverage_90"] < 1.0


def test_simulated_tickers_teach_beside_those_of_the_folder_and_are_not_scored(bars_dir, tmp_path):
    versions = set()
    for count in (0, 2):
        birth = module.pretrain_backbone(
            bars_dir, UNTIL, tmp_path / str(count), seed=1, simulated_count=count, training=QUICK
        )
        assert (birth["tickers"], birth["simulated_count"]) == (["AAA-USD", "BBB-USD"], count)
        versions.add(read_certificate(FolderStore(tmp_path / str(count)))["model_version"])
    assert len(versions) == 2


def test_our_forecaster_reads_nothing_later_and_answers_the_same_fold_by_fold_as_at_once(bars_dir):
    histories = load_histories(bars_dir, UNTIL)
    since = UNTIL - timedelta(days=14)
    fresh = initial_state((BACKBONE,), CONFIG, (1,))
    by_week, at_once = (
        evaluate(
            {"random walk": random_walk, "own": BackboneForecaster(fresh)}, histories, since, UNTIL, fold_days=days
        )
        for days in (7, 14)
    )
    for ticker in histories:
        np.testing.assert_allclose(by_week.quantiles["own"][ticker], at_once.quantiles["own"][ticker], rtol=1e-9)
        assert np.isfinite(at_once.quantiles["own"][ticker]).all()


def test_our_forecaster_is_calibrated_at_each_bar_by_what_was_known_when_it_closed(bars_dir):
    since = UNTIL - timedelta(days=7)
    (fold,) = make_folds(since, UNTIL)
    history = load_histories(bars_dir, UNTIL, ["AAA-USD"])["AAA-USD"]
    rows, past = fold.test_rows(history), replace(fold, since=fold.since - np.timedelta64(30, "D"))
    fresh = initial_state((BACKBONE,), CONFIG, (1,))
    raw = np.full((len(history), 7, 9), np.nan)
    network = BackboneForecaster(fresh, is_calibrated=False)({"AAA-USD": history}, past)["AAA-USD"]
    series = series_of(history)
    place = np.searchsorted(series.closed_at, history.closed_at[past.test_rows(history)])
    raw[past.test_rows(history)] = widen_calm(network, series.level[place])
    answers = BackboneForecaster(fresh)({"AAA-USD": history}, fold)["AAA-USD"]
    for row in (rows.start, rows.start + 80, rows.stop - 1):
        newest = slice(row - 400, row)
        known = np.where(history.target_at[newest] <= history.closed_at[row], history.outcome[newest], np.nan)
        naive = calibrate(raw[row], width_factors(raw[newest], known))
        np.testing.assert_allclose(answers[row - rows.start], naive, rtol=1e-9)
        assert np.abs(naive - raw[row]).max() > 0.0


def test_the_command_prints_the_certificate_and_says_what_is_wrong(bars_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(module, "PretrainConfig", lambda **_: QUICK)
    arguments = ["--bars", str(bars_dir), "--until", "2024-09-01", "--out", str(tmp_path), "--quarters", "0"]
    assert module.main(arguments) == 0
    assert '"kind": "backbone"' in capsys.readouterr().out
    assert module.main([*arguments[2:], "--bars", str(tmp_path / "nothing")]) == 1
    assert "Nothing to evaluate on" in capsys.readouterr().err


def test_a_folder_without_a_backbone_is_said_so(tmp_path):
    with pytest.raises(CheckpointError, match="make pretrain"):
        load_backbone(CONFIG, FolderStore(tmp_path))
