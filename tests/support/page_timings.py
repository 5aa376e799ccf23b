"""Measures the overview with thousands of tickers: ``python -m tests.support.page_timings 1000 5000``.

For each number it prints what a browser with an empty cache loads in kB, when it paints first and when the rows are
there, in ms; then how long the server needs to sort anew, to filter, and to turn the page, in ms.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from include.local.postgres import READER_ROLE
from include.store.engine import create_store_engine, execute, transaction
from include.store.migrations import migrate
from include.store.reader import Engine, create_reader_engine
from plugins.forecasts.app import create_app
from tests.support.browser import open_browser
from tests.support.client import TestClient
from tests.support.databases import fresh_database, temporary_server
from tests.support.many_tickers import fill
from tests.support.page_server import serve_page

LOADED = """
const rowsAreThere = () => document.querySelector("#tickers tbody tr");
return new Promise((resolve) => {
  const look = () => (rowsAreThere() ? resolve(performance.now()) : requestAnimationFrame(look));
  look();
}).then((interactive) => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    "kB": entries.reduce((sum, entry) => sum + entry.transferSize, 0) / 1000, "requests": entries.length,
    "first paint": paint.startTime, "rows": interactive,
  };
});
"""
REQUESTS = {
    "first": {},
    "sort": {"sort": "interval_90_ratio", "is_descending": True},
    "filter": {"calendar": "XTAI", "freshness": "current"},
    "search": {"search": "number 4"},
    "page": {"page": 9},
}
REPEATS = 5


@contextmanager
def filled(url: str, reader_url: str, count: int) -> Iterator[Engine]:
    """The page's pool over a new database with ``count`` tickers."""
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        fill(connection, count, datetime.now(UTC))
    with transaction(engine) as connection:
        execute(connection, "analyze")
    engine.dispose()
    reader = create_reader_engine(reader_url)
    yield reader
    reader.dispose()


def loading(engine: Engine) -> dict[str, float]:
    """What a browser needs for its first visit."""
    with serve_page(lambda: engine) as address, open_browser() as browser:
        browser.resize(1440, 900)
        browser.open(address)
        return dict(browser.run(LOADED))


def serving(engine: Engine) -> dict[str, float]:
    """Milliseconds of requests to a server that has just started, the best of some tries each."""
    client = TestClient(create_app(lambda: engine, login=lambda: None))
    found: dict[str, float] = {}
    for name, parameters in REQUESTS.items():
        times = []
        for _ in range(1 if name == "first" else REPEATS):
            started = time.perf_counter()
            assert client.get("/api/v1/tickers", params=parameters).status_code == 200
            times.append(1000 * (time.perf_counter() - started))
        found[name] = min(times)
    return found


def main(counts: list[int]) -> None:
    with temporary_server() as server:
        migrate(server.migration_url())
        for count in counts:
            with (
                fresh_database(server) as database,
                filled(server.migration_url(database), server.url(READER_ROLE, database), count) as engine,
            ):
                measured = {**loading(engine), **serving(engine)}
            text = ", ".join(f"{name} {value:.0f}" for name, value in measured.items())
            print(f"{count} tickers: {text}", flush=True)  # noqa: T201  # the output of the command


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
