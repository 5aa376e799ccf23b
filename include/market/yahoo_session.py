"""The HTTP session that every request of the yfinance client uses: pace, rate limits and time limits.

yfinance accepts a session as an argument, so it needs no change. A request waits for its turn under the shared budget.
It gets no more time than the call around it has left. It is refused at once during a rate limit, or when Yahoo was
unreachable a moment ago. The session records the status of each response, which yfinance would hide. Where next:
``yahoo_gate.py`` for what is a rate limit; ``yahoo_client.py``, which turns one call of yfinance into a response or an
error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from curl_cffi.const import CurlECode
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import ConnectionError as CurlConnectionError
from curl_cffi.requests.exceptions import RequestException

from include.errors import MarketUnavailableError, RateLimitedError
from include.market.yahoo_gate import NotAskedError, RateLimitGate

CHART_PATH: Final = "/v8/finance/chart/"
_PROBE_URL: Final = f"https://query2.finance.yahoo.com{CHART_PATH}SPY?range=1d&interval=1d"
_PROBE_STATUSES: Final = frozenset({200, 404})
_CRUMB_PATH: Final = "/v1/test/getcrumb"
_COOKIE_HOSTS: Final = frozenset({"fc.yahoo.com", "guce.yahoo.com", "consent.yahoo.com"})

_CONNECT_SECONDS: Final = 4.0
_COOKIE_SECONDS: Final = (
    3.0  # prices are served without cookie and crumb too; yfinance would wait 30 s for them, under a lock
)
_COOKIE_REST_SECONDS: Final = 300.0
_CALL_REQUESTS: Final = (
    2.5  # a call may take this many times one request's limit, since yfinance repeats failed requests
)
_CUT_OFF_FAILURES: Final = 4
_CUT_OFF_SECONDS: Final = 15.0
_UNCONNECTED_CODES: Final = frozenset(
    {
        CurlECode.COULDNT_RESOLVE_PROXY,
        CurlECode.COULDNT_RESOLVE_HOST,
        CurlECode.COULDNT_CONNECT,
        CurlECode.PEER_FAILED_VERIFICATION,
        CurlECode.PROXY,
    }
)

Pace = Callable[[], float | None]
"""Called before every request, from several threads: waits until the request may be sent; or returns at once with the
seconds for which no request may be sent."""


class Pacer:
    """Allows one request every ``1 / per_second`` seconds; thread-safe."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next_at = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Waits until it is the caller's turn; always 0.0, since nothing is blocked here."""
        with self._lock:
            now = time.monotonic()
            turn_at = max(now, self._next_at)
            self._next_at = turn_at + self._interval
        time.sleep(turn_at - now)
        return 0.0


@cache
def process_pacer(per_second: float) -> Pacer:
    """The pacer that all sources of this process with this pace share."""
    return Pacer(per_second)


@dataclass
class Call:
    """One call of yfinance: when its time is used up, and the newest response to what it is about.

    ``is_repeat``: it lets other requests go before it. ``path``: the beginning of the paths of the requests that it is
    about; prices, unless said otherwise.
    """

    ends_at: float
    is_repeat: bool = False
    path: str = CHART_PATH
    response: Response | None = None

    @property
    def status(self) -> int | None:
        """HTTP status of the newest response to what the call is about."""
        return None if self.response is None else self.response.status_code


