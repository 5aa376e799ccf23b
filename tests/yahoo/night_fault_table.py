"""Every fault of 5-minute bars, through a night's hour of the product: ``python -m tests.yahoo.night_fault_table``.

For each fault a copy of one database, in which two tickers have their forecasts of the close; the refresh of 08:35 New
York, in which the fault befalls every request for 5-minute bars of the first of them, and the refresh of 09:25 without
it. Writes ``docs/faults-at-night.md``. The end status says whether a ticker failed, a wrong price was believed, or the
neighbour suffered.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.local.postgres import EmbeddedPostgres
from include.pipeline import hour
from include.pipeline.services import Services
from include.store.engine import fetch_rows, transaction
from include.store.migrations import migrate
from tests.architecture.project import PROJECT_DIR
from tests.support.databases import fresh_database, temporary_server
from tests.yahoo.extended_faults import EXTENDED_KINDS
from tests.yahoo.fault_table import (
    MARKET,
    NEIGHBOUR,
    ONBOARDED_AT,
    TICKER,
    forget_the_client,
    hurried_services,
    onboarded,
    outcomes_of,
)
from tests.yahoo.faults import KINDS, STALE_KINDS, FaultPlan
from tests.yahoo.five_minutes import true_closes
from tests.yahoo.server import YahooEmulator

PAGE = "docs/faults-at-night.md"
CLOSED_AT = datetime(2026, 10, 13, 20, 0, tzinfo=UTC)
"""A Tuesday, 16:00 in New York."""
LAST_HOUR_AT = CLOSED_AT + timedelta(minutes=35)
FAULTY_AT = datetime(2026, 10, 14, 12, 35, tzinfo=UTC)
NEXT_AT = datetime(2026, 10, 14, 13, 25, tzinfo=UTC)

_LARGEST_ERROR = 0.011
"""Of a believed price: the fault `revised` makes every price 1 % higher; no other moves one by as much."""

_HEAD = """# What every fault of 5-minute bars does to a night

