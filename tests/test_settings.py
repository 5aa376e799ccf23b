"""Settings: read once, whole or not at all, and never shown with their secrets."""

import ast
import inspect
import os
from dataclasses import FrozenInstanceError, fields
from itertools import pairwise
from pathlib import Path

import pytest

from include import settings
from include.errors import SettingsError
from include.settings import PREFIX, Settings, load_settings, s3_endpoint

GROUPS = [type(getattr(load_settings({}), field.name)) for field in fields(Settings)]
NAMES = [PREFIX + field.name.upper() for group in GROUPS for field in fields(group)]
SECRETS = [
    "HOURCAST_ARTIFACTS_URI",
    "HOURCAST_DATABASE_URL",
    "HOURCAST_READER_URL",
    "HOURCAST_AIRFLOW_DATABASE_URL",
]


def test_an_empty_environment_gives_the_defaults():
    chosen = load_settings({})
    assert chosen.store.database_url is None
    assert chosen.market.history_days == 729
    assert chosen.schedule.schedule_minute == 35
    assert chosen.local.local_dir.name == ".local"


def test_a_setting_is_read_from_the_variable_of_its_name():
    chosen = load_settings(
        {
            "HOURCAST_DATABASE_URL": "postgresql+psycopg2://me@localhost/hourcast",
            "HOURCAST_YAHOO_REQUESTS_PER_SECOND": "0.5",
            "HOURCAST_BARS_DIR": "/data/bars",
            "HOURCAST_SEED": "7",
        }
    )
    assert chosen.store.database_url == "postgresql+psycopg2://me@localhost/hourcast"
    assert chosen.market.yahoo_requests_per_second == 0.5
    assert chosen.market.bars_dir == Path("/data/bars")
    assert chosen.model.seed == 7


def test_the_environment_of_the_process_is_read_when_none_is_given(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOURCAST_SCHEDULE_MINUTE", "5")
    assert load_settings().schedule.schedule_minute == 5


def test_an_empty_value_is_the_default():
    assert load_settings(dict.fromkeys(NAMES, "")) == load_settings({})


def test_variables_of_others_are_none_of_our_business():
    assert load_settings({"PATH": "/bin", "AIRFLOW__CORE__PARALLELISM": "4"}) == load_settings({})


def test_a_misspelled_setting_is_refused_and_the_right_names_are_told():
    with pytest.raises(SettingsError, match=r"HOURCAST_HISTROY_DAYS: not a setting.*HOURCAST_HISTORY_DAYS"):
        load_settings({"HOURCAST_HISTROY_DAYS": "30"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOURCAST_HISTORY_DAYS", "two years"),
        ("HOURCAST_HISTORY_DAYS", "0"),
        ("HOURCAST_HISTORY_DAYS", "1.5"),
        ("HOURCAST_SCHEDULE_MINUTE", "60"),
        ("HOURCAST_SCHEDULE_MINUTE", "-1"),
        ("HOURCAST_YAHOO_REQUESTS_PER_SECOND", "0"),
        ("HOURCAST_YAHOO_REQUESTS_PER_SECOND", "inf"),
        ("HOURCAST_YAHOO_REQUESTS_PER_SECOND", "nan"),
        ("HOURCAST_YAHOO_TIMEOUT_SECONDS", "0"),
        ("HOURCAST_YAHOO_TIMEOUT_SECONDS", "nan"),
        ("HOURCAST_MODEL_HEADS", "0"),
        ("HOURCAST_TRAINING_POLICY", "sometimes"),
        ("HOURCAST_MODEL_MAX_AGE_HOURS", "0"),
        ("HOURCAST_MODEL_RETENTION_DAYS", "0"),
        ("HOURCAST_MODEL_WIDTH", "36"),
        ("HOURCAST_SHARD_COUNT", "0"),
        ("HOURCAST_AIRFLOW_PORT", "70000"),
        ("HOURCAST_POSTGRES_PORT", "0"),
    ],
)
def test_a_value_that_nothing_could_work_with_is_refused_by_its_name(name, value):
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value})


@pytest.mark.parametrize("name", ["HOURCAST_SCHEDULE_MINUTE", "HOURCAST_HOURLY_TRAINING_STEPS", "HOURCAST_SEED"])
def test_zero_is_taken_where_it_means_something(name):
    load_settings({name: "0"})


def test_a_folder_is_absolute_wherever_the_program_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    chosen = load_settings({"HOURCAST_BARS_DIR": "bars", "HOURCAST_MODELS_DIR": "~/models"})
    assert chosen.market.bars_dir == tmp_path / "bars"
    assert chosen.model.models_dir == tmp_path / "models"


@pytest.mark.parametrize("name", SECRETS)
def test_an_address_with_a_password_is_never_shown(name):
    chosen = load_settings({name: "postgresql+psycopg2://app:hunter2@localhost/hourcast"})
    assert "hunter2" not in repr(chosen)


@pytest.mark.parametrize("name", SECRETS)
def test_a_misread_setting_does_not_tell_the_others(name):
    with pytest.raises(SettingsError) as caught:
        load_settings({name: "postgresql+psycopg2://app:hunter2@localhost/hourcast", "HOURCAST_SEED": "x"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("group", [Settings, *GROUPS])
def test_settings_cannot_be_changed(group):
    made = load_settings({}) if group is Settings else group()
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(group)[0].name, None)


def test_no_name_stands_in_two_groups():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_has_its_docstring_below_it(group):
    body = ast.parse(inspect.getsource(group)).body[0].body
    described = {
        line.target.id
        for line, below in pairwise(body)
        if isinstance(line, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }
    assert described == {field.name for field in fields(group)}


def test_every_kind_of_field_can_be_read_from_text():
    kinds = {str(field.type) for group in GROUPS for field in fields(group)}
    assert kinds <= set(settings._PARSERS)


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, None),
        ({"AWS_ENDPOINT_URL": "http://one"}, "http://one"),
        ({"AWS_ENDPOINT_URL": "http://one", "AWS_ENDPOINT_URL_S3": "http://two"}, "http://two"),
        ({"AWS_ENDPOINT_URL": ""}, None),
    ],
    ids=["none", "all services", "s3 alone", "empty"],
)
def test_an_s3_server_is_named_by_amazons_own_variables(given, endpoint):
    assert s3_endpoint(given) == endpoint
