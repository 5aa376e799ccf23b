"""Superset's bundle: its parts fit together, it reads schema bi alone, and a real Superset shows it if one is there."""

import os
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.superset.pack import ADDRESS, BUNDLE, pack
from include.local.password_files import read_passwords, write_password
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from tests.sql.conftest import Ask, ask
from tests.support.products import open_product

__all__ = ["ask"]

FILES = {path.relative_to(BUNDLE).as_posix(): path for path in sorted(BUNDLE.rglob("*.yaml"))}
PARTS = {name: yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
CHARTS = {name: part for name, part in PARTS.items() if name.startswith("charts/")}
DATASETS = {part["uuid"]: part for name, part in PARTS.items() if name.startswith("datasets/")}
DATABASE = PARTS["databases/hourcast.yaml"]
DASHBOARD = PARTS["dashboards/hourcast.yaml"]


def columns_of(chart: dict[str, Any]) -> set[str]:
    """Every column of its dataset that a chart names."""
    found: set[str] = set()
    for key, value in chart["params"].items():
        if key in {"all_columns", "groupby", "groupby_b"}:
            found |= set(value)
        elif key.startswith("metric") and isinstance(value, list):
            found |= {each["column"]["column_name"] for each in value if "column" in each}
        elif key.startswith("adhoc_filters"):
            found |= {each["subject"] for each in value if "subject" in each}
        elif key == "x_axis":
            found.add(value)
    return found


@pytest.mark.integration
@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("datasets/")])
def test_a_dataset_is_a_view_of_schema_bi_with_its_columns(ask: Ask, name: str) -> None:
    dataset = PARTS[name]
    query = (
        "select attname as name, upper(format_type(atttypid, null)) as kind, "
        "col_description(attrelid, attnum) as comment from pg_attribute "
        "where attrelid = to_regclass('bi.' || %s) and attnum > 0"
    )
    columns = {row["name"]: (row["kind"], row["comment"]) for row in ask(query, dataset["table_name"])}

    assert dataset["schema"] == "bi"
    assert dataset["sql"] is None
    described = {each["column_name"]: (each["type"], each["description"]) for each in dataset["columns"]}
    assert described.items() <= columns.items()
    assert dataset["main_dttm_col"] in described
    assert dataset["database_uuid"] == DATABASE["uuid"]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_columns_that_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    dataset = DATASETS[chart["dataset_uuid"]]

    named = columns_of(chart)

    assert named
    assert named <= {column["column_name"] for column in dataset["columns"]}
    assert chart["viz_type"] == chart["params"]["viz_type"]


def test_every_dataset_is_used() -> None:
    (ticker,) = DASHBOARD["metadata"]["native_filter_configuration"]
    filtered = {target["datasetUuid"] for target in ticker["targets"]}

    assert {chart["dataset_uuid"] for chart in CHARTS.values()} | filtered == set(DATASETS)


def test_the_layout_shows_every_chart_once_in_rows_of_twelve_columns() -> None:
    position = DASHBOARD["position"]
    shown = {name: part for name, part in position.items() if isinstance(part, dict) and part["type"] == "CHART"}

    assert sorted(part["meta"]["uuid"] for part in shown.values()) == sorted(chart["uuid"] for chart in CHARTS.values())
    assert len({part["meta"]["chartId"] for part in shown.values()}) == len(shown)
    names = {chart["uuid"]: chart["slice_name"] for chart in CHARTS.values()}
    assert all(part["meta"]["sliceName"] == names[part["meta"]["uuid"]] for part in shown.values())
    for row in position["GRID_ID"]["children"]:
        assert sum(shown[chart]["meta"]["width"] for chart in position[row]["children"]) == 12


def test_the_forecast_is_a_mixed_chart_of_one_ticker_that_reaches_into_the_future() -> None:
    params = PARTS["charts/closes_and_forecasts.yaml"]["params"]

    assert params["viz_type"] == "mixed_timeseries"
    assert [metric["label"] for metric in params["metrics"]] == [
        "forecast__yhat",
        "forecast__yhat_lower",
        "forecast__yhat_upper",
    ]
    assert params["groupby"] == params["groupby_b"] == []
    assert all("3, day" in each["comparator"] for each in (*params["adhoc_filters"], *params["adhoc_filters_b"]))
    (ticker,) = DASHBOARD["metadata"]["native_filter_configuration"]
    assert ticker["controlValues"]["multiSelect"] is False
    assert ticker["controlValues"]["defaultToFirstItem"] is True
    assert ticker["requiredFirst"] is True  # else the first ticker is chosen, but not applied
    assert "chartsInScope" not in ticker  # ids of another Superset


def test_the_zip_has_the_address_and_no_password_and_is_the_same_each_time(tmp_path: Path) -> None:
    assert DATABASE["sqlalchemy_uri"] == f"postgresql+psycopg2://bi_reader@{ADDRESS}/hourcast"
    for number in (1, 2):
        pack(tmp_path / f"{number}.zip", "db:6000")

    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert sorted(archive.namelist()) == sorted(f"hourcast/{name}" for name in FILES)
        database = yaml.safe_load(archive.read("hourcast/databases/hourcast.yaml"))
    assert database["sqlalchemy_uri"] == "postgresql+psycopg2://bi_reader@db:6000/hourcast"


@pytest.mark.integration
@pytest.mark.timeout(1200)
@pytest.mark.skipif("SUPERSET_PYTHON" not in os.environ, reason="SUPERSET_PYTHON names no Python with Superset")
def test_a_real_superset_imports_the_bundle_and_draws_the_band(
    migrated_server: EmbeddedPostgres, database: str, database_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with open_product(database_url, tmp_path / "models") as product:
        product.onboard("NOVA-USD.SIM", as_of=now - timedelta(hours=6))
        for hours in range(5, -1, -1):
            product.run_hour(now - timedelta(hours=hours))
    pgpass = tmp_path / "pgpass"
    password = read_passwords(migrated_server.password_file)[READER_ROLE]
    write_password(pgpass, migrated_server.port, database, READER_ROLE, password)
    command = [os.environ["SUPERSET_PYTHON"], str(BUNDLE.with_name("check.py")), "--pgpass", str(pgpass)]
    options = ["--address", f"127.0.0.1:{migrated_server.port}", "--shots", str(tmp_path), "--database", database]

    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "forecast.png").stat().st_size > 10_000
