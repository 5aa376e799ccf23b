"""Free ports, for Airflow's page and for Postgres."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from include.errors import SettingsError
from include.local.ports import HOST, choose_port, is_free

SETTING = "HOURCAST_AIRFLOW_PORT"


@contextmanager
def listener(port: int = 0, host: str = HOST) -> Iterator[int]:
    """A socket that listens; its port."""
    with socket.socket() as listening:
        listening.bind((host, port))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with listener() as port:
        yield port


def test_a_listener_makes_a_port_taken(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_a_listener_on_every_address_counts_too() -> None:
    with listener(host="0.0.0.0") as port:
        assert not is_free(port)


def test_a_port_is_free_though_its_last_connection_was_just_closed() -> None:
    with listener() as port:
        client = socket.create_connection((HOST, port))
    client.close()
    assert is_free(port)


def test_the_next_free_port_is_chosen(taken_port: int) -> None:
    assert choose_port(taken_port, None, SETTING) > taken_port


def test_the_port_of_the_last_start_is_preferred(taken_port: int) -> None:
    first = choose_port(taken_port, None, SETTING)
    later = choose_port(first + 1, None, SETTING)
    assert choose_port(first, later, SETTING) == later


def test_the_port_of_the_last_start_is_given_up_where_it_is_taken(taken_port: int) -> None:
    assert choose_port(20000, taken_port, SETTING) != taken_port


@pytest.mark.parametrize("setting", ["HOURCAST_AIRFLOW_PORT", "HOURCAST_POSTGRES_PORT"])
def test_where_no_port_is_free_the_error_names_the_setting_and_no_port_beyond_the_last(setting: str) -> None:
    with listener(65535), pytest.raises(SettingsError, match=f"from 65535 to 65535 is free; set {setting}"):
        choose_port(65535, None, setting)
