"""Rounds of requests: bounded, and good tickers do not wait for bad ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from include.errors import (
    DataContractError,
    HourcastError,
    MarketUnavailableError,
    RateLimitedError,
    StoreUnavailableError,
    UnknownTickerError,
)
from include.market.yahoo_gate import NotAskedError, RateLimitGate
from include.market.yahoo_retry import RetryPolicy, request_all

POLICY = RetryPolicy(tries=3, attempts=4, pause_seconds=0.001, longest_wait_seconds=1.0)


class Script:
    """Gives the listed results in order, the last one for ever, and records which tickers were requested."""

    def __init__(self) -> None:
        self.requested: list[str] = []

    def ask(self, ticker: str, *results: str | HourcastError) -> Callable[[], str]:
        left = list(results)

        def answer() -> str:
            self.requested.append(ticker)
            result = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(result, HourcastError):
                raise result
            return result

        return answer


@pytest.fixture
def one_thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor


def test_a_failed_ticker_is_requested_again_after_all_others(one_thread: Executor) -> None:
    script = Script()
    asks = {
        "A": script.ask("A", MarketUnavailableError("x"), "a"),
        "B": script.ask("B", "b"),
        "C": script.ask("C", "c"),
    }
    answers, errors = request_all(asks, POLICY, RateLimitGate(), one_thread)
    assert answers == {"A": "a", "B": "b", "C": "c"}
    assert errors == {}
    assert script.requested == ["A", "B", "C", "A"]


@pytest.mark.parametrize(
    ("error", "times"), [(MarketUnavailableError("x"), 3), (DataContractError("x"), 3), (UnknownTickerError("x"), 1)]
)
def test_the_number_of_tries_fits_the_error(error: HourcastError, times: int, one_thread: Executor) -> None:
    script = Script()
    answers, errors = request_all({"A": script.ask("A", error)}, POLICY, RateLimitGate(), one_thread)
    assert (answers, errors) == ({}, {"A": error})
    assert script.requested == ["A"] * times


def test_a_rate_limit_is_waited_for_and_is_no_try(one_thread: Executor) -> None:
    script = Script()
    gate = RateLimitGate(first_seconds=0.01)
    gate.close()
    asks = {"A": script.ask("A", *[RateLimitedError("x")] * 2, *[NotAskedError("x")] * 5, "a")}
    answers, _ = request_all(asks, POLICY, gate, one_thread)
    assert answers == {"A": "a"}


def test_a_ticker_that_was_not_requested_because_of_anothers_limit_comes_first(one_thread: Executor) -> None:
    script = Script()
    asks = {
        "A": script.ask("A", RateLimitedError("x"), "a"),
        "B": script.ask("B", NotAskedError("x"), "b"),
        "C": script.ask("C", NotAskedError("x"), "c"),
    }
    answers, _ = request_all(asks, POLICY, RateLimitGate(), one_thread)
    assert set(answers) == {"A", "B", "C"}
    assert script.requested == ["A", "B", "C", "B", "C", "A"]


def test_a_ticker_that_meets_a_limit_each_time_is_given_up(one_thread: Executor) -> None:
    script = Script()
    _, errors = request_all({"A": script.ask("A", RateLimitedError("x"))}, POLICY, RateLimitGate(), one_thread)
    assert isinstance(errors["A"], RateLimitedError)
    assert script.requested == ["A"] * POLICY.attempts


def test_repeated_rate_limits_do_not_end_the_call_while_there_are_responses(one_thread: Executor) -> None:
    script = Script()
    gate = RateLimitGate()
    policy = RetryPolicy(pause_seconds=60, longest_wait_seconds=0.1)
    asks = {name: script.ask(name, *[NotAskedError("x")] * number, name) for number, name in enumerate("ABCDEFGH")}

    def limited(ask: Callable[[], str]) -> Callable[[], str]:
        def answer() -> str:
            try:
                return ask()
            except NotAskedError:
                gate.keep_closed(0.05)
                raise

        return answer

    answers, _ = request_all({name: limited(ask) for name, ask in asks.items()}, policy, gate, one_thread)
    assert set(answers) == set("ABCDEFGH")


def test_a_request_that_was_not_sent_hides_no_earlier_failure(one_thread: Executor) -> None:
    script = Script()
    failure = MarketUnavailableError("status 500")
    gate = RateLimitGate()
    asks = {"A": script.ask("A", failure, NotAskedError("x"), failure)}
    _, errors = request_all(asks, RetryPolicy(tries=2, pause_seconds=0.001), gate, one_thread)
    assert errors == {"A": failure}
    asks = {"A": script.ask("A", failure, NotAskedError("x"))}
    _, errors = request_all(asks, RetryPolicy(pause_seconds=0.001, longest_sum_seconds=0.0), gate, one_thread)
    assert errors == {"A": failure}


def test_a_rate_limit_longer_than_the_longest_wait_ends_the_call(one_thread: Executor) -> None:
    script = Script()
    gate = RateLimitGate(first_seconds=60)
    gate.close()
    _, errors = request_all({"A": script.ask("A", RateLimitedError("x"))}, POLICY, gate, one_thread)
    assert isinstance(errors["A"], RateLimitedError)
    assert script.requested == ["A"]


def test_an_error_of_the_store_is_raised(one_thread: Executor) -> None:
    script = Script()
    with pytest.raises(StoreUnavailableError):
        request_all({"A": script.ask("A", StoreUnavailableError("x"))}, POLICY, RateLimitGate(), one_thread)
