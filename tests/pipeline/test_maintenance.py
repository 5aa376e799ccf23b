"""What maintenance removes, what it leaves, and that a dry run removes nothing."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from include.pipeline.maintenance import maintain
from include.pipeline.models import training
from include.pipeline.replay import replay
from include.store import models as model_store
from include.store.engine import transaction
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
NOW = AT + timedelta(days=3)
KINDS = ("weights", "orphans", "parts", "superseded", "logs")


def written(path: Path, at: datetime, size: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def folder(product: Product) -> Path:
    return product.services.settings.model.models_dir


def counts(product: Product, as_of: datetime = NOW, *, logs: Sequence[Path] = (), is_dry_run: bool = False):
    result = maintain(product.services, as_of, is_dry_run=is_dry_run, log_folders=logs)
    return {kind: (result[kind]["count"], result[kind]["bytes"]) for kind in KINDS if result[kind]["count"]}


@pytest.fixture
def tracked(product: Product) -> Product:
    """A ticker with two hours, its files five days old."""
    product.onboard(NOVA, history_days=30)
    for number in (1, 2):
        product.run_hour(AT + number * HOUR)
    for path in folder(product).iterdir():
        os.utime(path, ((AT - timedelta(days=2)).timestamp(),) * 2)
    return product


def test_only_old_files_that_no_row_names_are_orphans(tracked: Product) -> None:
    before = {path.name for path in folder(tracked).iterdir()}
    old, young = NOW - timedelta(days=2, minutes=1), NOW - timedelta(days=1)
    orphans = [written(folder(tracked) / f"shard-{'a' * 32}.{kind}", old) for kind in ("safetensors", "json")]
    stays = [
        written(folder(tracked) / f"shard-{'b' * 32}.safetensors", young),
        written(folder(tracked) / f"base-{'c' * 64}.safetensors", old),
        written(folder(tracked) / "notes.txt", old),
    ]
    assert counts(tracked, is_dry_run=True) == {"orphans": (2, 200)}
    assert all(path.exists() for path in orphans)
    assert counts(tracked) == {"orphans": (2, 200)}
    assert {path.name for path in folder(tracked).iterdir()} == before | {path.name for path in stays}
    assert counts(tracked) == {}
    assert tracked.run_hour(AT + 3 * HOUR) == {"forecast": 1}
    assert replay(tracked.services, NOVA, AT + HOUR, is_trained_again=True).differences == []


def test_an_hour_that_stores_weights_and_a_removal_wait_for_one_another(
    tracked: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = written(folder(tracked) / f"shard-{'a' * 32}.safetensors", AT - timedelta(days=9))
    with transaction(tracked.services.engine) as connection:
        model_store.share_artefacts(connection)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(counts, tracked)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1.0)
            assert orphan.exists()
            connection.commit()
            assert waiting.result(timeout=30) == {"orphans": (1, 100)}
    saved = training.save_shard

    def look(*arguments):
        assert tracked.query("select mode from pg_locks where locktype = 'advisory'") == [("ShareLock",)]
        return saved(*arguments)

    monkeypatch.setattr(training, "save_shard", look)
    tracked.run_hour(AT + 3 * HOUR)


def test_parts_of_files_are_removed_a_day_later(tracked: Product) -> None:
    exports = Path(tracked.services.settings.local.local_dir / "exports")
    old, young = NOW - timedelta(days=1, minutes=1), NOW - timedelta(hours=1)
    parts = [
        written(folder(tracked) / ".shard-1.safetensors.77.0123abcd.tmp", old),
        written(folder(tracked) / "backbones" / "v" / ".backbone.json.77.0123abcd.tmp", old),
        written(exports / "bars" / "month=2025-03" / f".part.parquet.{'0' * 32}", old),
    ]
    stays = [
        written(folder(tracked) / ".shard-2.safetensors.77.0123abcd.tmp", young),
        written(folder(tracked) / ".keep", old),
        written(exports / "bars" / "month=2025-03" / "part.parquet", old),
    ]
    assert counts(tracked, is_dry_run=True) == {"parts": (3, 300)}
    assert counts(tracked) == {"parts": (3, 300)}
    assert [path.exists() for path in parts + stays] == [False] * 3 + [True] * 3


def test_logs_go_after_their_days_with_the_folders_that_are_empty_then(tracked: Product, tmp_path: Path) -> None:
    logs = tmp_path / "dag_id=hourly_forecast"
    old = written(logs / "run_id=1" / "task_id=plan" / "attempt=1.log", NOW - timedelta(days=31))
    for path in (old.parent, old.parent.parent):
        os.utime(path, ((NOW - timedelta(days=31)).timestamp(),) * 2)
    young = written(logs / "run_id=2" / "task_id=plan" / "attempt=1.log", NOW - timedelta(days=29))
    assert counts(tracked, logs=[logs], is_dry_run=True) == {"logs": (1, 100)}
    assert old.exists()
    assert counts(tracked, logs=[logs, tmp_path / "nowhere"]) == {"logs": (1, 100)}
    assert young.exists()
    assert not old.exists()


def test_superseded_rows_stay_for_ever_unless_their_days_are_set_and_never_go_before_the_weights(
    tracked: Product,
) -> None:
    tracked.query(
        """insert into forecast.bar_revision
        select ticker, opened_at, closed_at, open, high, low, close, volume, closed_at, closed_at + interval '1 hour'
        from forecast.bar where closed_at < %s; commit""",
        AT - timedelta(days=20),
    )
    ((revisions,),) = tracked.query("select count(*) from forecast.bar_revision")
    far = AT + timedelta(days=60)
    assert revisions > 100
    assert "superseded" not in counts(tracked, far)
    settings = tracked.services.settings
    object.__setattr__(settings.store, "revision_retention_days", 10)
    tracked.change_model(model_retention_days=90)
    assert "superseded" not in counts(tracked, far)  # a replay within 90 days may read them
    tracked.change_model(model_retention_days=70)
    assert counts(tracked, far, is_dry_run=True)["superseded"] == (
        count := sum(
            at + timedelta(hours=1) < far - timedelta(days=70)
            for (at,) in tracked.query("select closed_at from forecast.bar_revision")
        ),
        0,
    )
    assert counts(tracked, far)["superseded"] == (count, 0)
    assert tracked.query("select count(*) from forecast.bar_revision") == [(revisions - count,)]


def test_features_that_were_superseded_go_and_what_later_hours_read_stays(tracked: Product) -> None:
    object.__setattr__(tracked.services.settings.store, "revision_retention_days", 1)
    tracked.change_model(model_retention_days=1)
    columns = [
        name
        for (name,) in tracked.query(
            "select column_name from information_schema.columns where table_schema = 'forecast' "
            "and table_name = 'feature' and column_name <> 'known_at' order by ordinal_position"
        )
    ]
    names = ", ".join(columns)
    tracked.query(
        f"""insert into forecast.feature (known_at, {names})
        select known_at - interval '1 minute', {names} from forecast.feature; commit"""
    )
    ((doubled,),) = tracked.query("select count(*) from forecast.feature")
    assert counts(tracked, AT + timedelta(days=40))["superseded"] == (doubled // 2, 0)
    assert replay(tracked.services, NOVA, AT + 2 * HOUR).differences == []


def test_the_note_says_what_was_removed(tracked: Product) -> None:
    assert maintain(tracked.services, NOW)["note"] == "Removed: nothing."
    written(folder(tracked) / f"shard-{'a' * 32}.safetensors", AT - timedelta(days=9), size=1_500_000)
    assert maintain(tracked.services, NOW, is_dry_run=True)["note"] == (
        "Would remove: 1 files of weights that no row names (1.5 MB)."
    )


def test_weights_past_their_retention_go_and_a_dry_run_marks_none(tracked: Product) -> None:
    for number in (3, 4, 5):
        tracked.run_hour(AT + number * HOUR)
    far = AT + timedelta(days=100)
    for path in folder(tracked).iterdir():
        os.utime(path, ((far - timedelta(hours=1)).timestamp(),) * 2)
    before = tracked.checksum(["model_version"])
    found = counts(tracked, far, is_dry_run=True)
    assert found["weights"][0] == 2
    assert tracked.checksum(["model_version"]) == before
    assert counts(tracked, far) == found
    assert counts(tracked, far) == {}
