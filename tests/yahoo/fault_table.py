"""Every fault of the emulator, through a whole hour of the product: ``python -m tests.yahoo.fault_table``.

For each fault a copy of one database, in which two tickers were onboarded the day before; one hour in which the fault
befalls every request for the first of them, and the next hour without it. Writes ``docs/faults.md``. The end status
says whether a bar was lost that could be had, a wrong one was believed at any moment, or the neighbour suffered.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from yfinance.data import SingletonMeta, YfData

from include.contracts import PRICE_COLUMNS
from include.local.postgres import EmbeddedPostgres
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.pipeline import hour, onboarding
from include.pipeline.services import Services
from include.settings import load_settings
from include.store.app_rights import APP_ROLE
from include.store.engine import create_store_engine, fetch_rows, transaction
from include.store.migrations import migrate
from tests.architecture.project import PROJECT_DIR
from tests.support.databases import fresh_database, temporary_server
from tests.support.products import product_environment
from tests.yahoo.faults import KINDS, STALE_KINDS, FaultPlan
from tests.yahoo.providers import invented, invented_bars
from tests.yahoo.server import YahooEmulator

PAGE = "docs/faults.md"
TICKER, NEIGHBOUR = "AAPL", "MSFT"
ONBOARDED_AT = datetime(2026, 10, 13, 16, 35, tzinfo=UTC)
FAULTY_AT = datetime(2026, 10, 14, 16, 35, tzinfo=UTC)
"""A Wednesday, 12:35 in New York: seven bars have closed since, the newest at 12:30."""
NEXT_AT = FAULTY_AT + timedelta(hours=1)
MARKET = invented(ONBOARDED_AT - timedelta(days=120), NEXT_AT + timedelta(days=2), frozenset({TICKER, NEIGHBOUR}))

_HISTORY_DAYS = 90
_SCALE = 0.01
"""Pauses are this much shorter than in production, so that the table takes minutes; none is left out."""
_SIDE_RULES = ("cookie:hang", "cookie:reset", "crumb:429", "crumb:500", "crumb:hang")
_REVISION = 1.01  # what the fault `revised` makes of every price: then the market's word has changed

_HEAD = """# What every fault of Yahoo does

Written by `python -m tests.yahoo.fault_table`; do not edit. Two tickers were onboarded a day ago. In one hour every
request for the first of them meets the fault, through the unmodified client, the hour's stages and Postgres; the next
hour has no fault. Seven bars are due in the first hour, and one more in the next. Pauses between tries, and those that
a rate limit makes, are a hundredth of production's. `cookie` and `crumb` are what the client asks for beside prices.
`stale` and `stale-unmarked` serve the market as it stood two days ago, or 420 seconds ago, when the newest due bar was
in progress: with the headers of a cache (`Date`, `Age`), or without any.

* *Requests*: for prices, and for cookie and crumb.
* *Stored*: of the bars due, those that were there after the hour, late or not; in brackets what was rejected, and why.
* *Outcome*: the ticker's row in `bi.hour_outcome`.
* *Next hour*: requests for prices, and whether the store then held every bar that the market ever had.

