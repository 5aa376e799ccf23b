"""Becomes one component: ``python -m include.local.component <program> <argument>...``.

supervisord starts every Airflow component through this, so that a component that was killed outright does not leave
its children working beside its successor: whatever still carries the component's mark is ended first. The children
of a scheduler that was killed would otherwise wait for work for ever, and finish tasks that are handed out again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from include.local.processes import COMPONENT_MARK, OWNER_MARK, end_marked


def main(argv: list[str]) -> None:
    """Ends what an earlier process of this component left behind, then turns into ``argv``; does not return."""
    end_marked(Path(os.environ[OWNER_MARK]), [os.environ[COMPONENT_MARK]], grace_seconds=0)
    os.execv(argv[0], argv)  # noqa: S606  # our own argv; no shell wanted


if __name__ == "__main__":
    main(sys.argv[1:])