class YahooSession(Session[Response]):
    """A browser-like HTTP session with pace, rate-limit gate and time limits; used by several threads at once."""

    def __init__(
        self, pace: Pace, gate: RateLimitGate, timeout_seconds: float, repeat_pace: Pace | None = None
    ) -> None:
        super().__init__(impersonate="chrome")
        self._pace = pace
        self._repeat_pace = repeat_pace or pace
        self._gate = gate
        self._timeout_seconds = timeout_seconds
        self._calls = threading.local()
        self._probe_lock = threading.Lock()
        self._cookies_rest_until = 0.0
        self._connect_failures = 0
        self._cut_off_until = 0.0

    @contextmanager
    def call(self, *, is_repeat: bool = False, path: str = CHART_PATH) -> Iterator[Call]:
        """Limits the wall-clock time of this thread's requests within the block, and records their responses.

        Requests of a repeated call wait for their turn by the pace of repeated requests. ``path`` is what the call is
        about: the beginning of the paths of its requests.
        """
        call = Call(time.monotonic() + _CALL_REQUESTS * self._timeout_seconds, is_repeat, path)
        self._calls.current = call
        try:
            yield call
        finally:
            self._calls.current = None

    def request(self, method: Any, url: str, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401  # as the parent's
        """The response to one request, of any status below 500 except 429 with a waiting time.

        Raises:
            RateLimitedError: a rate limit is in force.
            MarketUnavailableError: Yahoo's servers failed, nothing could be reached a moment ago, the call's time is
                used up, or Yahoo refused a request that is not about prices.
            curl_cffi.requests.exceptions.RequestException: the request failed on the wire.
        """
        address = urlsplit(url)
        is_side_request = address.hostname in _COOKIE_HOSTS or address.path == _CRUMB_PATH
        self._refuse_if_closed(is_side_request)
        call: Call = getattr(self._calls, "current", None) or Call(time.monotonic() + self._timeout_seconds)
        call.ends_at += self._waited_for_turn(self._repeat_pace if call.is_repeat else self._pace)
        self._refuse_if_closed(is_side_request)  # another thread may have met a rate limit meanwhile
        options["timeout"] = self._limits(call, is_side_request)
        try:
            response = super().request(method, url, *arguments, **options)
        except RequestException as error:
            self._note_failure(error, is_side_request)
            raise
        self._connect_failures = 0
        if is_side_request:
            self._rest_cookies_if(address.path == _CRUMB_PATH and response.status_code >= 400)
        elif address.path.startswith(CHART_PATH):
            call.response = response
            call.ends_at += self._checked_status(response, address.path.removeprefix(CHART_PATH))
        elif address.path.startswith(call.path):
            call.response = response
            _require_served(response)
        return response

    def _refuse_if_closed(self, is_side_request: bool) -> None:
        pause = self._gate.opens_in()
        if pause > 0:
            message = f"Yahoo asked us to slow down; nothing is asked of it for {pause:.0f} s more."
            raise NotAskedError(message)
        now = time.monotonic()
        if now < self._cut_off_until:
            message = "Yahoo could not be reached by several requests just now; trying again soon."
            raise MarketUnavailableError(message)
        if is_side_request and now < self._cookies_rest_until:
            # The client goes on without cookie and crumb when it sees a connection error.
            message = "cookie and crumb are not asked for again so soon"
            raise CurlConnectionError(message)

    def _waited_for_turn(self, pace: Pace) -> float:
        started_at = time.monotonic()
        blocked = pace()
        if blocked:
            self._gate.keep_closed(blocked)
        return time.monotonic() - started_at

    def _limits(self, call: Call, is_side_request: bool) -> tuple[float, float]:
        """Seconds to connect, and seconds for the rest."""
        left = call.ends_at - time.monotonic()
        if left <= 0:
            message = "The time for one call to Yahoo is used up."
            raise MarketUnavailableError(message)
        total = min(left, _COOKIE_SECONDS if is_side_request else self._timeout_seconds, self._timeout_seconds)
        connecting = min(_CONNECT_SECONDS, total / 2)
        return connecting, total - connecting

    def _note_failure(self, error: RequestException, is_side_request: bool) -> None:
        self._rest_cookies_if(is_side_request)
        if not _is_before_connection(error):
            return
        self._connect_failures += 1
        if self._connect_failures >= _CUT_OFF_FAILURES:
            self._cut_off_until = time.monotonic() + _CUT_OFF_SECONDS

    def _rest_cookies_if(self, is_refused: bool) -> None:
        if is_refused:
            self._cookies_rest_until = time.monotonic() + _COOKIE_REST_SECONDS

    def _checked_status(self, response: Response, ticker: str) -> float:
        """Ends the call where yfinance would repeat the request at once, without a chance of success.

        Returns:
            The seconds that it took to find out whether a refusal is a rate limit.
        """
        started_at = time.monotonic()
        status, waiting = response.status_code, response.headers.get("Retry-After")
        if status >= 500:
            message = f"Yahoo answered with status {status}."
            raise MarketUnavailableError(message)
        if status != 429:
            self._gate.note_success()
        elif waiting is not None:
            self._gate.note_waiting_time(ticker, _waiting_seconds(waiting, response.headers.get("Date") or ""))
            message = f"Yahoo asked us to slow down (429, Retry-After: {waiting})."
            raise RateLimitedError(message)
        elif self._gate.note_refusal(ticker):
            self._close_if_limited()
        return time.monotonic() - started_at

    def _close_if_limited(self) -> None:
        """Blocks all requests if the probe is refused too; one thread finds out for all.

        Raises:
            RateLimitedError: requests are blocked now.
        """
        with self._probe_lock:
            if self._gate.is_limit_likely() and not self._gate.opens_in():
                self._waited_for_turn(self._pace)
                if not self._gate.opens_in() and not self._is_probe_served():
                    self._gate.close()
        if self._gate.opens_in() > 0:
            message = "Yahoo asked us to slow down (429)."
            raise RateLimitedError(message)

    def _is_probe_served(self) -> bool:
        """Whether Yahoo serves a ticker that everybody requests."""
        try:
            status = super().request("GET", _PROBE_URL, timeout=self._timeout_seconds).status_code
        except RequestException:
            return False
        if status in _PROBE_STATUSES:
            self._gate.note_success()
        return status in _PROBE_STATUSES


def _require_served(response: Response) -> None:
    """Ends a call that is not about prices where yfinance would repeat a refused request at once.

    A request without a valid crumb (401) is repeated: yfinance fetches another. These refusals do not close
    the gate: Yahoo has other limits for them, and prices go on.

    Raises:
        MarketUnavailableError: Yahoo refused the request.
    """
    if response.status_code >= 400 and response.status_code != 401:
        message = f"Yahoo answered with status {response.status_code}."
        raise MarketUnavailableError(message)


def is_reachable(timeout: float) -> bool:
    """Whether Yahoo answers a small request for prices within ``timeout`` seconds, through the environment's proxy.

    Returns in time even when packets are dropped or a name server hangs: the request runs in a thread of its own.
    """
    answers: list[bool] = []
    probe = threading.Thread(target=lambda: answers.append(_probe(timeout)), daemon=True, name="yahoo-probe")
    probe.start()
    probe.join(timeout)
    return answers == [True]


def _probe(timeout: float) -> bool:
    try:
        with Session[Response](impersonate="chrome") as session:
            return session.get(_PROBE_URL, timeout=timeout).status_code in _PROBE_STATUSES
    except RequestException:
        return False


def _is_before_connection(error: RequestException) -> bool:
    """Whether the request did not reach a server: no name, no route, no listener, no certificate."""
    if error.code == CurlECode.OPERATION_TIMEDOUT:
        return "Connection timed out" in str(error)  # before the connection; after it curl says "Operation timed out"
    return error.code in _UNCONNECTED_CODES


def _waiting_seconds(retry_after: str, answered: str) -> float | None:
    """The seconds of a Retry-After header: a number, or a date relative to the response's date; None if neither."""
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(retry_after) - parsedate_to_datetime(answered)).total_seconds()
    except (TypeError, ValueError):
        return None
