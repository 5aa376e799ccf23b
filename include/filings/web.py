"""Requests to a source of filings: at a pace, with a time-out, and not at all for a while after a refusal."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import requests

from include.errors import FilingsUnavailableError, InvalidRequestError

REFUSED_SECONDS: Final = 600.0
_LARGEST: Final = 200 * 2**20
"""Bytes of the largest document that is read; a 10-K with all its pictures has some 30 MB."""


class Web:
    """Reads addresses of one source. One object serves several threads.

    ``name`` is the source's, for messages. Parameters of a request are secret: no message shows them.
    """

    def __init__(
        self,
        name: str,
        per_second: float,
        timeout_seconds: float,
        headers: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``clock`` and ``sleep`` are in seconds."""
        self._name = name
        self._pause_seconds = 1 / per_second
        self._timeout_seconds = timeout_seconds
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._refused_until = 0.0
        self._session = requests.Session()
        self._session.headers.update(headers)

    def read(self, address: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """The whole content of an address.

        Raises:
            InvalidRequestError: there is no such address.
            FilingsUnavailableError: the source cannot be reached, or refuses for now, or sent too much.
        """
        self._wait(address)
        try:
            with self._session.get(
                address, params=parameters, timeout=self._timeout_seconds, stream=True, allow_redirects=False
            ) as response:
                self._check(address, response.status_code)
                return self._body(address, response)
        except requests.RequestException as error:
            reason = re.sub(r"\?\S*", "?...", str(error))
            message = f"{address} cannot be read now: {reason}. It is tried again."
            raise FilingsUnavailableError(message) from None  # the cause shows the parameters

    def note_refusal(self) -> None:
        """Asks for nothing for some minutes."""
        with self._lock:
            self._refused_until = self._clock() + REFUSED_SECONDS

    def _wait(self, address: str) -> None:
        """Waits for this request's turn."""
        with self._lock:
            now = self._clock()
            if now < self._refused_until:
                minutes = (self._refused_until - now) / 60
                message = f"{address}: {self._name} refused requests and is left alone for {minutes:.0f} minutes."
                raise FilingsUnavailableError(message)
            turn = max(now, self._free_at)
            self._free_at = turn + self._pause_seconds
        self._sleep(turn - now)

    def _check(self, address: str, status: int) -> None:
        if status == requests.codes.ok:
            return
        if status == requests.codes.not_found:
            message = f"{address} does not exist at {self._name}. Check the numbers of company and filing."
            raise InvalidRequestError(message)
        if status in {requests.codes.forbidden, requests.codes.too_many_requests}:
            self.note_refusal()
        message = f"{address}: {self._name} responded with {status}. It is tried again."
        raise FilingsUnavailableError(message)

    def _body(self, address: str, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(2**16):
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                message = f"{address} has more than {_LARGEST // 2**20} MiB; nothing of it is read."
                raise FilingsUnavailableError(message)
        return b"".join(parts)
