"""The rate-limit gate: which refusals (status 429) are a rate limit, and how long nothing is requested then.

A rate limit applies to the machine's address. A ticker that alone is refused is no rate limit, nor are several such
tickers. Where the refusals leave it open, the session sends one probe for a ticker that everybody requests. The gate
knows nothing of HTTP. Where next: ``yahoo_session.py``, which notes every response here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from random import SystemRandom
from typing import Final

from include.errors import RateLimitedError

_RECENT_SECONDS: Final = 60.0
_NEWEST_COUNT: Final = 12
_LIMITED_TICKERS: Final = 6  # of the newest responses; half of them

_random = SystemRandom()


class NotAskedError(RateLimitedError):
    """The request was not sent, because a rate limit of an earlier request is still in force."""


class RateLimitGate:
    """Blocks requests during a rate limit. Thread-safe.

    A pause lasts as long as Yahoo says. Where Yahoo does not say, the first pause lasts ``first_seconds`` and each
    further one twice as long. A pause is lengthened by up to a fifth at random, so that several processes do not resume
    at the same moment. ``tell`` is called with the seconds of every pause that begins or grows here, so that other
    processes can keep it too.
    """

    def __init__(
        self,
        first_seconds: float = 30.0,
        longest_seconds: float = 600.0,
        tell: Callable[[float], None] | None = None,
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._tell = tell
        self._strikes = 0
        self._opens_at = 0.0
        self._answered_at = -float("inf")
        self._refusals: dict[str, int] = {}
        self._alone_at: dict[str, float] = {}
        self._newest: deque[str | None] = deque(maxlen=_NEWEST_COUNT)
        self._lock = threading.Lock()

    def note_refusal(self, ticker: str) -> bool:
        """Notes a refusal without a waiting time; whether it may be a rate limit (then a probe decides).

        A ticker that was refused within the last minute, before another was served, does not count. If half of the
        newest responses are refusals of other tickers than these, it is a rate limit and requests are blocked.
        """
        with self._lock:
            if self._is_alone(ticker):
                return False
            self._refusals[ticker] = self._refusals.get(ticker, 0) + 1
            self._newest.append(ticker)
            is_limit = len({name for name in self._newest if name is not None}) >= _LIMITED_TICKERS
        if is_limit:
            self.close()
        return is_limit or self.is_limit_likely()

    def is_limit_likely(self) -> bool:
        """Whether, since the last success, two tickers were refused; or one twice, with no success for a minute."""
        with self._lock:
            is_answering = self._answered_at > time.monotonic() - _RECENT_SECONDS
            return len(self._refusals) > 1 or (not is_answering and sum(self._refusals.values()) > 1)

    def note_waiting_time(self, ticker: str, seconds: float | None) -> None:
        """Notes a refusal with a waiting time (None: unreadable) and pauses so long, unless the ticker does not count.

        Which tickers do not count says ``note_refusal``.
        """
        with self._lock:
            if self._is_alone(ticker):
                return
            self._refusals[ticker] = self._refusals.get(ticker, 0) + 1
        self.close(seconds)

    def _is_alone(self, ticker: str) -> bool:
        """Whether the ticker was refused within the last minute, before another was served; then it is noted anew."""
        now = time.monotonic()
        since = now - _RECENT_SECONDS
        is_alone = self._answered_at > since and self._alone_at.get(ticker, -float("inf")) > since
        if is_alone:
            self._alone_at[ticker] = now
        return is_alone

    def close(self, retry_after_seconds: float | None = None) -> None:
        """Starts a pause, or prolongs it. Refusals within a pause count once."""
        with self._lock:
            now = time.monotonic()
            if now >= self._opens_at:
                self._strikes += 1
            usual_pause = min(self._longest_seconds, self._first_seconds * 2.0 ** (self._strikes - 1))
            pause = usual_pause if retry_after_seconds is None else retry_after_seconds
            opens_at = max(self._opens_at, now + pause * _random.uniform(1.0, 1.2))
            is_news, self._opens_at = opens_at > self._opens_at, opens_at
            self._newest.clear()
        if is_news and self._tell is not None:
            self._tell(opens_at - now)

    def keep_closed(self, seconds: float) -> None:
        """Keeps the pause of another process; it does not lengthen the next pause here."""
        with self._lock:
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)

    def opens_in(self) -> float:
        """Seconds until requests may be sent again; 0 if they may."""
        return max(0.0, self._opens_at - time.monotonic())

    def note_success(self) -> None:
        """Notes a response that is no refusal, unless it belongs to a request from before the current pause.

        The length of pauses starts anew. The tickers that were refused since the last success were refused alone.
        """
        with self._lock:
            now = time.monotonic()
            if now >= self._opens_at:
                self._strikes, self._answered_at = 0, now
                self._alone_at |= dict.fromkeys(self._refusals, now)
                self._refusals.clear()
                self._newest.append(None)


@cache
def process_gate() -> RateLimitGate:
    """The gate that all sources of this process share, since a rate limit applies to the machine's address."""
    return RateLimitGate()
