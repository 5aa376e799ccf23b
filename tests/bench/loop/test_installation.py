"""The settings of the trial's installation."""

from pathlib import Path

from bench.loop.installation import settings_of
from include.settings import load_settings


def test_the_trial_has_its_own_settings_and_the_default_retentions(tmp_path: Path) -> None:
    found = load_settings(settings_of({"HOURCAST_SEED": "7", "LANG": "C"}, tmp_path / "local"))
    usual = load_settings({})
    assert found.market.bars_dir == tmp_path / "bars"
    assert found.model.seed == usual.model.seed
    assert found.model.model_retention_days == usual.model.model_retention_days
    assert found.store.airflow_retention_days == usual.store.airflow_retention_days
    assert found.schedule.backbone_max_age_days == 0
