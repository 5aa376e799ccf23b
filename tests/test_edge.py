"""The edge: which instant a run is about, and what Airflow does with our errors."""

import importlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace

import pendulum
import pytest

from include import errors

INTERVAL_END = datetime.fromisoformat("2025-03-31T20:35:00+00:00")
RUN_AFTER = datetime.fromisoformat("2025-03-31T20:41:07+00:00")
ASKED_AT = SimpleNamespace(run_after=RUN_AFTER)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The module, over an Airflow that keeps its files in a folder of this test's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield importlib.import_module("include.edge")


def test_a_run_is_about_the_end_of_its_data_interval(edge):
    assert edge.run_as_of({"data_interval_end": INTERVAL_END, "dag_run": ASKED_AT}) == INTERVAL_END


@pytest.mark.parametrize("context", [{"dag_run": ASKED_AT}, {"dag_run": ASKED_AT, "data_interval_end": None}])
def test_a_run_without_an_interval_is_about_the_moment_it_was_asked_for(edge, context):
    assert edge.run_as_of(context) == RUN_AFTER


def test_the_instant_of_a_run_is_told_in_utc(edge):
    taipei = datetime.fromisoformat("2025-04-01T04:35:00+08:00")
    assert edge.run_as_of({"data_interval_end": taipei}) == INTERVAL_END
    assert edge.run_as_of({"data_interval_end": taipei}).tzinfo is UTC


def test_the_instant_of_a_run_is_reckoned_with_like_any_other_although_airflow_has_a_class_of_its_own(edge):
    airflows = pendulum.datetime(2025, 3, 31, 20, 35)
    for context in ({"data_interval_end": airflows}, {"dag_run": SimpleNamespace(run_after=airflows)}):
        as_of = edge.run_as_of(context)
        assert type(as_of) is datetime
        assert as_of - timedelta(days=1) == INTERVAL_END - timedelta(days=1)


def test_a_naive_instant_is_refused(edge):
    with pytest.raises(errors.DataContractError, match="as_of"):
        edge.run_as_of({"data_interval_end": INTERVAL_END.replace(tzinfo=None)})


@pytest.mark.parametrize("text", ["2025-03-31T20:35:00+00:00", "2025-03-31T20:35:00Z", "2025-03-31T16:35:00-04:00"])
def test_an_instant_written_into_the_form_comes_before_the_runs_own(edge, text):
    assert edge.requested_as_of({"dag_run": ASKED_AT}, text) == INTERVAL_END


@pytest.mark.parametrize("text", [None, ""])
def test_an_empty_form_means_the_runs_own_instant(edge, text):
    assert edge.requested_as_of({"dag_run": ASKED_AT}, text) == RUN_AFTER


@pytest.mark.parametrize("text", ["yesterday", "2025-03-32T00:00:00Z", "2025-03-31T20:35:00"])
def test_an_instant_that_nobody_can_place_is_refused_with_an_example(edge, text):
    with pytest.raises(errors.InvalidRequestError, match=f"{text}.*write it like 2025-03-31T20:35:00"):
        edge.requested_as_of({"dag_run": ASKED_AT}, text)


@pytest.mark.parametrize("error", [errors.SettingsError, errors.DataContractError, errors.UnknownTickerError])
def test_airflow_does_not_retry_what_retrying_cannot_help(edge, error):
    assert edge.RETRY_POLICY.evaluate(error("x"), try_number=1, max_tries=3).action.value == "fail"


@pytest.mark.parametrize("error", [errors.RateLimitedError, errors.StoreUnavailableError, MemoryError, KeyError])
def test_airflow_retries_everything_else_as_its_task_says(edge, error):
    assert edge.RETRY_POLICY.evaluate(error("x"), try_number=1, max_tries=3).action.value == "default"


def test_airflow_does_not_retry_a_refused_request(edge):
    assert edge.RETRY_POLICY.evaluate(edge.Refusal("x"), try_number=1, max_tries=3).action.value == "fail"


@pytest.mark.parametrize(
    "text",
    ["", "2025-03-31T20:35Z", "2025-03-31 20:35:00+00:00", "2025-03-31T20:35:00.000-04:00"],
    ids=["empty", "minutes", "space", "fraction"],
)
def test_the_forms_pattern_has_room_for_every_way_to_write_an_instant(edge, text):
    assert re.search(edge.AS_OF_PATTERN, text)
    assert edge.requested_as_of({"dag_run": ASKED_AT}, text)


@pytest.mark.parametrize("text", ["yesterday", "2025-03-31", "2025-03-31T20:35:00", "in 2025-03-31T20:35Z"])
def test_the_forms_pattern_refuses_what_is_no_instant_with_a_zone(edge, text):
    assert not re.search(edge.AS_OF_PATTERN, text)


class FakeTaskInstance:
    """Keeps what a task leaves for others, as Airflow does."""

    def __init__(self):
        self.left = {}

    def xcom_push(self, key, value):
        self.left[key] = value

    def xcom_pull(self, task_ids, key):
        return self.left.get(key)


def fail_with(error):
    raise error


def test_a_result_leaves_its_note_and_the_extra_of_its_asset(edge):
    event = SimpleNamespace(extra={})
    context = {"ti": FakeTaskInstance(), "outlet_events": {edge.FORECASTS: event}}
    result = {"note": "2 forecast.", "counts": {"forecast": 2}}
    assert edge.with_note(context, lambda: result, edge.FORECASTS, INTERVAL_END) is result
    assert context["ti"].left == {edge.NOTE_KEY: "2 forecast."}
    assert event.extra == {"as_of": INTERVAL_END.isoformat(), "forecast": 2}


def test_a_result_without_a_note_leaves_none(edge):
    context = {"ti": FakeTaskInstance()}
    assert edge.with_note(context, lambda: [{"index": 0}]) == [{"index": 0}]
    assert context["ti"].left == {}
    assert edge.refusal_of(context, "validate") is None


def test_an_error_leaves_its_sentence_as_the_note(edge):
    context = {"ti": FakeTaskInstance()}
    with pytest.raises(errors.RetryableError):
        edge.with_note(context, lambda: fail_with(errors.RetryableError("2 tickers have no outcome.")))
    assert context["ti"].left == {edge.NOTE_KEY: "2 tickers have no outcome."}


def test_a_refused_request_ends_without_a_stack_and_later_tasks_know_why(edge):
    context = {"ti": FakeTaskInstance()}
    with pytest.raises(SystemExit) as refused:
        edge.with_note(context, lambda: fail_with(errors.InvalidRequestError("no ticker.")))
    assert isinstance(refused.value, Exception)
    assert refused.value.__suppress_context__
    assert (
        refused.value.code == context["ti"].left[edge.NOTE_KEY] == edge.refusal_of(context, "validate") == "no ticker."
    )


def test_every_task_has_retries_and_ends_within_an_hour(edge):
    assert edge.DEFAULT_ARGS["retry_policy"] is edge.RETRY_POLICY
    assert edge.DEFAULT_ARGS["retries"] >= 1
    assert edge.DEFAULT_ARGS["execution_timeout"] < timedelta(hours=1)


def test_a_run_says_who_started_it(edge: ModuleType) -> None:
    assert edge.requested_by({"dag_run": SimpleNamespace(triggering_user_name="ada")}) == "ada"
    assert edge.requested_by({"dag_run": SimpleNamespace(triggering_user_name=None)}) is None
    assert edge.requested_by({"dag_run": SimpleNamespace()}) is None
