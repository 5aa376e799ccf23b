"""What a stage cost and did is stored once a stage and shard, whatever the number of its runs."""

from collections.abc import Iterator

import pytest

from include.store.engine import Engine, create_store_engine, fetch_rows, transaction
from include.store.stage_runs import WHOLE_HOUR, StageRun, save_stage_run
from tests.support.rows import START

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


def test_the_newest_run_of_a_stage_is_kept_and_the_runs_are_counted(engine: Engine) -> None:
    with transaction(engine) as connection:
        save_stage_run(connection, StageRun(START, "predict", 0, True, 9.0, 100, {}))
        save_stage_run(connection, StageRun(START, "predict", 0, False, 2.5, 200, {"forecast": 3}))
        save_stage_run(connection, StageRun(START, "predict", 1, False, 1.0, 300, {}))
        save_stage_run(connection, StageRun(START, "score", WHOLE_HOUR, False, 0.5, 50, {"scored": 7}))
        rows = fetch_rows(connection, "select * from bi.stage_run order by stage, shard_index")

    found = [(row["stage"], row["shard_index"], row["run_count"], row["is_failed"], row["seconds"]) for row in rows]
    assert found == [("predict", 0, 2, False, 2.5), ("predict", 1, 1, False, 1.0), ("score", -1, 1, False, 0.5)]
    assert [row["counts"] for row in rows] == [{"forecast": 3}, {}, {"scored": 7}]
    assert [row["peak_bytes"] for row in rows] == [200, 300, 50]
