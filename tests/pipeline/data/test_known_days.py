"""An hour measures for how many days the lists that people publish still reach, and a metric shows it."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from include.market.announcements import use_announcements_file
from include.market.sessions import published_until
from include.pipeline import tasks
from include.pipeline.data.known_days import measure_known_days
from include.pipeline.measures import measured
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product, product_environment

pytestmark = pytest.mark.integration

_KNOWN = "select labels ->> 'kind', labels ->> 'name', value from bi.metric where metric = 'hourcast_known_days'"


@pytest.fixture
def ends_today(tmp_path: Path) -> Iterator[Path]:
    """A file with the list `ours`, whose last day is that of AT."""
    path = tmp_path / "announcements.toml"
    path.write_text(f'[ours]\ntext = "output"\nkind = "figures"\ntime = "08:30"\ndays = ["{AT.date()}"]\n')
    use_announcements_file(path)
    yield path
    use_announcements_file(None)


def known(product: Product) -> dict[tuple[str, str], float]:
    return {(kind, name): value for kind, name, value in product.query(_KNOWN)}


def days_until(day: date) -> int:
    return (day - AT.date()).days


def test_an_hour_measures_the_lists_of_announcements_and_its_tickers_calendars(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_today: Path
) -> None:
    environment = product_environment(product.url, tmp_path / "models")
    for name, value in {**environment, "HOURCAST_ANNOUNCEMENTS_FILE": str(ends_today)}.items():
        monkeypatch.setenv(name, value)
    product.onboard(*ROUND_THE_CLOCK)
    for shard in tasks.plan_hour(AT + HOUR):
        tasks.fetch_bars(shard)

    assert known(product)["announcement", "ours"] == 0
    assert known(product)["calendar", "24/7"] == days_until(published_until("24/7"))
    assert not product.query("select 1 from bi.metric where labels ->> 'of' like 'days_known%%'")


def test_the_newest_measurement_of_a_day_counts(product: Product, ends_today: Path) -> None:
    assert ends_today.exists()
    for at, calendar in ((AT - 25 * HOUR, "XTKS"), (AT, "XNYS"), (AT + timedelta(hours=20), "XLON")):
        measured(product.services, "fetch_bars", at, partial(measure_known_days, [calendar], at), 0)
        product.query("insert into forecast.planned_hour (as_of) values (%s)", at)

    assert known(product)["announcement", "ours"] == -1
    assert known(product)["calendar", "XNYS"] == days_until(published_until("XNYS"))
    assert ("calendar", "XTKS") not in known(product)
