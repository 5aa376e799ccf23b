from collections.abc import Iterator

import pytest

from tests.support.object_fixtures import CREDENTIALS
from tests.support.object_server import ObjectServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """An S3 server in memory, with an empty bucket."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with ObjectServer().running() as running:
        yield running
