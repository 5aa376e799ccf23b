"""Free ports."""

import socket
from collections.abc import Iterator

import pytest

from include.errors import SettingsError
from include.local.ports import choose_port, is_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_listener_makes_a_port_taken(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_a_listener_on_every_address_counts_too() -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not is_free(listener.getsockname()[1])


def test_the_next_free_port_is_taken(taken_port: int) -> None:
    assert choose_port(taken_port, None) > taken_port


def test_the_port_of_the_last_start_is_preferred(taken_port: int) -> None:
    first = choose_port(taken_port, None)
    later = choose_port(first + 1, None)
    assert choose_port(first, later) == later


def test_a_remembered_port_that_is_taken_is_given_up(taken_port: int) -> None:
    assert choose_port(20000, taken_port) != taken_port


def test_no_free_port_is_said_with_the_setting_to_change() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 65535))
        listener.listen()
        with pytest.raises(SettingsError, match="HOURCAST_AIRFLOW_PORT"):
            choose_port(65535, None)
