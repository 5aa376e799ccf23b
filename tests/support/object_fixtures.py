"""An S3 server with faults: of the tests alone, or in front of a real moto if ``MOTO_SERVER`` names its program."""

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.object_server import BUCKET, ObjectServer
from tests.support.waiting import eventually

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "access-key-of-the-tests",
    "AWS_SECRET_ACCESS_KEY": "secret-key-of-the-tests",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _moto() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [os.environ["MOTO_SERVER"], "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert eventually(lambda: _is_open(port), 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _sent(method: str, url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10).close()


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a real moto server."""
    with _moto() as url:
        yield url


@pytest.fixture(params=["in memory", "moto"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """An S3 server with a bucket."""
    if request.param == "moto" and "MOTO_SERVER" not in os.environ:
        pytest.skip("MOTO_SERVER names no program moto_server")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    upstream = request.getfixturevalue("moto") if request.param == "moto" else None
    if upstream:
        _sent("POST", f"{upstream}/moto-api/reset")
        _sent("PUT", f"{upstream}/{BUCKET}")
    with ObjectServer(upstream).running() as running:
        yield running
