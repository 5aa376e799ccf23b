"""Access to Postgres: transactions, translated errors, and rows that arrive as they were sent."""

import pandas as pd
import pytest

from include.errors import DataContractError, StoreUnavailableError
from include.store.engine import (
    Engine,
    copy_frame,
    create_store_engine,
    execute,
    fetch_rows,
    rows_of,
    run_script,
    stage_rows,
    transaction,
    upsert,
    with_stored_rows,
)
from include.store.tables import BAR, BAR_KINDS, ONBOARDING
from tests.support.rows import START, bars

pytestmark = pytest.mark.integration

AWKWARD = "tab\there, line\nbreak, return\r, back\\slash, \\N, 'quote', ünï, 100%"


def _row(**changes: object) -> tuple[object, ...]:
    values = {
        "request_id": "r1",
        "ticker": "AAPL",
        "as_of": START,
        "source": "yahoo",
        "history_days": 729,
        "requested_by": None,
        "shard_index": None,
        "shard_count": None,
        "stage": "requested",
        "result": None,
        "reason": None,
        **changes,
    }
    return tuple(values[column] for column in ONBOARDING.columns)


def test_what_a_transaction_did_stays_when_its_block_ends(engine: Engine) -> None:
    with transaction(engine) as connection:
        upsert(connection, ONBOARDING, [_row()])

    with transaction(engine) as connection:
        assert fetch_rows(connection, "select ticker from forecast.onboarding") == [{"ticker": "AAPL"}]


def test_what_a_transaction_did_is_undone_when_its_block_raises(engine: Engine) -> None:
    with pytest.raises(DataContractError), transaction(engine) as connection:
        upsert(connection, ONBOARDING, [_row()]) and upsert(connection, ONBOARDING, [_row(stage="dreaming")])

    with transaction(engine) as connection:
        assert fetch_rows(connection, "select ticker from forecast.onboarding") == []


def test_a_server_that_is_not_there_is_worth_a_retry_and_no_password_is_told() -> None:
    engine = create_store_engine("postgresql+psycopg2://app:verysecret@127.0.0.1:1/hourcast")

    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:1/hourcast") as caught, transaction(engine):
        pass

    assert "verysecret" not in str(caught.value)


def test_a_server_that_ends_the_connection_is_worth_a_retry(engine: Engine) -> None:
    with pytest.raises(StoreUnavailableError), transaction(engine) as connection:
        run_script(connection, "select pg_terminate_backend(pg_backend_pid())")

    with transaction(engine) as connection:  # and the next one gets a new connection
        assert execute(connection, "select 1") == 1


def test_a_row_that_a_constraint_refuses_breaks_the_contract(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="onboarding_stage_is_known"), transaction(engine) as connection:
        upsert(connection, ONBOARDING, [_row(stage="dreaming")])


def test_a_programmers_error_is_not_dressed_up(engine: Engine) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, transaction(engine) as connection:
        execute(connection, "select * from no_such_table")

    assert not isinstance(caught.value, DataContractError | StoreUnavailableError)


def test_times_come_back_in_utc(engine: Engine) -> None:
    with transaction(engine) as connection:
        (row,) = fetch_rows(connection, "select cast('2025-03-31T16:00+02:00' as timestamptz) as moment")

    assert row["moment"].isoformat() == "2025-03-31T14:00:00+00:00"


def test_awkward_text_arrives_as_it_was_sent(engine: Engine) -> None:
    with transaction(engine) as connection:
        upsert(connection, ONBOARDING, [_row(reason=AWKWARD), _row(ticker="B", reason="")])
        rows = fetch_rows(connection, "select reason from forecast.onboarding order by ticker")

    assert [row["reason"] for row in rows] == [AWKWARD, ""]


def test_storing_twice_equals_storing_once_to_the_clock(engine: Engine) -> None:
    changed = []
    stored = []
    for _ in range(2):
        with transaction(engine) as connection:
            changed.append(upsert(connection, ONBOARDING, [_row()]))
            stored.append(fetch_rows(connection, "select * from forecast.onboarding"))

    assert changed == [1, 0]
    assert stored[0] == stored[1]


def test_new_content_under_an_old_key_replaces_it_and_says_when(engine: Engine) -> None:
    stored = []
    for result in (None, "active"):
        with transaction(engine) as connection:
            upsert(connection, ONBOARDING, [_row(result=result)])
            stored += fetch_rows(connection, "select result, updated_at from forecast.onboarding")

    assert [row["result"] for row in stored] == [None, "active"]
    assert stored[1]["updated_at"] > stored[0]["updated_at"]


def test_two_stagings_in_one_transaction_do_not_meet(engine: Engine) -> None:
    with transaction(engine) as connection:
        stage_rows(connection, ONBOARDING, [_row()])
        name = stage_rows(connection, ONBOARDING, [_row(ticker="B")])

        assert fetch_rows(connection, f"select ticker from {name}") == [{"ticker": "B"}]


def test_a_naive_time_is_refused(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="no time zone"), transaction(engine) as connection:
        upsert(connection, ONBOARDING, [_row(as_of=START.replace(tzinfo=None))])


def test_rows_of_a_frame_keep_nan_numbers_and_turn_other_gaps_into_none() -> None:
    frame = pd.DataFrame({"a": [1.5, float("nan")], "b": ["x", None], "c": [True, False]})
    frame["d"] = pd.Series(pd.DatetimeIndex([START, None]))

    first, second = rows_of(frame, ["d", "a", "b", "c"])

    assert first == (START, 1.5, "x", True)
    assert second[0] is None
    assert second[1] != second[1]
    assert second[2:] == (None, False)


def test_a_frame_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(DataContractError, match="columns b are missing"):
        rows_of(pd.DataFrame({"a": [1]}), ["a", "b"])


def test_rows_of_which_one_is_stored_are_not_copied_and_the_transaction_goes_on(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert copy_frame(connection, BAR, bars([1.0]), BAR_KINDS)
        assert not copy_frame(connection, BAR, bars([1.0, 2.0]), BAR_KINDS)
        assert copy_frame(connection, BAR, bars([3.0], first=2), BAR_KINDS)
    with transaction(engine) as connection:
        rows = fetch_rows(connection, "select close from forecast.bar order by opened_at")

    assert [row["close"] for row in rows] == [1.0, 3.0]


def test_a_copied_row_that_a_constraint_refuses_breaks_the_contract(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="bar_prices_are_finite"), transaction(engine) as connection:
        copy_frame(connection, BAR, bars([-1.0]), BAR_KINDS)


def test_only_tickers_with_a_stored_row_in_the_span_of_their_given_rows_are_found(engine: Engine) -> None:
    given = pd.concat([bars([1.0, 2.0]), bars([1.0], ticker="B", first=5), bars([1.0], ticker="C")])
    with transaction(engine) as connection:
        copy_frame(connection, BAR, pd.concat([bars([1.0], first=1), bars([1.0, 2.0], ticker="B")]), BAR_KINDS)

        assert with_stored_rows(connection, BAR, given, "opened_at") == {"AAPL"}


def test_a_frame_without_its_time_is_refused_by_name(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="columns opened_at are missing"), transaction(engine) as connection:
        with_stored_rows(connection, BAR, pd.DataFrame({"ticker": ["A"]}), "opened_at")
