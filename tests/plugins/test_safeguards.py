"""The throttle of logins and the security headers, over an app of the test; the real Airflow is in test_plugin."""

import asyncio
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.support.airflow import load_plugin


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield load_plugin("safeguards")


class Site:
    """An app behind the throttle, whose only correct password is the path's query; its clock stands until moved."""

    def __init__(self, plugin: ModuleType) -> None:
        self.now = 1000.0
        self.throttle = plugin.LoginThrottle(self._app, clock=lambda: self.now)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        status = 201 if scope.get("query_string") == b"right" else 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def post(self, password: bytes = b"wrong", address: str = "10.0.0.1", path: str = "/auth/token") -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "client": (address, 5), "query_string": password}
        asyncio.run(self.throttle(scope, None, send))
        return int(sent[0]["status"])


@pytest.fixture
def site(plugin: ModuleType) -> Site:
    return Site(plugin)


def test_after_five_failures_an_address_waits_a_minute_and_others_do_not(site: Site) -> None:
    assert [site.post() for _ in range(6)] == [401] * 5 + [429]
    assert site.post(b"right") == 429
    assert site.post(b"right", address="10.0.0.2") == 201
    site.now += 60.0
    assert site.post(b"right") == 201


def test_the_wait_ends_a_minute_after_the_first_of_the_last_five_failures(site: Site) -> None:
    for _ in range(5):
        site.post()
        site.now += 10.0
    assert site.post() == 429
    site.now += 10.0
    assert site.post() == 401
    assert site.post() == 429


def test_below_the_path_of_a_proxy_a_login_is_slowed_down_too_and_other_requests_never(site: Site) -> None:
    for _ in range(5):
        site.post(path="/hourcast/auth/token/cli")
    assert site.post() == 429
    assert site.post(path="/api/v2/dags") == 401


def test_correct_logins_are_not_counted(site: Site) -> None:
    assert {site.post(b"right") for _ in range(20)} == {201}


def test_the_memory_for_addresses_is_bounded(site: Site, plugin: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "MOST_ADDRESSES", 3)
    for number in range(9):
        site.post(address=f"10.0.0.{number}")
    assert len(site.throttle._failed_at) == 3