"""


@dataclass(frozen=True)
class Row:
    """What came of one fault: counts after the hour that had it, and after the next one.

    ``wrong_count``: bars that were believed at any moment and are not the market's. ``neighbour``: the outcome of the
    ticker that had no fault.
    """

    fault: str
    requests: int
    side_requests: int
    stored_count: int
    rejections: str
    outcome: str
    next_requests: int
    next_missing_count: int
    wrong_count: int
    neighbour: str

    @property
    def is_harmless(self) -> bool:
        """Whether nothing was lost for good, nothing wrong was believed, and the neighbour went on."""
        return not self.next_missing_count and not self.wrong_count and self.neighbour == "forecast"


@contextmanager
def onboarded(server: EmbeddedPostgres, emulator: YahooEmulator, folder: Path) -> Iterator[str]:
    """Name of a database in which both tickers are active since the day before."""
    with fresh_database(server) as name, hurried_services(server, name, folder, timeout_seconds=5.0) as services:
        emulator.clock = ONBOARDED_AT
        params = {"tickers": [TICKER, NEIGHBOUR], "history_days": _HISTORY_DAYS, "source": "yahoo"}
        request = onboarding.Request.from_params("faults", ONBOARDED_AT, params)
        report = onboarding.onboard(services, request)
        assert all(len(tickers) == 2 for tickers in report.values()), report
        services.engine.dispose()  # a database that is copied has no other user
        yield name


def measure(server: EmbeddedPostgres, emulator: YahooEmulator, template: str, folder: Path, rule: str) -> Row:
    """Lets one fault befall the first ticker for an hour, and looks at that hour and the next."""
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
        counts = emulator.counts()
        requests = emulator.chart_requests(TICKER)
        outcomes = outcomes_of(services, FAULTY_AT)
        stored_count = len(_bars(services, TICKER, FAULTY_AT).merge(_due(FAULTY_AT), on="opened_at"))
        rejections = _rejections(services)
        emulator.plan = FaultPlan()
        emulator.clock = NEXT_AT
        emulator.forget_requests()
        forget_the_client()
        with hurried_services(server, name, folder, timeout_seconds=5.0) as later:  # a task is a process of its own
            hour.run_hour(later, NEXT_AT)
        return Row(
            fault=rule.removeprefix(f"{TICKER}:"),
            requests=requests,
            side_requests=counts.total() - counts["chart"],
            stored_count=stored_count,
            rejections=rejections,
            outcome=outcomes[TICKER],
            next_requests=emulator.chart_requests(TICKER),
            next_missing_count=len(_truth(TICKER, NEXT_AT)) - len(_right(_bars(services, TICKER, NEXT_AT))),
            wrong_count=_wrong_count(services, has_revision=rule.endswith(":revised")),
            neighbour=outcomes[NEIGHBOUR],
        )


def rules() -> list[str]:
    """Every fault there is, once for the whole hour, and the waiting ones no longer than it takes to notice.

    An old answer is once two days old, and once 7 minutes, so that it shows the newest due bar in progress.
    """
    waiting = {"429-after": "@0.3", "429-window": "@1", "slow": "@1"}
    kinds = sorted([*KINDS, *(f"{kind}-420" for kind in STALE_KINDS)])
    return [*(f"{TICKER}:{kind}{waiting.get(kind, '')}" for kind in kinds), *_SIDE_RULES]


@contextmanager
def hurried_services(server: EmbeddedPostgres, name: str, folder: Path, timeout_seconds: float) -> Iterator[Services]:
    """The product with a small model, and the real client in a hurry."""
    forget_the_client()
    url = server.url(APP_ROLE, name)
    environment = product_environment(url, folder / "models") | {"HOURCAST_CACHE_DIR": str(folder / "cache")}
    settings = load_settings({**environment, "HOURCAST_HOURLY_TRAINING_STEPS": "0"})
    usual = RetryPolicy()
    source = YahooSource(
        replace(settings.market, yahoo_timeout_seconds=timeout_seconds),
        pace=lambda: None,
        policy=replace(
            usual,
            pause_seconds=usual.pause_seconds * _SCALE,
            longest_wait_seconds=usual.longest_wait_seconds * _SCALE,
        ),
        gate=RateLimitGate(first_seconds=30.0 * _SCALE, longest_seconds=600.0 * _SCALE),
    )
    engine = create_store_engine(url)
    try:
        yield Services(settings=settings, engine=engine, sources={"yahoo": source})
    finally:
        engine.dispose()


def forget_the_client() -> None:
    """Lets the client begin as in a process of its own."""
    SingletonMeta._instances.clear()
    YfData.cache_get.cache_clear()


def outcomes_of(services: Services, as_of: datetime) -> dict[str, str]:
    with transaction(services.engine) as connection:
        rows = fetch_rows(
            connection, "select ticker, status, reason from forecast.outcome where as_of = :as_of", {"as_of": as_of}
        )
    return {row["ticker"]: ": ".join(filter(None, (row["status"], row["reason"]))) for row in rows}


def _rejections(services: Services) -> str:
    with transaction(services.engine) as connection:
        rows = fetch_rows(
            connection,
            """
            select reason, count(*) as bars from forecast.bar_rejected
            where ticker = :ticker
            group by reason
            order by reason
            """,
            {"ticker": TICKER},
        )
    return ", ".join(f"{row['bars']} {row['reason']}" for row in rows)


def _bars(services: Services, ticker: str, as_of: datetime) -> pd.DataFrame:
    """Everything believed of a ticker at ``as_of``."""
    return _frame(
        services,
        "select * from forecast.bars_known_at(:as_of) where ticker = :ticker",
        {"ticker": ticker, "as_of": as_of},
    )


def _frame(services: Services, query: str, parameters: dict[str, object]) -> pd.DataFrame:
    with transaction(services.engine) as connection:
        frame = pd.DataFrame(fetch_rows(connection, query, parameters))
    return frame.astype({"opened_at": "datetime64[us, UTC]", "volume": "float64"})


def _truth(ticker: str, as_of: datetime) -> pd.DataFrame:
    bars = invented_bars(ticker, ONBOARDED_AT - timedelta(days=120), NEXT_AT + timedelta(days=2))
    is_known = bars["closed_at"] + timedelta(minutes=2) <= as_of
    return bars[is_known & (bars["opened_at"] >= ONBOARDED_AT - timedelta(days=_HISTORY_DAYS))]


def _due(as_of: datetime) -> pd.DataFrame:
    """The bars that the faulty hour had to bring."""
    truth = _truth(TICKER, as_of)
    return truth.loc[truth["closed_at"] > ONBOARDED_AT - timedelta(minutes=2), ["opened_at"]]


def _right(bars: pd.DataFrame, factor: float = 1.0) -> pd.DataFrame:
    """Those of the believed bars that are the market's; a volume may be unknown only where the market has none."""
    both = bars.merge(_truth(TICKER, NEXT_AT), on="opened_at", suffixes=("", "_true"))
    truth = both[[f"{name}_true" for name in PRICE_COLUMNS]] * factor
    is_price = np.isclose(both[list(PRICE_COLUMNS)].astype("float64"), truth, rtol=2e-6).all(axis=1)
    return both[is_price & np.isclose(both["volume"], both["volume_true"], atol=1.0, rtol=0)]


