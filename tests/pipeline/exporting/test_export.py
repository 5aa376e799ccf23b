"""Views as Parquet files: complete, unchanged months left alone, and readable in one line."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pyarrow.parquet as pq
import pytest
from sqlalchemy.exc import InternalError

from include.errors import InvalidRequestError
from include.local.postgres import EmbeddedPostgres
from include.pipeline.exporting import export as module
from include.pipeline.exporting import tasks
from include.pipeline.exporting.export import export
from include.pipeline.exporting.request import ExportRequest
from include.store.app_rights import APP_ROLE
from include.store.bars import upsert_bars
from include.store.engine import transaction
from include.store.features import save_features
from include.store.forecasts import save_predictions
from tests.support.databases import plain_url
from tests.support.products import Product, product_environment
from tests.support.rows import bars, features, predictions, track

pytestmark = pytest.mark.integration
END_OF_MARCH = datetime(2025, 3, 31, 23, 35, tzinfo=UTC)
BARS_OF_MARCH = "bars/month=2025-03/part.parquet"


@pytest.fixture
def stored(product: Product) -> Product:
    """Two tickers with 20 bars from 14:00 on the last of March, features of four, and two forecasts around midnight."""
    with transaction(product.services.engine) as connection:
        track(connection, "MSFT", "AAPL")
        upsert_bars(connection, pd.concat([bars([2.0] * 20, "MSFT"), bars([1.0] * 20, "AAPL")]))
        save_features(connection, features([1.0] * 4))
        for as_of in (END_OF_MARCH, END_OF_MARCH + timedelta(hours=1)):
            save_predictions(connection, predictions(as_of))
    return product


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "exports"


def run(product: Product, target: Path, *names: str, months: tuple[str, ...] = ()) -> dict[str, dict[str, int]]:
    done: dict[str, Any] = export(product.services, ExportRequest.of(names, months, str(target)))
    assert done["target"] == str(target)
    views: dict[str, dict[str, int]] = done["views"]
    return views


def contents(target: Path) -> dict[str, bytes]:
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_each_month_of_each_view_is_a_file_and_a_second_export_writes_none(stored: Product, target: Path) -> None:
    first = run(stored, target)
    files = contents(target)
    times = {path: path.stat().st_mtime_ns for path in target.rglob("*.parquet")}
    second = run(stored, target)

    assert first == {
        "bars": {"written": 2, "unchanged": 0, "removed": 0, "rows": 40},
        "features": {"written": 1, "unchanged": 0, "removed": 0, "rows": 4},
        "forecasts": {"written": 2, "unchanged": 0, "removed": 0, "rows": 14},
    }
    assert {name: (view["written"], view["unchanged"]) for name, view in second.items()} == {
        "bars": (0, 2),
        "features": (0, 1),
        "forecasts": (0, 2),
    }
    assert contents(target) == files
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*.parquet")} == times
    manifest = json.loads(files["bars/_manifest.json"])
    entry = manifest["files"]["month=2025-03/part.parquet"]
    data = files[BARS_OF_MARCH]
    assert manifest["view"] == "bi.bar"
    assert entry == {"row_count": 18, "byte_count": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_the_files_are_the_view_in_order_with_units_and_utc(stored: Product, target: Path) -> None:
    run(stored, target)

    read = pd.read_parquet(target / "bars")

    assert list(read["ticker"]) == ["AAPL"] * 9 + ["MSFT"] * 9 + ["AAPL"] * 11 + ["MSFT"] * 11
    assert read["month"].astype(str).value_counts().to_dict() == {"2025-04": 22, "2025-03": 18}
    assert all(group["closed_at"].is_monotonic_increasing for _, group in read.groupby("ticker"))
    assert str(read["closed_at"].dt.tz) == "UTC"
    column = pq.read_schema(target / "forecasts/month=2025-03/part.parquet").field("q50")
    assert column.metadata[b"comment"] == b"Median of the close at target_at, in currency."


def test_only_the_month_that_changed_is_replaced(stored: Product, target: Path) -> None:
    run(stored, target, "bars")
    before = contents(target)
    with transaction(stored.services.engine) as connection:
        upsert_bars(connection, bars([7.0], "AAPL", known_at=END_OF_MARCH))

    assert run(stored, target, "bars")["bars"] == {"written": 1, "unchanged": 1, "removed": 0, "rows": 40}
    after = contents(target)
    assert {path for path in after if after[path] != before[path]} == {BARS_OF_MARCH, "bars/_manifest.json"}


def test_a_file_that_somebody_removed_or_cut_off_is_written_again(stored: Product, target: Path) -> None:
    run(stored, target, "bars")
    before = contents(target)
    (target / BARS_OF_MARCH).unlink()
    (target / "bars/month=2025-04/part.parquet").write_bytes(b"PAR1")

    assert run(stored, target, "bars")["bars"]["written"] == 2
    assert contents(target) == before


def test_a_month_without_rows_loses_its_file_if_it_was_asked_for(stored: Product, target: Path) -> None:
    run(stored, target, "bars")
    stored.query("delete from forecast.bar")

    assert run(stored, target, "bars", months=("2025-03",))["bars"]["removed"] == 1
    assert [path.parent.name for path in target.rglob("*.parquet")] == ["month=2025-04"]
    assert run(stored, target, "bars")["bars"] == {"written": 0, "unchanged": 0, "removed": 1, "rows": 0}
    assert list(target.rglob("*.parquet")) == []


def test_only_the_months_of_the_request_are_written(stored: Product, target: Path) -> None:
    run(stored, target, "bars", months=("2025-04", "2024-01"))

    assert [path.parent.name for path in target.rglob("*.parquet")] == ["month=2025-04"]


def test_a_view_without_a_month_is_one_file_under_its_own_name(stored: Product, target: Path) -> None:
    assert run(stored, target, "bi.ticker_status")["ticker_status"]["rows"] == 2

    assert list(pd.read_parquet(target / "ticker_status")["ticker"]) == ["AAPL", "MSFT"]
    assert [path.name for path in (target / "ticker_status").glob("*.parquet")] == ["part.parquet"]


def test_a_large_month_has_groups_of_rows_and_whole_tickers(
    stored: Product, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_ROWS", 5)
    run(stored, target, "bars")

    file = pq.ParquetFile(target / BARS_OF_MARCH)

    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [9, 9]


def test_an_export_that_broke_off_continues(stored: Product, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def breaks(*arguments: Any) -> Any:
        made.append(arguments)
        if len(made) == 2:
            raise KeyboardInterrupt
        return make(*arguments)

    make = module._make_file
    monkeypatch.setattr(module, "_make_file", breaks)
    with pytest.raises(KeyboardInterrupt):
        run(stored, target, "bars")
    monkeypatch.undo()

    assert [path.parent.name for path in target.rglob("*.parquet")] == ["month=2025-03"]
    assert run(stored, target, "bars")["bars"] == {"written": 1, "unchanged": 1, "removed": 0, "rows": 40}


def test_what_cannot_be_exported_is_refused_before_anything_is_written(stored: Product, target: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"'candles' is no view of schema bi; there are accuracy, .*bars, "):
        run(stored, target, "bars", "candles")
    with pytest.raises(InvalidRequestError, match=r"bi\.ticker_status has no months"):
        run(stored, target, "bars", "ticker_status", months=("2025-03",))
    assert not target.exists()


def test_without_an_address_the_setting_and_then_the_local_folder_is_the_target(
    stored: Product, tmp_path: Path
) -> None:
    settings = stored.services.settings
    local = replace(settings, local=replace(settings.local, local_dir=tmp_path / "local"))
    named = replace(local, store=replace(local.store, export_uri=str(tmp_path / "named")))
    request = ExportRequest.of(["bars"], [], None)

    assert export(replace(stored.services, settings=local), request)["target"] == str(tmp_path / "local" / "exports")
    assert export(replace(stored.services, settings=named), request)["target"] == str(tmp_path / "named")
    assert (tmp_path / "local/exports" / BARS_OF_MARCH).read_bytes() == (
        tmp_path / "named" / BARS_OF_MARCH
    ).read_bytes()


def test_the_export_cannot_write_to_the_database(
    stored: Product, target: Path, migrated_server: EmbeddedPostgres
) -> None:
    with psycopg2.connect(plain_url(migrated_server.migration_url(stored.url.rpartition("/")[2]))) as owner:
        owner.cursor().execute(
            f"""
            create table forecast.touched (n integer);
            create function forecast.touch() returns integer volatile language sql as
            'insert into forecast.touched values (1) returning n';
            create view bi.writing as select forecast.touch() as n;
            grant all on forecast.touched, bi.writing to {APP_ROLE};
            """
        )
    owner.close()

    with pytest.raises(InternalError, match="read-only transaction"):
        run(stored, target, "writing")


def test_the_task_says_what_it_wrote(stored: Product, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in product_environment(stored.url, target / "models").items():
        monkeypatch.setenv(name, value)
    form = {"views": ["bars", "forecasts"], "months": [], "target": str(target)}

    assert tasks.export_views(form)["note"] == (
        f"4 files written (bars 2, forecasts 2), 0 unchanged; 54 rows in {target}."
    )
    stored.query("delete from forecast.bar")
    done = tasks.export_views(form)
    assert done["note"] == f"0 files written, 2 unchanged, 2 removed; 14 rows in {target}."
    assert done["counts"] == {"written": 0, "unchanged": 2, "removed": 2, "rows": 14}
