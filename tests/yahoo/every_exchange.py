"""Three tickers of every exchange, from the emulator to a forecast: ``python -m tests.yahoo.every_exchange``.

All tickers are onboarded as of one instant, and one hour runs a day later, when every exchange has traded since. Prints
for each exchange which calendar its tickers got and what became of them; the end status says whether every ticker that
was onboarded has a forecast and no bar is missing. Names of exchanges as arguments choose some of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from include.local.postgres import HOURCAST_DATABASE
from include.market.exchanges import exchange_of
from include.pipeline import hour, onboarding
from include.pipeline.services import Services, open_services
from include.settings import load_settings
from include.store.app_rights import APP_ROLE
from include.store.engine import fetch_rows, transaction
from include.store.migrations import migrate
from tests.support.databases import temporary_server
from tests.yahoo.exchanges import examples
from tests.yahoo.providers import invented
from tests.yahoo.server import YahooEmulator

AS_OF = datetime.fromisoformat("2026-10-14T16:35:00+00:00")
"""A Wednesday on which every exchange trades, as on the day after it."""
NEXT_DAY = AS_OF + timedelta(days=1)
HISTORY_DAYS = 160
"""The shortest sessions have 4 bars; 309 bars of them, which a forecast by the backbone needs, are 110 days."""
_TICKERS_EACH = 3
_WITHOUT_SUFFIX = ("AAPL", "MSFT", "IBM", "EURUSD=X", "GBPUSD=X", "JPY=X", "BTC-USD", "ETH-USD", "SOL-USD")


@dataclass(frozen=True)
class Findings:
    """What became of each ticker: its calendar, and a status with the reason, if there is one.

    ``missing``: tickers with bars that were due and are not stored.
    """

    calendars: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every ticker has a forecast and all its bars."""
        return not self.missing and set(self.results.values()) == {"forecast"}


def tickers_by_exchange(names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Up to three tickers of each exchange, or of the named ones: the emulator's examples, then invented names."""
    found: dict[str, list[str]] = defaultdict(list)
    for ticker in (*examples(), *_WITHOUT_SUFFIX):
        found[exchange_of(ticker).name].append(ticker)
    return {name: _three(tickers) for name, tickers in found.items() if not names or name in names}


def _three(tickers: list[str]) -> list[str]:
    suffixes = [ticker.rpartition(".")[2] for ticker in tickers if "." in ticker]
    invented_names = [f"{letter}QX.{suffix}" for letter in "ABC" for suffix in suffixes]
    return [*tickers, *invented_names][:_TICKERS_EACH]


def measure(tickers: Sequence[str]) -> Findings:
    """Onboards the tickers, runs the hour of the next day, and looks at what is stored then."""
    market = invented(AS_OF - timedelta(days=HISTORY_DAYS + 30), NEXT_DAY + timedelta(days=2))
    with YahooEmulator(market, clock=AS_OF) as emulator, _services(emulator) as services:
        request = onboarding.Request(
            "every-exchange", AS_OF, tuple(tickers), (), None, HISTORY_DAYS, is_retraining=False
        )
        report = onboarding.onboard(services, request)
        emulator.clock = NEXT_DAY
        hour.run_hour(services, NEXT_DAY)
        return _look(services, report)


def _look(services: Services, report: dict[str, dict[str, str]]) -> Findings:
    with transaction(services.engine) as connection:
        outcomes = fetch_rows(connection, "select ticker, status, reason from forecast.outcome")
        tracked = fetch_rows(connection, "select ticker, calendar from forecast.ticker where calendar is not null")
        days = fetch_rows(connection, "select ticker, missing_count from bi.data_quality where missing_count > 0")
    refused = {
        ticker: f"{status}: {reason}"
        for status, reasons in report.items()
        if status != "active"
        for ticker, reason in reasons.items()
    }
    return Findings(
        calendars={row["ticker"]: row["calendar"] for row in tracked},
        results=refused | {row["ticker"]: ": ".join(filter(None, (row["status"], row["reason"]))) for row in outcomes},
        missing={row["ticker"]: row["missing_count"] for row in days},
    )


@contextmanager
def _services(emulator: YahooEmulator) -> Iterator[Services]:
    """The product over a server of its own, with Yahoo where the emulator is."""
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        url = server.url(APP_ROLE, HOURCAST_DATABASE)
        migrate(server.migration_url())
        for name, value in emulator.environment().items():
            patch.setenv(name, value)
        patch.setenv("HOURCAST_DATABASE_URL", url)
        patch.setenv("HOURCAST_CACHE_DIR", folder)
        patch.setenv("HOURCAST_MODELS_DIR", f"{folder}/models")
        patch.setenv("HOURCAST_YAHOO_REQUESTS_PER_SECOND", "1000")
        services = open_services(load_settings(os.environ))
        try:
            yield services
        finally:
            services.engine.dispose()


def main(names: Sequence[str]) -> int:
    """Prints the findings by exchange; 0 if they are good."""
    groups = tickers_by_exchange(names)
    findings = measure([ticker for tickers in groups.values() for ticker in tickers])
    for name, tickers in groups.items():
        words = [f"{ticker} {findings.calendars.get(ticker, '-')} {findings.results[ticker]}" for ticker in tickers]
        sys.stdout.write(f"{name}: {'; '.join(words)}\n")
    count = sum(result == "forecast" for result in findings.results.values())
    sys.stdout.write(
        f"{count} of {len(findings.results)} tickers of {len(groups)} exchanges have a forecast; "
        f"missing bars: {findings.missing or 'none'}\n"
    )
    return 0 if findings.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
