"""Whatever comes in an address of the page's API: its rows, or problem details with a sentence; nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.store.engine import create_store_engine, fetch_rows
from plugins.forecasts.app import create_app
from plugins.forecasts.responses import PROBLEM_TYPE
from tests.fuzz.profile import examples
from tests.plugins.forecasts.conftest import engine
from tests.support.client import TestClient

__all__ = ["engine"]

Operation = tuple[str, dict[str, Any]]

HOSTILE = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "7",
        "8",
        "5000",
        "1e400",
        "nan",
        "1.5",
        "9" * 30,
        "true",
        "null",
        "None",
        "\x00",
        "\ud800",
    ),
    *("CURRENT", "current", "' or 1=1 --", "%", "_", "\\", "%(x)s", ":name", "{0}", "<script>", "../../etc/passwd"),
    *("2025-03-31T15:35:00+00:00", "2025-03-31T15:35:00", "2025-03-31", "0001-01-01T00:00:00+14:00", "+262000-01-01"),
    *(
        "9999-12-31T23:59:59-14:00",
        "9999-12-31",
        "0001-01-01",
        "1900-01-01",
        "2200-01-01",
        "1e12",
        "-62135596800",
        "24:00",
    ),
    *(
        "\u0130",
        "\u202e",
        "A" * 300,
        "\U0001f4a5",
        "2025-03-31T15:35:00.123456789Z",
        "2025-03-31T15:35:60Z",
        "csv",
        "bar",
    ),
]
WORST = ["\x00", "A\x00", "\ud800", "", "-1", "9" * 30, "nan", "0001-01-01T00:00:00+14:00", "' or 1=1 --", "\U0001f4a5"]
"""Those that each parameter gets one after the other."""

SECRETS = ("Traceback", 'File "', "psycopg2", "sqlalchemy", "postgresql", "select ", "bi_reader")
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=12)
BYTES = st.binary(max_size=6).map(quote_from_bytes)


@cache
def operations() -> list[Operation]:
    """(path, description) of every endpoint of the API that reads."""
    document = create_app(login=lambda: None).openapi()
    return [(path, methods["get"]) for path, methods in sorted(document["paths"].items()) if path.startswith("/api/")]


def escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def allowed(parameter: dict[str, Any]) -> st.SearchStrategy[str]:
    """Values that the description of a parameter promises to take."""
    schema = parameter["schema"]
    kinds = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    listed = [value for kind in kinds for value in kind.get("enum", ())]
    if listed:
        return st.sampled_from([str(value) for value in listed])
    if any(kind.get("type") == "integer" for kind in kinds):
        least, most = (next((kind[key] for kind in kinds if key in kind), None) for key in ("minimum", "maximum"))
        return st.integers(least, most).map(str)
    formats = {kind.get("format") for kind in kinds}
    if "date-time" in formats:
        return st.datetimes(timezones=st.timezones()).map(lambda value: value.isoformat())
    return (
        st.dates().map(str) if "date" in formats else st.sampled_from(["CURRENT", "LATE", "XNYS", "bar", "csv", "true"])
    )


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address of an endpoint, whose parameters are allowed, hostile, missing, repeated or unknown."""
    path, operation = draw(st.sampled_from(operations()))
    query = []
    for parameter in operation.get("parameters", ()):
        values = allowed(parameter).map(escaped) | TEXTS.map(escaped) | BYTES
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", draw(values))
        else:
            query += [f"{parameter['name']}={draw(values)}" for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
    if draw(st.booleans()):
        query.append(f"{escaped(draw(TEXTS))}={escaped(draw(TEXTS))}")
    return f"{path}?{'&'.join(query)}"


@pytest.fixture(scope="module")
def page(engine: Any) -> TestClient:
    """The page without a login; an exception that no handler takes reaches the test."""
    return TestClient(create_app(lambda: engine, login=lambda: None))


@pytest.fixture(scope="module")
def stored(module_database_url: str) -> Iterator[None]:
    """Fails after the module's tests if a table of the product has other rows than before."""
    tables = (
        "select table_name from information_schema.tables where table_schema = 'forecast' and table_type = 'BASE TABLE'"
    )
    store = create_store_engine(module_database_url)

    def counts() -> dict[str, int]:
        with store.connect() as connection:
            names = sorted(row["table_name"] for row in fetch_rows(connection, tables))
            rows = {name: fetch_rows(connection, f'select count(*) as rows from forecast."{name}"') for name in names}
        return {name: found[0]["rows"] for name, found in rows.items()}

    before = counts()
    assert sum(before.values()) > 0
    yield
    assert counts() == before
    store.dispose()


def require_rows_or_a_sentence(response: Any) -> None:
    if response.status_code in {200, 304}:
        return
    assert response.status_code in {404, 422}, (response.status_code, response.text)
    assert response.headers["content-type"] == PROBLEM_TYPE
    problem = json.loads(response.text)
    assert len(problem["detail"]) > 10
    assert not any(word.lower() in problem["detail"].lower() for word in SECRETS), problem["detail"]


@pytest.mark.integration
@pytest.mark.parametrize("path", [path for path, _ in operations()])
def test_the_worst_values_of_each_parameter_has_rows_or_a_sentence(page: TestClient, stored: None, path: str) -> None:
    parameters = dict(operations())[path].get("parameters", ())
    usual = {"ticker": "CURRENT", "as_of": "2025-03-31T15:35:00Z", "view": "bar", "name": "AAPL"}
    for parameter in parameters:
        for value in WORST:
            given_values = usual | {parameter["name"]: value}
            address = path.format(**{name: escaped(given_values[name]) for name in usual})
            chosen = parameter["name"] if parameter["in"] == "query" else "name"
            require_rows_or_a_sentence(page.get(f"{address}?{chosen}={escaped(given_values.get(chosen, ''))}"))


@pytest.mark.integration
@examples(120)
@given(address=addresses())
def test_an_address_has_rows_or_a_sentence(page: TestClient, stored: None, address: str) -> None:
    require_rows_or_a_sentence(page.get(address))


@pytest.mark.integration
@examples(80)
@given(
    path=st.text(max_size=30) | BYTES | st.sampled_from(["static/../plugin.py", "static/%2e%2e/plugin.py", "api/v1/x"])
)
def test_any_other_path_is_a_page_or_unknown(page: TestClient, path: str) -> None:
    response = page.get(f"/{quote(path, safe='/%', errors='surrogatepass')}")
    assert response.status_code in {200, 404, 422}
    assert "plugin.py" not in path or "AirflowPlugin" not in response.text


@pytest.mark.integration
@examples(60)
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    operation=st.sampled_from(operations()),
    body=st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(
        lambda value: json.dumps(value).encode()
    ),
)  # fmt: skip
def test_nothing_is_written_by_any_method_or_body(
    page: TestClient, stored: None, method: str, operation: Operation, body: bytes
) -> None:
    path = (
        operation[0].replace("{ticker}", "CURRENT").replace("{as_of}", "2025-03-31T15:35:00Z").replace("{view}", "bar")
    )
    response = page.request(method, path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in {404, 405}
    assert len(json.loads(response.text)["detail"]) > 5
