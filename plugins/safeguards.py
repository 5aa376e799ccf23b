"""Safeguards of Airflow's page: failed logins are slowed down, and every response has security headers.

Airflow has neither. Other sites cannot show the page in a frame, and a browser does not guess content types. The count
of failed logins is kept in memory, by the address of the client: a restart forgets it, and behind a proxy all people
share one address. So the wait is short. It is long enough for our generated passwords, which have at least 96 random
bits. Where next: ``docs/security.md``.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]

LOGIN_PATHS = ("/auth/token", "/auth/token/cli")
FREE_FAILURES = 5
"""Failed logins of one address within ``WAIT_SECONDS`` before it has to wait."""
WAIT_SECONDS = 60.0
MOST_ADDRESSES = 10_000
"""Addresses that are remembered; the one seen longest ago is forgotten first."""
_UNAUTHORIZED = 401

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
}
"""Airflow's own page needs scripts that are written into it, so scripts are not restricted here."""


class LoginThrottle:
    """Answers 429 to a login from an address with too many failed ones; a correct password must wait as well."""

    def __init__(self, app: App, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._failed_at: OrderedDict[str, list[float]] = OrderedDict()

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(LOGIN_PATHS):
            await self._app(scope, receive, send)
            return
        address = str((scope.get("client") or ("unknown",))[0])
        wait = self.seconds_to_wait(address)
        if wait > 0:
            await _refuse(send, wait)
            return

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _UNAUTHORIZED:
                self._add_failure(address)
            await send(message)

        await self._app(scope, receive, watch)

    def seconds_to_wait(self, address: str) -> float:
        """Seconds until this address may log in again; 0 if it may now."""
        recent = [moment for moment in self._failed_at.get(address, []) if self._clock() - moment < WAIT_SECONDS]
        return recent[-FREE_FAILURES] + WAIT_SECONDS - self._clock() if len(recent) >= FREE_FAILURES else 0.0

    def _add_failure(self, address: str) -> None:
        failures = self._failed_at.pop(address, [])
        self._failed_at[address] = [*failures[1 - FREE_FAILURES :], self._clock()]
        if len(self._failed_at) > MOST_ADDRESSES:
            self._failed_at.popitem(last=False)


class SecurityHeaders:
    """Adds ``HEADERS`` to every response that does not have them already."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Passes a request on, and its response back with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {bytes(name).lower() for name, _ in message.get("headers", [])}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *(pair for pair in more if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, add)


async def _refuse(send: Send, wait: float) -> None:
    seconds = str(int(wait) + 1)
    body = b'{"detail": "Too many failed logins from this address; try again in ' + seconds.encode() + b' seconds."}'
    headers = [(b"content-type", b"application/json"), (b"retry-after", seconds.encode())]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class SafeguardsPlugin(AirflowPlugin):
    """Registers both; the one added last sees a request first."""

    name = "hourcast_safeguards"
    fastapi_root_middlewares: list[Any] = [  # noqa: RUF012  # as Airflow's base class declares it
        {"middleware": LoginThrottle, "args": [], "kwargs": {}, "name": "Failed logins are slowed down"},
        {"middleware": SecurityHeaders, "args": [], "kwargs": {}, "name": "Security headers"},
    ]
