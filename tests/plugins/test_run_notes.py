"""The listener that writes notes of runs; that Airflow calls it is tested in tests/dags."""

import importlib.util
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from include.pipeline.summaries import MAXIMUM_NOTE_LENGTH
from tests.support.airflow import load_plugin


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The plugin's module, over an Airflow that keeps its files in a folder of this test's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield load_plugin("run_notes")


def test_plugin_and_tasks_agree_on_the_key_and_the_length(plugin: ModuleType) -> None:
    edge = importlib.import_module("include.edge")
    assert edge.NOTE_KEY == plugin.NOTE_KEY
    assert MAXIMUM_NOTE_LENGTH == plugin.LONGEST_NOTE


def test_a_run_without_a_note_gets_one_and_an_earlier_one_of_ours_is_replaced(plugin: ModuleType) -> None:
    for earlier in (None, SimpleNamespace(user_id=None)):
        run = SimpleNamespace(dag_run_note=earlier, note="before")
        plugin._write(run, "2 active.")
        assert run.note == "2 active."


def test_a_note_that_a_person_wrote_stays(plugin: ModuleType) -> None:
    run = SimpleNamespace(dag_run_note=SimpleNamespace(user_id="ada"), note="look at this one")
    plugin._write(run, "2 active.")
    assert run.note == "look at this one"


def test_a_text_that_is_too_long_for_the_column_is_cut(plugin: ModuleType) -> None:
    run = SimpleNamespace(dag_run_note=None, note=None)
    plugin._write(run, "x" * 5000)
    assert run.note == "x" * plugin.LONGEST_NOTE
