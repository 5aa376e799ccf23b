"""Free TCP ports of 127.0.0.1."""

from __future__ import annotations

import socket

from include.errors import SettingsError

_HOST = "127.0.0.1"
_TRIED = 200


def is_free(port: int) -> bool:
    """Whether nobody listens on ``port`` of 127.0.0.1 (or of every address) and we may."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the servers do: a closed connection's rest is no listener
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def choose_port(first: int, remembered: int | None) -> int:
    """The port of the last start if it is free, so that bookmarks stay good, else the first free one from ``first``.

    Raises:
        SettingsError: none of 200 ports is free.
    """
    candidates: list[int] = [
        *([remembered] if remembered is not None else []),
        *range(first, min(first + _TRIED, 65536)),
    ]
    port = next((candidate for candidate in candidates if is_free(candidate)), None)
    if port is None:
        message = (
            f"No free port on {_HOST} from {first} to {candidates[-1]}; set HOURCAST_AIRFLOW_PORT to another start."
        )
        raise SettingsError(message)
    return port
