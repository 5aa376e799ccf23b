"""One rate limit for all processes; each process is an engine here."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.errors import MarketUnavailableError
from include.store.budget import RequestBudget
from include.store.engine import Engine, create_store_engine, execute, transaction

pytestmark = pytest.mark.integration


@pytest.fixture
def engines(database_url: str) -> Iterator[list[Engine]]:
    engines = [create_store_engine(database_url) for _ in range(3)]
    yield engines
    for engine in engines:
        engine.dispose()


def test_several_processes_with_several_threads_keep_one_pace(engines: list[Engine]) -> None:
    turns: list[float] = []

    def ask(budget: RequestBudget) -> None:
        assert budget.wait_for_turn() == 0.0
        turns.append(time.monotonic())

    budgets = [RequestBudget(engine, "yahoo", per_second=20) for engine in engines]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, budgets * 7))

    turns.sort()
    assert turns[-1] - turns[0] >= 20 / 20 * 0.9  # 21 turns are 20 intervals
    assert min(later - earlier for earlier, later in zip(turns, turns[10:], strict=False)) >= 0.4


def test_a_rate_limit_seen_by_one_process_stops_all(engines: list[Engine]) -> None:
    first, second, _ = (RequestBudget(engine, "yahoo", per_second=100) for engine in engines)
    assert second.wait_for_turn() == 0.0

    first.block(1.0)
    first.block(0.2)  # a shorter one does not end it

    assert 0.7 < second.wait_for_turn() <= 1.0
    time.sleep(1.05)
    assert second.wait_for_turn() == 0.0


def test_a_rate_limit_reaches_those_who_wait_for_their_turn(engines: list[Engine]) -> None:
    first, second, _ = (RequestBudget(engine, "yahoo", per_second=2) for engine in engines)
    second.wait_for_turn()
    waits: list[float] = []
    waiting = threading.Thread(target=lambda: waits.append(second.wait_for_turn()))
    waiting.start()
    time.sleep(0.1)
    first.block(30.0)
    waiting.join()

    assert 25 < waits[0] <= 30


def test_sources_do_not_wait_for_one_another(engines: list[Engine]) -> None:
    RequestBudget(engines[0], "yahoo", per_second=100).block(60)

    assert RequestBudget(engines[0], "other", per_second=100).wait_for_turn() == 0.0


def test_a_queue_that_is_too_long_turns_away_at_once(engines: list[Engine]) -> None:
    budget = RequestBudget(engines[0], "yahoo", per_second=0.1, longest_wait_seconds=5)
    assert budget.wait_for_turn() == 0.0
    started_at = time.monotonic()

    with pytest.raises(MarketUnavailableError, match="too many workers"):
        budget.wait_for_turn()

    assert time.monotonic() - started_at < 2


def test_a_repeated_request_waits_until_no_first_request_is_queued(engines: list[Engine]) -> None:
    first, second, third = (RequestBudget(engine, "yahoo", per_second=10) for engine in engines)
    turns: list[str] = []

    def ask(name: str, budget: RequestBudget, is_repeat: bool) -> None:
        assert budget.wait_for_turn(is_repeat=is_repeat) == 0.0
        turns.append(name)

    with ThreadPoolExecutor(12) as pool:
        firsts = [pool.submit(ask, "first", budget, False) for budget in (first, second) for _ in range(3)]
        time.sleep(0.05)
        repeats = [pool.submit(ask, "repeat", third, True) for _ in range(2)]
        firsts += [pool.submit(ask, "first", second, False) for _ in range(4)]
        for result in (*firsts, *repeats):
            result.result()

    assert turns == ["first"] * 10 + ["repeat"] * 2


def test_a_repeated_request_queues_with_the_others_when_it_has_waited_long_enough(engines: list[Engine]) -> None:
    budget = RequestBudget(engines[0], "yahoo", per_second=20, longest_wait_seconds=0.6)
    budget.wait_for_turn()
    is_over = threading.Event()

    def keep_queue() -> None:
        while not is_over.wait(0.02):
            with transaction(engines[1]) as connection:
                execute(
                    connection,
                    "update forecast.request_budget set next_at = clock_timestamp() + interval '0.3 seconds'",
                )

    queue = threading.Thread(target=keep_queue)
    queue.start()
    limit = threading.Timer(20.0, is_over.set)
    limit.start()
    try:
        assert budget.wait_for_turn(is_repeat=True) == 0.0
        assert not is_over.is_set()
    finally:
        is_over.set()
        limit.cancel()
        queue.join()


def test_a_repeated_request_learns_of_a_block_at_once(engines: list[Engine]) -> None:
    budget = RequestBudget(engines[0], "yahoo", per_second=10)
    budget.block(30.0)
    started_at = time.monotonic()

    assert budget.wait_for_turn(is_repeat=True) > 25

    assert time.monotonic() - started_at < 2
