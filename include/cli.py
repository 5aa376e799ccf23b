"""The command line: the use cases of the DAGs without Airflow, `python -m include.cli --help`.

Times are ISO 8601 with a zone. Without ``--as-of``, a command runs as of now.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from include.contracts import require_utc
from include.errors import HourcastError, InvalidRequestError
from include.filings import answering
from include.pipeline import backups, earnings, hour, maintenance, onboarding, replay, scoring
from include.pipeline.data import rescaling
from include.pipeline.exporting import export
from include.pipeline.exporting.request import ExportRequest
from include.pipeline.models import retention
from include.pipeline.onboarding_form import Request
from include.pipeline.pretraining import champions, comparison, promotions, requests
from include.pipeline.services import Services, open_services
from include.store.migrations import migrate

_LARGEST_COUNT = 2**31
_YEARS = (1970, 2200)
"""The first year that an instant may have, and the first that it may not."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and prints its result as JSON; the exit status.

    0, or 1 with the reason on standard error, or 1 where a replay gave another forecast than the stored one.
    """
    chosen = _parse(arguments)
    try:
        result = _run(chosen)
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")
    return int(bool(result.get("different")))


def _run(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.command == "ask":
        as_of = chosen.as_of or datetime.now(UTC)
        return answering.ask(chosen.question, as_of, chosen.ticker, chosen.form, chosen.level)
    services = open_services()
    if chosen.command == "migrate":
        store = services.settings.store
        migrate(store.migration_url or str(store.database_url))
        return {"migrated": True}
    if chosen.command == "replay":
        return _replay(services, chosen)
    if chosen.command == "backup":
        local = services.settings.local
        return backups.make_backup(services, local.backup_dir, datetime.now(UTC), local.backup_keep)
    if chosen.command == "restore":
        store = services.settings.store
        backup = backups.find_backup(services.settings.local.backup_dir, chosen.backup)
        return backups.restore(services, store.migration_url or str(store.database_url), backup, chosen.sample)
    if chosen.command == "recount":
        return dict(scoring.recount(services.engine))
    if chosen.command == "approve-backbone":
        answer = promotions.Answer(not chosen.reject, getuser(), chosen.reason)
        return promotions.promote(services, chosen.request, answer)
    if chosen.command == "export":
        return export.export(services, ExportRequest.of(chosen.views, chosen.months, chosen.to))
    return _run_as_of(services, require_utc(chosen.as_of or datetime.now(UTC), "as_of"), chosen)


def _run_as_of(services: Services, as_of: datetime, chosen: argparse.Namespace) -> dict[str, Any]:
    """The result of a command that knows nothing later than ``as_of``."""
    if chosen.command == "run-hour":
        return dict(hour.run_hour(services, as_of))
    if chosen.command == "earnings":
        return dict(earnings.update_all(services, as_of))
    if chosen.command == "prune":
        return dict(retention.prune(services, as_of))
    if chosen.command == "maintain":
        return maintenance.maintain(services, as_of, is_dry_run=chosen.dry_run, log_folders=chosen.logs)
    if chosen.command == "pretrain":
        return _pretrain(services, as_of, chosen)
    if chosen.command == "leaderboard":
        return comparison.leaderboard(services, as_of, chosen.request)
    if chosen.command == "rollback-backbone":
        return champions.roll_back(services, as_of, chosen.reason, getuser())
    if chosen.command == "rescale":
        return _rescale(services, as_of, chosen)
    request = Request(
        request_id=_request_id(chosen, as_of),
        as_of=as_of,
        tickers=tuple(chosen.tickers) if chosen.command == "onboard" else (),
        retire_tickers=tuple(chosen.tickers) if chosen.command == "retire" else (),
        source=getattr(chosen, "source", None),
        history_days=getattr(chosen, "history_days", None),
        is_retraining=False,
    )
    return onboarding.onboard(services, request)


def _request_id(chosen: argparse.Namespace, as_of: datetime) -> str:
    """The id of an onboarding request: the same for the same command as of the same instant, and for no other."""
    options = (chosen.tickers, getattr(chosen, "source", None), getattr(chosen, "history_days", None))
    digest = hashlib.sha256(json.dumps(options).encode()).hexdigest()[:12]
    return f"cli__{chosen.command}__{as_of.isoformat()}__{digest}"


def _pretrain(services: Services, as_of: datetime, chosen: argparse.Namespace) -> dict[str, Any]:
    """Pre-trains a backbone; the same command as of the same instant is the same request."""
    methods = comparison.checked_methods(chosen.compare_with)
    form = {"simulated_tickers": chosen.simulated, "held_out_days": chosen.held_out_days, "seed": chosen.seed}
    words = "__".join(f"{name}_{value}" for name, value in form.items())
    request_id = f"cli__pretrain__{as_of.isoformat()}__{words}"
    done = requests.pretrain(services, requests.BackboneRequest.from_params(request_id, as_of, form))
    comparison.compare(services, request_id, methods)
    return done


def _rescale(services: Services, as_of: datetime, chosen: argparse.Namespace) -> dict[str, Any]:
    """Stores a decision about a step in a ticker's prices; what it did."""
    opened_at = require_utc(chosen.opened_at, "opened_at")
    if not chosen.tickers:
        message = "no ticker to decide about; name one, for example AAPL."
        raise InvalidRequestError(message)
    decisions = [
        rescaling.Decision(ticker, opened_at, chosen.factor, is_volume_scaled=not chosen.unit)
        for ticker in chosen.tickers
    ]
    return {"decisions": rescaling.decide(services, decisions, as_of)}


