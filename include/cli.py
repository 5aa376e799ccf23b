"""The same use cases without Airflow: `python -m include.cli --help`.

Take Airflow away and this still forecasts. Times are ISO 8601 with a zone; without one given, ``--as-of`` is now.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from include.contracts import require_utc
from include.errors import HourcastError
from include.pipeline import hour, onboarding
from include.pipeline.services import open_services
from include.store.migrations import migrate


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and prints its result as JSON; the exit status: 0, or 1 with the reason on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        result = _run(chosen)
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")
    return 0


def _run(chosen: argparse.Namespace) -> dict[str, Any]:
    services = open_services()
    if chosen.command == "migrate":
        migrate(str(services.settings.store.database_url))
        return {"migrated": True}
    as_of = require_utc(chosen.as_of or datetime.now(UTC), "as_of")
    if chosen.command == "run-hour":
        return dict(hour.run_hour(services, as_of))
    request = onboarding.Request(
        request_id=f"cli__{chosen.command}__{as_of.isoformat()}",
        as_of=as_of,
        tickers=tuple(chosen.tickers) if chosen.command == "onboard" else (),
        retire_tickers=tuple(chosen.tickers) if chosen.command == "retire" else (),
        source=getattr(chosen, "source", None),
        history_days=getattr(chosen, "history_days", None),
        is_retraining=False,
    )
    return onboarding.onboard(services, request)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.cli", description="Hourcast without Airflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to this version of the schema")
    run_hour = commands.add_parser("run-hour", help="one hour: fetch, features, fine-tune, predict, score")
    onboard = commands.add_parser("onboard", help="start tracking tickers")
    onboard.add_argument("tickers", nargs="+")
    onboard.add_argument("--source", choices=["yahoo", "files", "simulated"])
    onboard.add_argument("--history-days", type=int)
    retire = commands.add_parser("retire", help="stop tracking tickers")
    retire.add_argument("tickers", nargs="+")
    for command in (run_hour, onboard, retire):
        command.add_argument("--as-of", type=datetime.fromisoformat, help="the instant beyond which nothing is known")
    return parser


if __name__ == "__main__":
    sys.exit(main())
