"""Rounds of asking: bounded, and fair to the tickers that are well."""

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
from include.market.yahoo_retry import RetryPolicy, ask_all
from include.market.yahoo_session import NotAskedError, RateLimitGate

POLICY = RetryPolicy(tries=3, asks=4, pause_seconds=0.001, longest_wait_seconds=1.0)


class Script:
    """Answers in the order written down, the last one for ever, and notes who was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, ticker: str, *results: str | HourcastError) -> Callable[[], str]:
        left = list(results)

        def answer() -> str:
            self.asked.append(ticker)
            result = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(result, HourcastError):
                raise result
            return result

        return answer


@pytest.fixture
def one_thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor


def test_what_failed_is_asked_again_after_all_others_had_their_turn(one_thread: Executor) -> None:
    script = Script()
    asks = {
        "A": script.ask("A", MarketUnavailableError("x"), "a"),
        "B": script.ask("B", "b"),
        "C": script.ask("C", "c"),
    }
    answers, errors = ask_all(asks, POLICY, RateLimitGate(), one_thread)
    assert answers == {"A": "a", "B": "b", "C": "c"}
    assert errors == {}
    assert script.asked == ["A", "B", "C", "A"]


@pytest.mark.parametrize(
    ("error", "times"), [(MarketUnavailableError("x"), 3), (DataContractError("x"), 3), (UnknownTickerError("x"), 1)]
)
def test_the_number_of_tries_fits_the_error(error: HourcastError, times: int, one_thread: Executor) -> None:
    script = Script()
    answers, errors = ask_all({"A": script.ask("A", error)}, POLICY, RateLimitGate(), one_thread)
    assert (answers, errors) == ({}, {"A": error})
    assert script.asked == ["A"] * times


def test_a_rate_limit_is_waited_out_and_costs_no_try(one_thread: Executor) -> None:
    script = Script()
    gate = RateLimitGate(first_seconds=0.01)
    gate.close()
    asks = {"A": script.ask("A", *[RateLimitedError("x")] * 2, *[NotAskedError("x")] * 5, "a")}
    answers, _ = ask_all(asks, POLICY, gate, one_thread)
    assert answers == {"A": "a"}


def test_who_was_not_asked_because_of_anothers_limit_comes_before_it(one_thread: Executor) -> None:
    script = Script()
    asks = {
        "A": script.ask("A", RateLimitedError("x"), "a"),
        "B": script.ask("B", NotAskedError("x"), "b"),
        "C": script.ask("C", NotAskedError("x"), "c"),
    }
    answers, _ = ask_all(asks, POLICY, RateLimitGate(), one_thread)
    assert set(answers) == {"A", "B", "C"}
    assert script.asked == ["A", "B", "C", "B", "C", "A"]


def test_a_ticker_that_meets_a_limit_each_time_is_given_up(one_thread: Executor) -> None:
    script = Script()
    _, errors = ask_all({"A": script.ask("A", RateLimitedError("x"))}, POLICY, RateLimitGate(), one_thread)
    assert isinstance(errors["A"], RateLimitedError)
    assert script.asked == ["A"] * POLICY.asks


def test_a_limit_that_comes_again_and_again_uses_up_no_patience_while_there_are_answers(one_thread: Executor) -> None:
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

    answers, _ = ask_all({name: limited(ask) for name, ask in asks.items()}, policy, gate, one_thread)
    assert set(answers) == set("ABCDEFGH")


def test_that_yahoo_was_not_asked_hides_no_failure_from_before(one_thread: Executor) -> None:
    script = Script()
    failure = MarketUnavailableError("status 500")
    gate = RateLimitGate()
    asks = {"A": script.ask("A", failure, NotAskedError("x"), failure)}
    _, errors = ask_all(asks, RetryPolicy(tries=2, pause_seconds=0.001), gate, one_thread)
    assert errors == {"A": failure}
    asks = {"A": script.ask("A", failure, NotAskedError("x"))}
    _, errors = ask_all(asks, RetryPolicy(pause_seconds=0.001, longest_sum_seconds=0.0), gate, one_thread)
    assert errors == {"A": failure}


def test_a_rate_limit_longer_than_the_patience_ends_the_asking(one_thread: Executor) -> None:
    script = Script()
    gate = RateLimitGate(first_seconds=60)
    gate.close()
    _, errors = ask_all({"A": script.ask("A", RateLimitedError("x"))}, POLICY, gate, one_thread)
    assert isinstance(errors["A"], RateLimitedError)
    assert script.asked == ["A"]


def test_an_error_that_is_not_the_markets_is_not_a_tickers_either(one_thread: Executor) -> None:
    script = Script()
    with pytest.raises(StoreUnavailableError):
        ask_all({"A": script.ask("A", StoreUnavailableError("x"))}, POLICY, RateLimitGate(), one_thread)
