"""Grafana's dashboards: each panel's query runs as bi_reader, and the files have the form that Grafana reads.

A Grafana server is not needed. Its macros and variables are replaced as its PostgreSQL data source does it.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sql.conftest import Ask, ask

__all__ = ["ask"]

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "grafana"
DASHBOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (FOLDER / "dashboards").glob("*.json")
}
PANELS = {
    f"{name}-{panel['id']}": (name, panel) for name, found in sorted(DASHBOARDS.items()) for panel in found["panels"]
}
SINCE, UNTIL = "2025-03-30T00:00:00Z", "2025-04-05T00:00:00Z"
VALUES = {"ticker": "AAPL", "horizon": "1", "days": "0", "market": "XNYS"}
KINDS = {"timeseries": {"time_series"}, "table": {"table"}, "barchart": {"table"}, "stat": {"table"}}
UNITS = {"short", "s", "percentunit", "bytes"}


def substituted(query: str) -> str:
    """A query as Grafana sends it, for the days around the tests' small history."""
    text = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 between '{SINCE}' and '{UNTIL}'", query)
    text = text.replace("$__timeFrom()", f"'{SINCE}'").replace("$__timeTo()", f"'{UNTIL}'")
    for name, value in VALUES.items():
        quoted = "'" + value.replace("'", "''") + "'"
        text = text.replace("${" + name + ":sqlstring}", quoted).replace("${" + name + "}", value)
    assert "$" not in text, text
    return text


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["rawSql"] for target in panel["targets"]]


@pytest.mark.integration
@pytest.mark.parametrize("name", PANELS)
def test_a_query_runs_as_the_reading_role_and_reads_schema_bi_alone(ask: Ask, name: str) -> None:
    _, panel = PANELS[name]
    for query in queries(panel):
        read = re.findall(
            r"\b(?:from|join)\s+(?!lateral)([\w.]+)", re.sub(r"extract\([^)]*\)|distinct from", "", query)
        )
        assert read
        assert all(relation.startswith("bi.") for relation in read), read
        rows = ask(substituted(query))
        if panel["type"] == "timeseries":
            assert rows, "the small history has nothing to draw here"
            times = [row.pop("time") for row in rows]
            assert times == sorted(times)
            assert all(value is None or isinstance(value, int | float) for row in rows for value in row.values())
        named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        assert not rows or named <= {*rows[0], "time"}, named


@pytest.mark.integration
def test_the_variables_offer_the_tickers_that_are_tracked_and_their_markets(ask: Ask) -> None:
    queried = {
        variable["query"]
        for found in DASHBOARDS.values()
        for variable in found["templating"]["list"]
        if variable["type"] == "query"
    }
    offered = {tuple(value for row in ask(query) for value in row.values()) for query in queried}

    assert offered == {("AAPL", "NOVA-USD.SIM", "WALK"), ("XNYS",)}


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_has_the_form_that_its_kind_needs(name: str) -> None:
    _, panel = PANELS[name]

    assert panel["type"] in KINDS
    assert panel["title"]
    assert panel["targets"]
    for part in (panel, *panel["targets"]):
        assert part["datasource"] == {"type": "grafana-postgresql-datasource", "uid": "hourcast"}
    assert {target["format"] for target in panel["targets"]} <= KINDS[panel["type"]]
    assert [target["refId"] for target in panel["targets"]] == ["A"]
    assert panel["fieldConfig"]["defaults"].get("unit", "short") in UNITS


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_panels_of_a_dashboard_lie_within_its_columns_and_over_no_other(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    places = [panel["gridPos"] for panel in panels]

    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert is_beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_defines_the_variables_that_it_uses_and_uses_those_that_it_defines(name: str) -> None:
    found = DASHBOARDS[name]
    texts = [text for panel in found["panels"] for text in (panel["title"], *queries(panel))]
    used = {word for text in texts for word in re.findall(r"\$\{?([a-z]+)", text)}

    assert used == {variable["name"] for variable in found["templating"]["list"]}
    assert found["uid"] == f"hourcast-{name}"
    assert found["timezone"] == "utc"
    assert found["schemaVersion"] >= 39


def test_no_ticker_is_put_into_a_query_without_its_quotes() -> None:
    for _, panel in PANELS.values():
        for query in queries(panel):
            assert not re.search(r"\$\{?(?:ticker|market)(?!:sqlstring\})", query)


def test_the_data_source_reads_as_bi_reader_and_has_no_password_in_the_file() -> None:
    text = (FOLDER / "provisioning" / "datasources" / "hourcast.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]

    assert (source["uid"], source["user"]) == ("hourcast", "bi_reader")
    assert source["type"] == "grafana-postgresql-datasource"
    assert source["secureJsonData"] == {"password": "$BI_READER_PASSWORD"}
    assert source["jsonData"]["database"] == "hourcast"
    assert source["jsonData"]["maxOpenConns"] <= 10


def test_the_provider_reads_the_folder_that_the_page_mounts() -> None:
    text = (FOLDER / "provisioning" / "dashboards" / "hourcast.yaml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(text)["providers"]
    page = (FOLDER.parents[1] / "docs" / "dashboards.md").read_text(encoding="utf-8")

    assert f"dashboards/grafana/dashboards:{provider['options']['path']}:ro" in page
    assert "dashboards/grafana/provisioning:/etc/grafana/provisioning:ro" in page
