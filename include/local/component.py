"""Starts one component: ``python -m include.local.component <program> <argument>...``.

supervisord starts every Airflow component through this program. It first ends the processes that an earlier, killed
process of the component left behind. Otherwise the children of a killed scheduler would run for ever, and would finish
tasks that the next scheduler has started again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from include.local.processes import COMPONENT_MARK, OWNER_MARK, end_marked


def main(argv: list[str]) -> None:
    """Ends the remaining processes of this component, then replaces this process by ``argv``; does not return."""
    end_marked(Path(os.environ[OWNER_MARK]), [os.environ[COMPONENT_MARK]], grace_seconds=0)
    os.execv(argv[0], argv)  # noqa: S606  # a fixed argv; no shell


if __name__ == "__main__":
    main(sys.argv[1:])
