"""The sizes of folders, and the age of the newest backup."""

import os
import time
from pathlib import Path

import pytest

from include.settings import Settings, load_settings
from plugins.metrics.disks import read_metrics


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folders = {"HOURCAST_MODELS_DIR": str(tmp_path / "models"), "HOURCAST_BACKUP_DIR": str(tmp_path / "backups")}
    return load_settings(folders)


def measured(settings: Settings) -> dict[str, float]:
    return {sample.metric: sample.value for sample in read_metrics(settings)}


def test_without_a_folder_only_the_free_space_is_measured(settings: Settings) -> None:
    assert set(measured(settings)) == {"hourcast_disk_free_bytes"}
    assert measured(settings)["hourcast_disk_free_bytes"] > 0


def test_artefacts_are_counted_and_added_up(settings: Settings) -> None:
    settings.model.models_dir.mkdir()
    for name, size in (("one", 3), ("two", 4)):
        (settings.model.models_dir / name).write_bytes(b"x" * size)
    (settings.model.models_dir / "folder").mkdir()

    found = measured(settings)

    assert (found["hourcast_artefacts"], found["hourcast_artefact_bytes"]) == (2, 7)


def test_the_age_is_that_of_the_newest_complete_backup(settings: Settings) -> None:
    folder = settings.local.backup_dir
    for name, age in (("2026-11-01T000000Z", 5000), ("2026-11-02T000000Z", 3000), ("2026-11-03T000000Z.partial", 10)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)

    assert measured(settings)["hourcast_backup_age_seconds"] == pytest.approx(3000, abs=30)
