"""Asking for many tickers: side by side, in rounds, within bounds.

A ticker that failed is asked again only after all others have had their turn, so that a few bad ones neither delay the
many good ones nor wait for each other, and the source has time to recover. That holds for one that is answered with a
rate limit too: whoever was not asked because of it comes first. It refuses to know what is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from random import SystemRandom
from typing import TypeVar

from include.errors import (
    BarsNotReadyError,
    DataContractError,
    HourcastError,
    InvalidRequestError,
    MarketUnavailableError,
    RateLimitedError,
)
from include.market.yahoo_session import NotAskedError, RateLimitGate

T = TypeVar("T")

_random = SystemRandom()


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a ticker is asked for."""

    tries: int = 3
    """Times a ticker is asked for when it fails in a way that may pass; a rate limit does not count."""
    asks: int = 4
    """Times a ticker is asked for at most, rate limits counted."""
    pause_seconds: float = 2.0
    """Pause before the second round, by up to a half longer or shorter at random; twice as long before the next. A
    round that a rate limit broke off goes on as soon as the limit has passed."""
    longest_wait_seconds: float = 150.0
    """Longest that a call waits with no answer in between, above all for a rate limit to pass; then the rest fails."""
    longest_sum_seconds: float = 900.0
    """Longest that it waits in all, answers or not."""


@dataclass
class _Asked:
    """What became of one ticker so far: how often it was asked, how many of these tries count, and its last error."""

    asks: int = 0
    tries: int = 0
    error: HourcastError | None = None

    def note(self, error: HourcastError) -> None:
        """A failure; that Yahoo was not asked at all says less than any failure before it."""
        is_asked = not isinstance(error, NotAskedError)
        self.asks += is_asked
        self.tries += not isinstance(error, RateLimitedError)
        if is_asked or self.error is None:
            self.error = error

    def may_ask(self, policy: RetryPolicy) -> bool:
        """An impossible request stays impossible; a malformed answer may be sound the next time."""
        allowed = 1 if isinstance(self.error, InvalidRequestError) else policy.tries
        return self.tries < allowed and self.asks < policy.asks


def ask_all(
    asks: Mapping[str, Callable[[], T]], policy: RetryPolicy, gate: RateLimitGate, executor: Executor
) -> tuple[dict[str, T], dict[str, HourcastError]]:
    """The answers by ticker, and the last error of every ticker that got none.

    Raises:
        HourcastError: an error that is not about a ticker or the market, for example of the store that paces.
    """
    answers: dict[str, T] = {}
    states = {ticker: _Asked() for ticker in asks}
    pending, pause, stalled, waited = list(asks), policy.pause_seconds, 0.0, 0.0
    while pending:
        count_before, is_broken_off = len(answers), False
        for ticker, result in zip(pending, executor.map(_attempt, [asks[name] for name in pending]), strict=True):
            if isinstance(result, HourcastError):
                states[ticker].note(result)
                is_broken_off |= isinstance(result, NotAskedError)
            else:
                answers[ticker] = result
        pending = [name for name in pending if name not in answers and states[name].may_ask(policy)]
        pending.sort(key=lambda name: states[name].asks)
        wait = max(gate.opens_in(), 0.0 if is_broken_off else pause * _random.uniform(0.5, 1.5))
        pause *= 1 if is_broken_off else 2
        stalled, waited = wait + (0.0 if len(answers) > count_before else stalled), waited + wait
        if not pending or stalled > policy.longest_wait_seconds or waited > policy.longest_sum_seconds:
            break
        time.sleep(wait)
    return answers, {
        ticker: state.error for ticker, state in states.items() if ticker not in answers and state.error is not None
    }


def _attempt(ask: Callable[[], T]) -> T | HourcastError:
    try:
        return ask()
    except (MarketUnavailableError, BarsNotReadyError, InvalidRequestError, DataContractError) as error:
        return error