Written by `python -m tests.yahoo.night_fault_table`; do not edit. Two tickers have their forecasts of the close. At
08:35 New York every request for 5-minute bars of the first of them meets the fault, through the unmodified client, the
hour's stages and Postgres; at 09:25 there is no fault. Without a fault an hour sends one request and stores three
closes, and its forecast starts from their median. Pauses between tries, and those that a rate limit makes, are a
hundredth of production's. Five faults are what users of the client have reported of extended hours: `bad-prints`
(closes of 16:40 to 17:50 that are 29 % too high), `no-extended-hours` (ranaroussi/yfinance#720), `no-last-hour`
(#1466), `none-before-open` (#1757), `repeated-close` (#1005). Their effect at the hours that they concern is in
`tests/market/test_yahoo_extended.py`.

* *Requests*: for 5-minute bars.
* *Stored*: closes of the night that the hour stored; in brackets what was rejected, and why.
* *Outcome*: the ticker's row in `bi.hour_outcome`.
* *Price*: how far the believed price is from that of an hour without the fault, in basis points; empty for none.
* *09:25*: the outcome of the next refresh.

"""


@dataclass(frozen=True)
class Row:
    """What came of one fault: the refresh that had it, and the next one.

    ``error``: the believed price over the true one, minus 1; None where there is no believed price.
    """

    fault: str
    requests: int
    stored_count: int
    rejections: str
    outcome: str
    error: float | None
    next_outcome: str
    neighbour: str

    @property
    def is_harmless(self) -> bool:
        """Whether nothing failed, no wrong price was believed, and the neighbour and the next refresh went on."""
        is_right = self.error is None or abs(self.error) < _LARGEST_ERROR
        is_kept = self.outcome.startswith(("refreshed", "skipped"))
        return is_right and is_kept and (self.next_outcome, self.neighbour) == ("refreshed", "refreshed")


def rules() -> list[str]:
    """Every fault there is, and the waiting ones no longer than it takes to notice."""
    waiting = {"429-after": "@0.3", "429-window": "@1", "slow": "@1"}
    kinds = sorted([*KINDS, *EXTENDED_KINDS, *(f"{kind}-420" for kind in STALE_KINDS)])
    return [f"extended-{TICKER}:{kind}{waiting.get(kind, '')}" for kind in kinds]


@contextmanager
def evening(server: EmbeddedPostgres, emulator: YahooEmulator, folder: Path) -> Iterator[str]:
    """Name of a database in which both tickers have the forecasts of the session's last hour."""
    with (
        onboarded(server, emulator, folder) as template,
        fresh_database(server, template) as name,
        hurried_services(server, name, folder, timeout_seconds=5.0) as services,
    ):
        emulator.clock = LAST_HOUR_AT
        hour.run_hour(services, LAST_HOUR_AT)
        assert set(outcomes_of(services, LAST_HOUR_AT).values()) == {"forecast"}
        services.engine.dispose()  # a database that is copied has no other user
        yield name


def measure(server: EmbeddedPostgres, emulator: YahooEmulator, template: str, folder: Path, rule: str) -> Row:
    """Lets one fault befall the first ticker at 08:35, and looks at that refresh and the next."""
    is_waiting = any(kind in rule for kind in ("hang", "slow"))
    with (
        fresh_database(server, template) as name,
        hurried_services(server, name, folder, timeout_seconds=0.7 if is_waiting else 5.0) as services,
    ):
        emulator.clock = FAULTY_AT
        emulator.plan = FaultPlan()
        emulator.plan.add(rule)
        emulator.forget_requests()
        hour.run_hour(services, FAULTY_AT)
        requests = sum(asked.ticker == TICKER and asked.query.get("interval") == "5m" for asked in list(emulator.asked))
        outcomes = outcomes_of(services, FAULTY_AT)
        stored_count, error, rejections = _stored_count(services), _error(services), _rejections(services)
        emulator.plan = FaultPlan()
        emulator.clock = NEXT_AT
        forget_the_client()
        with hurried_services(server, name, folder, timeout_seconds=5.0) as later:  # a task is a process of its own
            hour.run_hour(later, NEXT_AT)
        return Row(
            fault=rule.removeprefix(f"extended-{TICKER}:"),
            requests=requests,
            stored_count=stored_count,
            rejections=rejections,
            outcome=outcomes[TICKER],
            error=error,
            next_outcome=outcomes_of(services, NEXT_AT)[TICKER],
            neighbour=outcomes[NEIGHBOUR],
        )


def _stored_count(services: Services) -> int:
    query = """
        select count(*) as value from forecast.extended_close
        where ticker = :ticker and closed_at > :closed_at
    """
    return int(str(_value(services, query)))


def _error(services: Services) -> float | None:
    """By how much the believed price differs from the median of the market's three newest closes; None for none."""
    query = """
        select max(believed_price) as value from forecast.prediction_by_horizon
        where ticker = :ticker and as_of = :as_of and is_refresh
    """
    price = _value(services, query)
    listing = MARKET(TICKER)
    assert listing is not None
    truth = float(true_closes(listing, CLOSED_AT, FAULTY_AT)["close"].iloc[-3:].median())
    return None if price is None else float(str(price)) / truth - 1


def _value(services: Services, query: str) -> object:
    with transaction(services.engine) as connection:
        return fetch_rows(connection, query, {"ticker": TICKER, "as_of": FAULTY_AT, "closed_at": CLOSED_AT})[0]["value"]


def _rejections(services: Services) -> str:
    query = """
        select reason, count(*) as closes from forecast.extended_rejected
        where ticker = :ticker
        group by reason
        order by reason
    """
    with transaction(services.engine) as connection:
        rows = fetch_rows(connection, query, {"ticker": TICKER})
    return ", ".join(f"{row['closes']} {row['reason']}" for row in rows)


def page_of(rows: Sequence[Row]) -> str:
    """The page: what was found, and the table."""
    wrong_count = sum(row.error is not None and abs(row.error) >= _LARGEST_ERROR for row in rows)
    lines = [
        f"{len(rows)} faults: {wrong_count} wrong prices believed; the ticker failed in "
        f"{sum(not row.outcome.startswith(('refreshed', 'skipped')) for row in rows)} of {len(rows)};",
        f"the neighbour was refreshed in {sum(row.neighbour == 'refreshed' for row in rows)} of {len(rows)}.",
        "",
        "| fault | requests | stored | outcome | price | 09:25 |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        refused = f" ({row.rejections})" if row.rejections else ""
        cells = (
            f"`{row.fault.partition('@')[0]}`",
            str(row.requests),
            f"{row.stored_count}{refused}",
            row.outcome.replace("|", "/"),
            "" if row.error is None else f"{1e4 * row.error:+.1f}",
            row.next_outcome,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"


def measure_all(chosen: Sequence[str]) -> list[Row]:
    """A row for each rule; the environment of this process leads the client to the emulator from here on."""
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder:
        migrate(server.migration_url())
        with YahooEmulator(MARKET, clock=ONBOARDED_AT) as emulator:
            os.environ.update(emulator.environment())
            with evening(server, emulator, Path(folder)) as template:
                return [measure(server, emulator, template, Path(folder), rule) for rule in chosen]


def main(arguments: list[str]) -> int:
    """Writes the page; 0 when every fault was harmless."""
    parser = argparse.ArgumentParser(prog="python -m tests.yahoo.night_fault_table", description=__doc__)
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / PAGE)
    parser.add_argument("--only", nargs="*", default=[], help="faults as in `python -m tests.yahoo --help`")
    options = parser.parse_args(arguments)
    rows = measure_all(options.only or rules())
    options.out.write_text(page_of(rows), encoding="utf-8")
    harmful = [row for row in rows if not row.is_harmless]
    for row in harmful:
        print(row)  # noqa: T201  # what the person asked for
    return int(bool(harmful))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
