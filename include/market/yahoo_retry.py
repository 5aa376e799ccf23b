"""Requests for many tickers: in parallel, in rounds, with bounded retries.

A ticker that failed is retried only after all other tickers have had their first request. So a few bad tickers neither
delay the many good ones nor wait for each other, and the source has time to recover. The same holds for rate limits: a
ticker that was not requested because of one comes first in the next round. This module does not know what is requested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from random import SystemRandom
from typing import Generic, TypeVar

from include.errors import (
    BarsNotReadyError,
    DataContractError,
    HourcastError,
    InvalidRequestError,
    MarketUnavailableError,
    RateLimitedError,
)
from include.market.yahoo_gate import NotAskedError, RateLimitGate

T = TypeVar("T")

_random = SystemRandom()


@dataclass(frozen=True)
class RetryPolicy:
    """How often a ticker is requested, and how long a call waits between rounds."""

    tries: int = 3
    """Largest number of requests for a ticker that fails temporarily; rate limits are not counted."""
    attempts: int = 4
    """Largest number of requests for a ticker, rate limits counted."""
    pause_seconds: float = 2.0
    """Pause before the second round, longer or shorter by up to a half at random; it doubles with every round. A round
    that a rate limit has cut short continues as soon as the limit has passed."""
    longest_wait_seconds: float = 150.0
    """Longest wait without a response, mostly for a rate limit to pass; after it the remaining tickers fail."""
    longest_sum_seconds: float = 900.0
    """Longest wait in all, with or without responses."""


@dataclass
class _State:
    """One ticker's requests so far: how many were sent, how many count as tries, and the last error."""

    attempts: int = 0
    tries: int = 0
    error: HourcastError | None = None

    def note(self, error: HourcastError) -> None:
        """Notes a failure. An error of a request that was not sent replaces no other error."""
        is_sent = not isinstance(error, NotAskedError)
        self.attempts += is_sent
        self.tries += not isinstance(error, RateLimitedError)
        if is_sent or self.error is None:
            self.error = error

    def may_retry(self, policy: RetryPolicy) -> bool:
        """Whether another request may help: not after an invalid request; a malformed response may be sound later."""
        allowed = 1 if isinstance(self.error, InvalidRequestError) else policy.tries
        return self.tries < allowed and self.attempts < policy.attempts


class _Rounds(Generic[T]):
    """The rounds of one call: the tickers that are pending, the responses, and the time spent waiting."""

    def __init__(self, requests: Mapping[str, Callable[[], T]], policy: RetryPolicy) -> None:
        self.responses: dict[str, T] = {}
        self.states = {ticker: _State() for ticker in requests}
        self.pending: Sequence[str] = list(requests)
        self._requests, self._policy = requests, policy
        self._pause = policy.pause_seconds
        self._stalled = self._waited = 0.0

    def run(self, gate: RateLimitGate, executor: Executor) -> float | None:
        """Sends one request for each pending ticker; the seconds to wait before the next round, None for no more."""
        count_before, is_cut_short = len(self.responses), False
        results = executor.map(_attempt, [self._requests[ticker] for ticker in self.pending])
        for ticker, result in zip(self.pending, results, strict=True):
            if isinstance(result, HourcastError):
                self.states[ticker].note(result)
                is_cut_short |= isinstance(result, NotAskedError)
            else:
                self.responses[ticker] = result
        self.pending = self._still_pending()
        wait = max(gate.opens_in(), 0.0 if is_cut_short else self._pause * _random.uniform(0.5, 1.5))
        self._pause *= 1 if is_cut_short else 2
        self._stalled = wait + (0.0 if len(self.responses) > count_before else self._stalled)
        self._waited += wait
        return wait if self.pending and self._has_time() else None

    def _still_pending(self) -> list[str]:
        """The tickers to request again; those with the fewest requests so far come first."""
        without = [ticker for ticker in self.pending if ticker not in self.responses]
        pending = [ticker for ticker in without if self.states[ticker].may_retry(self._policy)]
        return sorted(pending, key=lambda ticker: self.states[ticker].attempts)

    def _has_time(self) -> bool:
        policy = self._policy
        return self._stalled <= policy.longest_wait_seconds and self._waited <= policy.longest_sum_seconds


class Repeats:
    """Which tickers of one round of requests were requested before; a ticker is never in two threads at once."""

    def __init__(self) -> None:
        self._requested: set[str] = set()

    def send(self, ticker: str, request: Callable[[bool], T]) -> T:
        """The response to a request, which learns whether it is a repeated one; one that was not sent does not count.

        Raises:
            HourcastError: what the request raises.
        """
        is_repeat = ticker in self._requested
        self._requested.add(ticker)
        try:
            return request(is_repeat)
        except NotAskedError:
            if not is_repeat:
                self._requested.remove(ticker)
            raise


def request_all(
    requests: Mapping[str, Callable[[], T]], policy: RetryPolicy, gate: RateLimitGate, executor: Executor
) -> tuple[dict[str, T], dict[str, HourcastError]]:
    """The responses by ticker, and the last error of every ticker without a response.

    Raises:
        HourcastError: an error that concerns neither a ticker nor the market, for example of the store of the budget.
    """
    rounds = _Rounds(requests, policy)
    wait: float | None = 0.0 if requests else None
    while wait is not None:
        time.sleep(wait)
        wait = rounds.run(gate, executor)
    errors = {ticker: state.error for ticker, state in rounds.states.items() if ticker not in rounds.responses}
    return rounds.responses, {ticker: error for ticker, error in errors.items() if error is not None}


def _attempt(request: Callable[[], T]) -> T | HourcastError:
    try:
        return request()
    except (MarketUnavailableError, BarsNotReadyError, InvalidRequestError, DataContractError) as error:
        return error
