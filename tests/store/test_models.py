"""Model versions: which may serve, newest first, as of an instant."""

from dataclasses import replace

import pytest

from include.contracts import ModelRef
from include.store.engine import Engine, fetch_rows, transaction
from include.store.models import (
    find_versions,
    first_trainings,
    heads,
    save_model_versions,
    serving_versions,
)
from tests.support.rows import at, version

pytestmark = pytest.mark.integration


def test_a_version_comes_back_as_a_reference(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert save_model_versions(connection, [version(at(1), row=3)]) == 1
        assert save_model_versions(connection, []) == 0

        (found,) = serving_versions(connection, ["AAPL", "NONE"], at(1))["AAPL"]
        assert found.ref == ModelRef("AAPL", "m1", "m1.safetensors", 3)
        (row,) = fetch_rows(connection, "select * from forecast.model_version")
    assert (row["config"], row["seed"], row["loss_before"], row["loss_after"]) == ({"steps": 4}, 2**62, 0.5, None)


def test_what_an_hour_goes_on_from_is_older_than_the_hour(engine: Engine) -> None:
    with transaction(engine) as connection:
        save_model_versions(connection, [version(at(hour), model_version=f"m{hour}") for hour in (1, 2, 3, 4, 5)])
        serving = serving_versions(connection, ["AAPL"], at(4))
        before = heads(connection, ["AAPL"], before=at(4), limit=2)

    assert [version.ref.model_version for version in serving["AAPL"]] == ["m4", "m3", "m2"]
    assert [version.ref.model_version for version in before["AAPL"]] == ["m3", "m2"]


def test_a_version_that_was_not_promoted_never_serves(engine: Engine) -> None:
    with transaction(engine) as connection:
        save_model_versions(
            connection,
            [version(at(1), model_version="good"), version(at(2), model_version="worse", is_promoted=False)],
        )

        assert serving_versions(connection, ["AAPL"], at(9))["AAPL"][0].ref.model_version == "good"
        assert heads(connection, ["AAPL"], at(9))["AAPL"][0].ref.model_version == "worse"


def test_a_first_training_is_found_behind_the_hours_after_it(engine: Engine) -> None:
    first = replace(version(at(1), model_version="first"), kind="first_training")
    evidence = {"log_e_values": [0.1, -1e-300]}
    with transaction(engine) as connection:
        save_model_versions(connection, [first, replace(version(at(2)), sequential_test=evidence)])

        assert first_trainings(connection, ["AAPL", "NONE"], before=at(3)) == {"AAPL": first}
        assert first_trainings(connection, ["AAPL"], before=at(1)) == {}
        assert heads(connection, ["AAPL"], before=at(3))["AAPL"][0].sequential_test == evidence


def test_saving_twice_equals_saving_once_and_other_content_replaces_it(engine: Engine) -> None:
    versions = [version(at(1)), version(at(1), "MSFT", row=1)]
    rows = []
    for given in (versions, versions, [replace(versions[0], ref=ModelRef("AAPL", "m2", "m2.safetensors", 0))]):
        with transaction(engine) as connection:
            changed = save_model_versions(connection, given)
            rows.append((changed, fetch_rows(connection, "select * from forecast.model_version order by ticker")))

    assert [changed for changed, _ in rows] == [2, 0, 1]
    assert rows[0][1] == rows[1][1]
    assert [row["model_version"] for row in rows[2][1]] == ["m2", "m1"]
    assert rows[2][1][0]["created_at"] > rows[1][1][0]["created_at"]


def test_a_version_is_found_by_its_name_or_its_instant_whether_it_may_serve_or_not(engine: Engine) -> None:
    first, second = version(at(1)), version(at(2), model_version="m2", is_promoted=False)
    with transaction(engine) as connection:
        save_model_versions(connection, [first, second, version(at(2), "MSFT")])

        assert find_versions(connection, "AAPL") == [first, second]
        assert find_versions(connection, "AAPL", model_version="m2") == [second]
        assert find_versions(connection, "AAPL", as_of=at(1)) == [first]
        assert find_versions(connection, "AAPL", model_version="m2", as_of=at(1)) == []
