"""The script that makes the databases and roles: on the compose file's server, or on the one that is named."""

import pytest

from tests.docker.compose import load_script

PASSWORDS = ("POSTGRES_PASSWORD", "AIRFLOW_DATABASE_PASSWORD", "APP_DATABASE_PASSWORD", "BI_READER_PASSWORD")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("postgres", 5432, "postgres")),
        (
            {"POSTGRES_HOST": "db.example", "POSTGRES_PORT": "6432", "POSTGRES_USER": "admin"},
            ("db.example", 6432, "admin"),
        ),
    ],
    ids=["compose", "external"],
)
def test_both_databases_are_made_on_the_server(
    given: dict[str, str], expected: tuple[str, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load_script("roles")
    calls = []
    monkeypatch.setattr(
        script, "ensure_database", lambda host, port, login, plan: calls.append((host, port, login.role, plan.name))
    )
    for name in ("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**dict.fromkeys(PASSWORDS, "x"), **given}.items():
        monkeypatch.setenv(name, value)
    assert script.main() == 0
    assert calls == [(*expected, "airflow"), (*expected, "hourcast")]
