"""How the tests are shared out to the workers of pytest-xdist: file by file, so that a file's fixtures are made once.

Loaded by ``tests/conftest.py``. The marker ``xdist_group`` would do, but pytest-xdist 3.8 ignores it under pytest 9.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

INSTALLATIONS = frozenset({"test_live.py", "test_stack.py"})
"""Files whose tests start all of Airflow's components. One worker runs them, so that there is one Airflow at a time."""


class ByFile(LoadScopeScheduling):
    """Gives all tests of a file to one worker, and those of ``INSTALLATIONS`` to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The name of the group in which a test runs."""
    file = nodeid.partition("::")[0]
    return "installations" if PurePosixPath(file).name in INSTALLATIONS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """The hook of pytest-xdist."""
    return ByFile(config, log)
