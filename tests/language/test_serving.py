"""How a model is served, before anything heavy is loaded, and that a tuned one answers at its address."""

import socket
from pathlib import Path
from typing import Any

import pytest

from include.errors import InvalidRequestError, SettingsError, UnfinishedRunError
from language.run_settings import RunSettings
from language.runs import Home, Run, open_new
from language.serving import plan, run_to_serve


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "language")


def a_run(home: Home, *, is_merged: bool) -> Run:
    run = open_new(home, RunSettings("mine", "tiny"), "v1", "ab" * 32, "2025-01-01T00:00:00+00:00")
    if is_merged:
        run.merged.mkdir()
        (run.merged / "config.json").write_text("{}")
    return run


def test_a_run_is_served_by_its_name_and_the_promoted_one_without(home: Home) -> None:
    run = a_run(home, is_merged=True)
    assert run_to_serve(home, run.name) == run
    home.champion.write_text(f'{{"run": "{run.name}"}}')
    assert run_to_serve(home, None) == run


def test_without_a_promoted_run_the_runs_are_named(home: Home) -> None:
    run = a_run(home, is_merged=True)
    with pytest.raises(InvalidRequestError, match=f"No run is promoted.*{run.name}.*--base"):
        run_to_serve(home, None)
    with pytest.raises(InvalidRequestError, match=f"no run 'other'.*{run.name}"):
        run_to_serve(home, "other")


def test_a_run_without_its_merged_model_says_how_it_is_made(home: Home) -> None:
    run = a_run(home, is_merged=False)
    with pytest.raises(UnfinishedRunError, match=f"make tune ARGS='merge {run.name}'"):
        run_to_serve(home, run.name)


def test_a_model_in_the_folder_has_its_path_there_as_its_name_and_needs_no_network(home: Home) -> None:
    run, port = a_run(home, is_merged=True), free_port()
    found = plan(home, str(run.merged), port, "cpu", 2)
    name = f"runs/{run.name}/merged"
    assert found.folder / name == run.merged
    assert found.command[-7:] == (name, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu")
    assert (found.more["HF_HUB_OFFLINE"], found.more["OMP_NUM_THREADS"]) == ("1", "2")
    assert f"export HOURCAST_LANGUAGE_MODEL_URL=http://127.0.0.1:{port}/v1\n" in found.in_words()
    assert found.in_words().endswith(f"export HOURCAST_LANGUAGE_MODEL_NAME={name}")


def test_a_model_elsewhere_and_one_of_the_hub_keep_their_names(home: Home, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert plan(home, str(tmp_path / "elsewhere"), free_port(), "cpu", 1).model == str(tmp_path / "elsewhere")
    of_hub = plan(home, "owner/model", free_port(), "cpu", 1)
    assert (of_hub.model, "HF_HUB_OFFLINE" in of_hub.more) == ("owner/model", False)


def test_a_port_that_is_taken_is_said_before_the_server_starts(home: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match=r"choose another one with --port"):
            plan(home, "owner/model", int(other.getsockname()[1]), "cpu", 1)
    with pytest.raises(SettingsError, match="Port 70000 of"):
        plan(home, "owner/model", 70_000, "cpu", 1)


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_a_tuned_model_answers_at_its_address_as_without_the_server(said: dict[str, Any]) -> None:
    served = said["served"]
    assert served["answer"] == said["whole"]["after"][-1] == "A grey heron of 1841."
    assert served["again"] == served["answer"]
    assert served["name"].startswith("runs/whole-")


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_another_name_is_refused_with_what_to_check(said: dict[str, Any]) -> None:
    assert "responded with 400; check the settings" in said["served"]["other"]


@pytest.mark.language
@pytest.mark.timeout(1800)
def test_it_listens_on_one_address_of_this_machine_alone(said: dict[str, Any]) -> None:
    assert said["served"]["outside"] is False
