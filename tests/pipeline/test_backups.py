"""A backup of a small installation, and its restoration into an empty one."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.durable import exclusive
from include.errors import InvalidRequestError, SettingsError
from include.local.postgres import EmbeddedPostgres
from include.pipeline import backups, language_models
from include.store.app_rights import APP_ROLE
from tests.support.databases import fresh_database
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product, open_product

pytestmark = pytest.mark.integration

MADE_AT = datetime(2025, 4, 1, 2, 30, tzinfo=UTC)
TICKERS = (*ROUND_THE_CLOCK, *NEW_YORK)


@pytest.fixture
def used(product: Product) -> Product:
    """An installation that has run two hours."""
    product.onboard(*TICKERS)
    product.run_hour(AT + HOUR)
    product.run_hour(AT + 2 * HOUR)
    return product


@pytest.fixture
def empty(migrated_server: EmbeddedPostgres, tmp_path: Path) -> Iterator[tuple[Product, str]]:
    """Another installation without a ticker, and its address for migrations."""
    with (
        fresh_database(migrated_server) as name,
        open_product(migrated_server.url(APP_ROLE, name), tmp_path / "other") as product,
    ):
        yield product, migrated_server.migration_url(name)


def make(product: Product, folder: Path, at: datetime = MADE_AT, keep: int = 7) -> dict[str, Any]:
    return backups.make_backup(product.services, folder, at, keep)


def test_a_restored_installation_has_every_row_and_file_and_goes_on_as_the_first(
    used: Product, empty: tuple[Product, str], tmp_path: Path
) -> None:
    made = make(used, tmp_path / "backups")
    product, migration_url = empty

    found = backups.restore(
        product.services, migration_url, backups.find_backup(tmp_path / "backups", None), sample=100
    )

    assert product.checksum() == used.checksum()
    assert found["artefacts"] == made["artefacts"] > 0
    assert (found["different"], found["missing_artefacts"], found["other_settings"]) == ([], [], [])
    assert found["replayed"] == used.query("select count(*) from forecast.prediction")[0][0] > 0
    for each in (used, product):
        each.run_hour(AT + 3 * HOUR)
    forecasts = "select ticker, as_of, quantiles, model_version from forecast.prediction order by 1, 2"
    assert product.query(forecasts) == used.query(forecasts)


def tuned(product: Product) -> Path:
    """The folder of language models, in which one of two runs is promoted."""
    home = language_models.language_dir(product.services.settings)
    files = {
        "champion.json": '{"reason": "better", "run": "mine-1"}',
        "data/v1/train.jsonl": "{}",
        "data/v1/manifest.json": "{}",
        "data/.lock": "",
        "runs/mine-1/run.json": "{}",
        "runs/mine-1/adapter/adapter_model.safetensors": "small",
        "runs/mine-1/merging.json": "{}",
        "runs/mine-1/merged/model.safetensors": "large",
        "runs/other-2/run.json": "{}",
        "base/tiny/model.safetensors": "large",
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    return home


def test_questions_and_the_promoted_adapter_come_back_and_no_weights_of_base_models(
    product: Product, empty: tuple[Product, str], tmp_path: Path
) -> None:
    home = tuned(product)
    made = make(product, tmp_path / "backups")
    assert made["artefacts"] == 5
    restored, migration_url = empty
    backups.restore(restored.services, migration_url, backups.find_backup(tmp_path / "backups", None), sample=1)
    again = language_models.language_dir(restored.services.settings)
    kept = {str(path.relative_to(again)): path.read_text() for path in again.rglob("*") if path.is_file()}
    assert kept == {
        name: (home / name).read_text()
        for name in (
            "champion.json",
            "data/v1/manifest.json",
            "data/v1/train.jsonl",
            "runs/mine-1/adapter/adapter_model.safetensors",
            "runs/mine-1/run.json",
        )
    }


def test_other_language_models_are_not_replaced(product: Product, empty: tuple[Product, str], tmp_path: Path) -> None:
    tuned(product)
    make(product, tmp_path / "backups")
    other = tuned(empty[0]) / "champion.json"
    other.write_text('{"reason": "better", "run": "other-2"}')
    with pytest.raises(SettingsError, match=r"champion.json is another file.*HOURCAST_LANGUAGE_DIR"):
        backups.restore(empty[0].services, empty[1], backups.find_backup(tmp_path / "backups", None), sample=1)
    assert "other-2" in other.read_text()


def test_a_damaged_file_of_the_promoted_run_costs_no_backup(product: Product, tmp_path: Path) -> None:
    (tuned(product) / "champion.json").write_text("[]")
    assert make(product, tmp_path / "backups")["artefacts"] == 3


def test_a_second_backup_copies_only_what_is_new_and_old_ones_go(used: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    make(used, folder)
    first = {path.name: path.stat().st_ino for path in (folder / "objects").iterdir()}
    used.run_hour(AT + 3 * HOUR)
    make(used, folder, MADE_AT + timedelta(days=1))
    second = {path.name: path.stat().st_ino for path in (folder / "objects").iterdir()}
    assert first.items() < second.items()

    made = make(used, folder, MADE_AT + timedelta(days=2), keep=1)

    assert made["removed"] == ["2025-04-01T023000Z", "2025-04-02T023000Z"]
    assert [backup.folder.name for backup in backups.list_backups(folder)] == ["2025-04-03T023000Z"]


def test_an_installation_with_tickers_is_refused_and_left_alone(
    used: Product, migrated_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    make(used, tmp_path / "backups")
    before = used.checksum()
    with pytest.raises(SettingsError, match="has tickers already"):
        backups.restore(used.services, "unused", backups.find_backup(tmp_path / "backups", None), sample=1)
    assert used.checksum() == before


@pytest.mark.parametrize("damage", ["database.dump", "artefact flipped", "artefact gone"])
def test_a_damaged_backup_is_refused_before_anything_changes(
    used: Product, empty: tuple[Product, str], tmp_path: Path, damage: str
) -> None:
    make(used, tmp_path / "backups")
    backup = backups.find_backup(tmp_path / "backups", None)
    victim = backup.folder / damage if damage == "database.dump" else min(backup.objects.iterdir())
    if damage == "artefact gone":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    product, migration_url = empty
    with pytest.raises(InvalidRequestError, match=r"1 of \d+ files are missing or damaged.*Nothing was changed"):
        backups.restore(product.services, migration_url, backup, sample=1)
    assert not (tmp_path / "other").exists()


def test_a_backup_of_a_newer_version_is_refused(used: Product, empty: tuple[Product, str], tmp_path: Path) -> None:
    make(used, tmp_path / "backups")
    backup = backups.find_backup(tmp_path / "backups", None)
    newer = backups.Backup(backup.folder, {**backup.manifest, "schema_version": "9999"})
    with pytest.raises(InvalidRequestError, match="Restore it with the version that made it"):
        backups.restore(empty[0].services, empty[1], newer, sample=1)


def test_an_artefact_that_is_lost_already_is_named_and_costs_no_backup(used: Product, tmp_path: Path) -> None:
    lost = used.query("select min(artefact) from forecast.model_version")[0][0]
    (used.services.settings.model.models_dir / lost).unlink()
    assert make(used, tmp_path / "backups")["missing_artefacts"] == [lost]


def test_a_backup_holds_no_secret_and_nobody_else_may_read_it(used: Product, tmp_path: Path) -> None:
    make(used, tmp_path / "backups")
    backup = backups.find_backup(tmp_path / "backups", None)
    text = json.dumps(backup.manifest)
    password = used.url.split("@")[0].rsplit(":", 1)[1]
    assert password not in text
    assert not [name for name in backup.manifest["settings"] if name.endswith("_url")]
    assert backup.folder.stat().st_mode & 0o077 == 0


def test_an_interrupted_backup_is_none_and_the_next_one_succeeds(
    used: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backups, "_copy_artefacts", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make(used, tmp_path / "backups")
    with pytest.raises(InvalidRequestError, match="there are: none"):
        backups.find_backup(tmp_path / "backups", None)
    make(used, tmp_path / "backups")
    assert backups.find_backup(tmp_path / "backups", "2025-04-01T023000Z").manifest["rows"]["prediction"] > 0


def test_a_second_backup_at_the_same_time_waits_for_the_first(used: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with exclusive(folder / ".lock"):
            second = pool.submit(make, used, folder)
            with pytest.raises(TimeoutError):
                second.result(timeout=1.5)
            assert not list(folder.glob("*/database.dump"))
        assert second.result(timeout=120)["missing_artefacts"] == []


def test_a_folder_that_cannot_be_written_says_what_to_do(product: Product, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidRequestError, match="Make room or name another folder"):
        make(product, tmp_path / "file")
