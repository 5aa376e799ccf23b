"""One small installation for all tests of a module, and the trials that share it."""

from collections.abc import Iterator

import pytest

from tests.chaos.__main__ import Series
from tests.chaos.installation import opened_machine


@pytest.fixture(scope="module")
def series() -> Iterator[Series]:
    """Trials with a seed of their own."""
    with opened_machine() as machine:
        yield Series(machine, seed=7)
