"""What `make run` and the DAGs must agree on."""

from include.edge import TRAINING_POOL as DAGS_POOL
from include.local.run import TRAINING_POOL


def test_the_launcher_makes_the_pool_that_the_dags_use() -> None:
    assert TRAINING_POOL == DAGS_POOL