def _wrong_count(services: Services, *, has_revision: bool) -> int:
    """How many readings were ever believed that are not the market's; an unknown volume is no wrong one."""
    union = """
        select ticker, opened_at, open, high, low, close, volume from forecast.bar where ticker = :ticker
        union all
        select ticker, opened_at, open, high, low, close, volume from forecast.bar_revision where ticker = :ticker
    """
    believed = _frame(services, union, {"ticker": TICKER})
    volumes = _truth(TICKER, NEXT_AT).set_index("opened_at")["volume"]
    believed["volume"] = believed["volume"].fillna(believed["opened_at"].map(volumes))
    right = len(_right(believed)) + (len(_right(believed, _REVISION)) if has_revision else 0)
    return len(believed) - right


def page_of(rows: Sequence[Row]) -> str:
    """The page: what was found, and the table."""
    lost = sum(row.next_missing_count for row in rows)
    wrong = sum(row.wrong_count for row in rows)
    lines = [
        f"{len(rows)} faults: {lost} bars lost that could be had, {wrong} wrong ones believed at any moment;",
        f"the neighbour got its forecast in {sum(row.neighbour == 'forecast' for row in rows)} of {len(rows)}.",
        "",
        "`revised` is a change of the market's mind: all its prices are 1 % higher for an hour. They are stored as",
        "revisions and the older ones kept, in both directions: what was believed at an instant is what Yahoo said.",
        "",
        "| fault | requests | stored | outcome | next hour |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        refused = f" ({row.rejections})" if row.rejections else ""
        after = "all there" if not row.next_missing_count else f"**{row.next_missing_count} missing**"
        cells = (
            f"`{row.fault.partition('@')[0]}`",
            f"{row.requests} + {row.side_requests}",
            f"{row.stored_count} of 7{refused}",
            row.outcome.replace("|", "/"),
            f"{row.next_requests}, {after}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"


def measure_all(chosen: Sequence[str]) -> list[Row]:
    """A row for each rule; the environment of this process leads the client to the emulator from here on."""
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder:
        migrate(server.migration_url())
        with YahooEmulator(MARKET, clock=ONBOARDED_AT) as emulator:
            os.environ.update(emulator.environment())
            with onboarded(server, emulator, Path(folder)) as template:
                return [measure(server, emulator, template, Path(folder), rule) for rule in chosen]


def main(arguments: list[str]) -> int:
    """Writes the page; 0 when every fault was harmless."""
    parser = argparse.ArgumentParser(prog="python -m tests.yahoo.fault_table", description=__doc__)
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
