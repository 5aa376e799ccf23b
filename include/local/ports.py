"""Free TCP ports on 127.0.0.1, for Airflow's page and for the embedded Postgres."""

from __future__ import annotations

import socket

from include.errors import SettingsError

HOST = "127.0.0.1"
_TRIED = 200
_LAST_PORT = 65535


def is_free(port: int) -> bool:
    """Whether this process may listen on ``port`` of 127.0.0.1 and no process listens there (or on every address)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # The servers set this too: a port whose last connection has just been closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(first: int, remembered: int | None, setting: str) -> int:
    """The port of the last start if it is free, so that bookmarks stay valid, else the first free one from ``first``.

    ``setting`` is the environment variable that sets ``first``; the error names it.

    Raises:
        SettingsError: none of 200 ports is free.
    """
    candidates = list(range(first, min(first + _TRIED, _LAST_PORT + 1)))
    if remembered is not None:
        candidates.insert(0, remembered)
    port = next((candidate for candidate in candidates if is_free(candidate)), None)
    if port is None:
        message = f"No port of {HOST} from {first} to {candidates[-1]} is free; set {setting} to another first port."
        raise SettingsError(message)
    return port
