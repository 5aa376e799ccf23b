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
    """Pause before the second round, by up to a half longer or shorter at random; twice as long before the next."""
    longest_wait_seconds: float = 150.0
    """Longest that one call waits between rounds, in sum, above all for a rate limit to pass; then the rest fails."""


def ask_all(
    asks: Mapping[str, Callable[[], T]], policy: RetryPolicy, gate: RateLimitGate, executor: Executor
) -> tuple[dict[str, T], dict[str, HourcastError]]:
    """The answers by ticker, and the last error of every ticker that got none.

    Raises:
        HourcastError: an error that is not about a ticker or the market, for example of the store that paces.
    """
    answers: dict[str, T] = {}
    errors: dict[str, HourcastError] = {}
    tries, asked = dict.fromkeys(asks, 0), dict.fromkeys(asks, 0)
    pending, pause, patience = list(asks), policy.pause_seconds, policy.longest_wait_seconds
    while pending:
        for ticker, result in zip(pending, executor.map(_attempt, [asks[name] for name in pending]), strict=True):
            if isinstance(result, HourcastError):
                errors[ticker] = result
                tries[ticker] += not isinstance(result, RateLimitedError)
                asked[ticker] += not isinstance(result, NotAskedError)
            else:
                answers[ticker] = result
        left = [name for name in pending if name not in answers and asked[name] < policy.asks]
        pending = [name for name in left if tries[name] < _allowed_tries(errors[name], policy)]
        pending.sort(key=asked.__getitem__)
        wait = max(gate.opens_in(), pause * _random.uniform(0.5, 1.5))
        patience -= wait
        if not pending or patience < 0:
            break
        time.sleep(wait)
        pause *= 2
    return answers, {ticker: error for ticker, error in errors.items() if ticker not in answers}


def _attempt(ask: Callable[[], T]) -> T | HourcastError:
    try:
        return ask()
    except (MarketUnavailableError, BarsNotReadyError, InvalidRequestError, DataContractError) as error:
        return error


def _allowed_tries(error: HourcastError, policy: RetryPolicy) -> int:
    """An impossible request stays impossible; a malformed answer may be sound the next time."""
    return 1 if isinstance(error, InvalidRequestError) else policy.tries
