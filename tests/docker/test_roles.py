"""The script that makes the databases and roles: on the compose file's server, or on the one that is named."""

import pytest

from include.store.roles import DatabasePlan
from tests.docker.compose import load_script

PASSWORDS = ("POSTGRES_PASSWORD", "AIRFLOW_DATABASE_PASSWORD", "APP_DATABASE_PASSWORD", "BI_READER_PASSWORD")
MLFLOW_PASSWORDS = ("MLFLOW_DATABASE_PASSWORD", "MIRROR_DATABASE_PASSWORD")


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
    for name in MLFLOW_PASSWORDS:
        monkeypatch.delenv(name, raising=False)
    assert script.main() == 0
    assert calls == [(*expected, "airflow"), (*expected, "hourcast")]


@pytest.mark.parametrize("missing", ["", *MLFLOW_PASSWORDS], ids=["whole", "without a server", "without a mirror"])
def test_mlflow_has_a_database_and_its_mirror_a_role_that_reads_where_both_have_a_password(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load_script("roles")
    plans: dict[str, DatabasePlan] = {}
    monkeypatch.setattr(script, "ensure_database", lambda _host, _port, _login, plan: plans.update({plan.name: plan}))
    for name in (*PASSWORDS, *MLFLOW_PASSWORDS):
        monkeypatch.setenv(name, "" if name == missing else f"of-{name}")
    assert script.main() == 0
    readers = {login.role: login.password for login in plans["hourcast"].readers}
    assert set(plans) == {"airflow", "hourcast"} | (set() if missing else {"mlflow"})
    assert (readers.get("hourcast_mirror") is None) == bool(missing)
    if not missing:
        assert plans["mlflow"].writer.password == "of-MLFLOW_DATABASE_PASSWORD"
        assert plans["mlflow"].readers == ()
        assert readers["hourcast_mirror"] == "of-MIRROR_DATABASE_PASSWORD"
