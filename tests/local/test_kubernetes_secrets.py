"""The secrets of an installation on Kubernetes: random, complete, private, and never written twice."""

import json
import stat
from pathlib import Path

import pytest

from include.local.kubernetes_secrets import main, new_secrets

ENVIRONMENT = {"POSTGRES_PASSWORD": "of-the-server"}


def test_every_value_is_random_but_the_password_of_the_server() -> None:
    first, second = (new_secrets("db.example", ENVIRONMENT) for _ in range(2))
    same = {(name, key) for name, keys in first.items() for key, value in keys.items() if second[name][key] == value}
    assert same == {("hourcast-migration", "superuser-password"), ("hourcast-migration", "superuser-url")}


def test_the_addresses_have_the_server_the_roles_and_their_passwords() -> None:
    made = new_secrets("db.example:6432", ENVIRONMENT | {"POSTGRES_USER": "admin"})
    password = made["hourcast-migration"]["app-password"]
    assert made["hourcast-databases"]["app-url"] == (
        f"postgresql+psycopg2://hourcast_app:{password}@db.example:6432/hourcast"
    )
    assert made["hourcast-airflow"]["connection"].endswith("@db.example:6432/airflow")
    assert made["hourcast-migration"]["superuser-url"].startswith("postgresql+psycopg2://admin:of-the-server@")


def test_keys_of_the_object_store_are_taken_along_if_both_are_given() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    made = new_secrets("db.example", ENVIRONMENT | keys)
    assert made["hourcast-object-store"] == {"access-key-id": "k", "secret-access-key": "s"}
    assert "hourcast-object-store" not in new_secrets("db.example", ENVIRONMENT | {"AWS_ACCESS_KEY_ID": "k"})


@pytest.mark.parametrize("server", ["", "db/x", "user@db", "db:port", "db example"], ids=str)
def test_a_server_that_is_no_name_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="is no name of a server"):
        new_secrets(server, ENVIRONMENT)


@pytest.mark.parametrize("password", ["", "a@b", "a/b", "a b"], ids=["empty", "at", "slash", "space"])
def test_a_password_that_would_break_an_address_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(ValueError, match="Set POSTGRES_PASSWORD") as caught:
        new_secrets("db.example", {"POSTGRES_PASSWORD": password})
    assert not password or password not in str(caught.value)


def test_the_file_is_private_and_an_existing_one_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "secrets.json"
    assert main(["db.example", str(target)], ENVIRONMENT) == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    before = target.read_bytes()
    assert json.loads(before)["kind"] == "List"
    assert main(["db.example", str(target)], ENVIRONMENT) == 2
    assert target.read_bytes() == before
    assert "exists and is kept" in capsys.readouterr().err


def test_missing_arguments_and_a_bad_server_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "secrets.json"
    assert main([], ENVIRONMENT) == 2
    assert main(["db/x", str(target)], ENVIRONMENT) == 2
    assert not target.exists()
    assert "Name the Postgres server" in capsys.readouterr().err