def _replay(services: Services, chosen: argparse.Namespace) -> dict[str, Any]:
    """Counts of replayed forecasts that are identical to the last bit, and the others with their differences."""
    if chosen.sample is not None:
        replays = replay.replay_sample(services, chosen.sample, chosen.seed, is_trained_again=chosen.train)
    else:
        key = replay.parse_prediction(chosen.prediction or f"{chosen.ticker}@{chosen.as_of}")
        replays = [replay.replay(services, *key, is_trained_again=chosen.train)]
    different = [asdict(each) for each in replays if each.differences]
    pruned_count = sum(not each.is_compared for each in replays if not each.differences)
    remarks = sorted({remark for each in replays for remark in each.remarks})
    identical_count = len(replays) - len(different) - pruned_count
    return {"identical": identical_count, "pruned": pruned_count, "different": different, "remarks": remarks}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command and its options. A ticker that begins with one hyphen is a ticker, so that it is refused as one."""
    parser = _parser()
    chosen, others = parser.parse_known_args(arguments)
    tickers = [text for text in others if not text.startswith("--")]
    if len(tickers) < len(others) or (tickers and not hasattr(chosen, "tickers")):
        parser.error(f"unknown arguments: {' '.join(others)}")
    if tickers:
        chosen.tickers = [*chosen.tickers, *tickers]
    return chosen


def _instant(text: str) -> datetime:
    """An instant as a person types it; argparse shows the reason if it is none."""
    found: datetime | None = None
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
    if found is None or not _YEARS[0] <= found.year < _YEARS[1]:
        message = (
            f"{text!r} is no instant from {_YEARS[0]} to {_YEARS[1] - 1}; write it like 2025-03-31T16:35:00+00:00."
        )
        raise argparse.ArgumentTypeError(message)
    return found


def _count(text: str) -> int:
    """A whole number from 1 on, and small enough for the database."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < _LARGEST_COUNT:
        message = f"{text!r} is no whole number from 1 to {_LARGEST_COUNT - 1}."
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _add_replay(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--prediction", metavar="TICKER@AS_OF", help="the forecast, as AAPL@2025-03-31T16:35:00+00:00")
    which.add_argument("--ticker", help="the forecast's ticker, with --as-of")
    which.add_argument(
        "--sample", type=_count, metavar="COUNT", help="this many stored forecasts, drawn at random with --seed"
    )
    command.add_argument("--as-of", help="the forecast's instant, as 2025-03-31T16:35:00+00:00")
    command.add_argument("--seed", type=int, default=0, help="another seed draws other forecasts")
    command.add_argument("--train", action="store_true", help="repeat and compare the hour's training as well")


def _add_export(command: argparse.ArgumentParser) -> None:
    command.add_argument("views", nargs="*", help="views of schema bi; default: bars features forecasts")
    command.add_argument("--months", nargs="+", default=[], metavar="YYYY-MM", help="only these, in UTC; default: all")
    command.add_argument("--to", metavar="ADDRESS", help="a folder or fsspec address; default: HOURCAST_EXPORT_URI")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.cli", description="Hourcast without Airflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to this version of the schema")
    run_hour = commands.add_parser("run-hour", help="one hour: fetch, features, fine-tune, predict, score")
    onboard = commands.add_parser("onboard", help="start tracking tickers")
    onboard.add_argument("tickers", nargs="*", help="as Yahoo spells them; NAME.SIM is a simulated ticker")
    onboard.add_argument("--source", choices=["yahoo", "files", "simulated"])
    onboard.add_argument("--history-days", type=int)
    retire = commands.add_parser("retire", help="stop tracking tickers")
    retire.add_argument("tickers", nargs="*")
    pretrain = commands.add_parser("pretrain", help="a new backbone from the bars of all tracked tickers")
    pretrain.add_argument(
        "--simulated", type=int, help="simulated tickers in the training set; default: up to 25 tickers in all"
    )
    pretrain.add_argument(
        "--held-out-days",
        type=int,
        default=requests.HELD_OUT_DAYS,
        help="newest days, which are not trained on but scored",
    )
    pretrain.add_argument("--seed", type=int)
    pretrain.add_argument(
        "--compare-with", nargs="+", metavar="METHOD", help="train lstm, tcn or lightgbm beside it, for comparison"
    )
    board = commands.add_parser("leaderboard", help="the backbone beside the methods that it was compared with")
    board.add_argument("request", nargs="?", help="the id of its request; default: the newest compared one")
    rollback = commands.add_parser("rollback-backbone", help="take the backbone in use back: the one before it serves")
    rollback.add_argument("--reason", default="taken back by a person", help="why, in words")
    approve = commands.add_parser("approve-backbone", help="let a new backbone serve that waits for approval")
    approve.add_argument("request", help="the id of its request, as in bi.backbone")
    approve.add_argument("--reject", action="store_true", help="do not let it serve")
    approve.add_argument("--reason", default="", help="why, in words")
    rescale = commands.add_parser("rescale", help="decide whether a step in a ticker's prices is a change of scale")
    rescale.add_argument("tickers", nargs="*")
    rescale.add_argument("--opened-at", type=_instant, required=True, help="when the first bar after the step opened")
    what = rescale.add_mutually_exclusive_group(required=True)
    what.add_argument("--factor", type=float, help="a change of scale: old prices over new ones; a 4:1 split is 4")
    what.add_argument("--move", action="store_true", help="a price move")
    rescale.add_argument("--unit", action="store_true", help="the volumes stayed as they were: pence became pounds")
    prune = commands.add_parser("prune", help="remove weights that are no longer needed, as the DAG maintenance does")
    maintain = commands.add_parser("maintain", help="remove everything that is no longer needed, as that DAG does")
    maintain.add_argument("--dry-run", action="store_true", help="remove nothing; say what would be removed")
    maintain.add_argument("--logs", nargs="*", type=Path, default=[], help="folders with logs of tasks")
    commands.add_parser("backup", help="save the database and the artefacts in HOURCAST_BACKUP_DIR")
    restore = commands.add_parser("restore", help="bring a backup into an empty installation, and replay forecasts")
    restore.add_argument("backup", nargs="?", help="its name or path; default: the newest")
    restore.add_argument("--sample", type=int, default=100, help="forecasts to replay")
    reports = commands.add_parser("earnings", help="the days on which companies report, as their sources name them")
    ask = commands.add_parser("ask", help="what stored filings say to a question, in their words, with citations")
    ask.add_argument("question")
    ask.add_argument("--level", choices=["beginner", "expert"], default="expert", help="whom the answer is for")
    ask.add_argument("--ticker", nargs="+", help="only filings of these companies; default: all")
    ask.add_argument("--form", nargs="+", help="only these forms and their amendments, such as 10-K; default: all")
    commands.add_parser("recount", help="make the sums of all scores again, and say how many of them were wrong")
    _add_export(commands.add_parser("export", help="write views as Parquet files, the months that changed"))
    _add_replay(commands.add_parser("replay", help="make a stored forecast again and compare it bit for bit"))
    for command in (run_hour, onboard, retire, pretrain, board, rollback, rescale, prune, maintain, reports, ask):
        command.add_argument("--as-of", type=_instant, help="nothing that became known later is read; default: now")
    return parser


if __name__ == "__main__":
    sys.exit(main())
