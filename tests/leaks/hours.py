"""The check with Postgres: hours caught up on when the future is already stored give what they gave on time.

Two products start from one onboarding. The first runs two hours as they come. In the second, a later hour has run
before them: its bars are bent, old ones are revised, feature rows, scores, a model and a ticker of a later day lie in
the tables, a backbone of a later day on the disk. Then it runs the same two hours, one more later hour, and the two
once more. Whatever is as of an instant up to the second hour must be the same in both, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import torch

from include.artefacts.store import FolderStore
from include.contracts import FEATURE_COLUMNS, Shard
from include.errors import HourcastError
from include.local.postgres import EmbeddedPostgres
from include.model.backbone import save_backbone
from include.model.checkpoint import BACKBONE
from include.model.shard import ShardState, initial_state
from include.pipeline import hour
from include.pipeline.models.networks import network_config
from include.pipeline.services import Services
from tests.leaks.material import HISTORY_DAYS, HOUR, LATER_TICKER, ONBOARDED_AT, TICKERS, Future, ShowingSource
from tests.support.databases import fresh_database, plain_url
from tests.support.products import Product, open_product

FIRST, SECOND = ONBOARDED_AT + HOUR, ONBOARDED_AT + 2 * HOUR
CUT = SECOND

Stage = Callable[[Services, Shard], object]
STAGES: tuple[Stage, ...] = (hour.fetch_bars, hour.compute_features, hour.fine_tune, hour.predict)

Stored = dict[str, list[str]]
"""The rows of each table as of the cut or earlier, as text that tells every bit."""

Planted = Callable[[Product], None]
"""What a leak in SQL does to a product's database."""

KEYS = ("ticker", "as_of", "opened_at", "ex_at", "closed_at", "horizon", "method", "baseline")
"""Columns that tell one row from another, in whichever table they stand."""

STORED = {
    "feature": "known_at <= %(cut)s",
    "prediction": "as_of <= %(cut)s",
    "baseline_prediction": "as_of <= %(cut)s",
    "model_version": "as_of <= %(cut)s",
    "outcome": "as_of <= %(cut)s",
    "score": "scored_as_of <= %(cut)s",
    "dividend": "known_at <= %(cut)s",
}
"""Tables, and which of their rows are as of the cut or earlier; clocks on the wall do not count."""

ROWS_OF = {
    "prediction": "prediction_by_horizon",
    "baseline_prediction": "baseline_by_horizon",
    "score": "score_by_method",
}
"""Tables whose rows are compared by horizon or by method: the views that show them so."""

_ROWS = """
    select (to_jsonb(stored) - array['made_at', 'created_at', 'updated_at'])::text
    from forecast.{table} as stored where {condition} order by 1
"""
_BARS = """
    select to_jsonb(known)::text from (
        select ticker, opened_at, closed_at, open, high, low, close, volume, known_at
        from forecast.bar where known_at <= %(cut)s
        union all
        select ticker, opened_at, closed_at, open, high, low, close, volume, known_at
        from forecast.bar_revision where known_at <= %(cut)s and %(cut)s < superseded_at
    ) as known order by 1
"""


_NOISE = ", ".join(f"{name} * 1.25 + 0.01" for name in FEATURE_COLUMNS)
_LATER_ROWS = (
    f"""
insert into forecast.feature (ticker, closed_at, known_at, {", ".join(FEATURE_COLUMNS)})
select ticker, closed_at, %(known)s, {_NOISE} from (
    select *, row_number() over (partition by ticker order by closed_at desc) as place
    from forecast.feature where known_at <= %(cut)s
) as row where place %% 3 = 1
on conflict do nothing
""",
    """
insert into forecast.score (ticker, as_of, horizon, actual_close, actual_known_at, pinball, crps, absolute_error,
    inside, dividend_gap, scored_as_of)
select ticker, as_of, horizon, last_close * 1.01, %(known)s, 1, 1, 1, 12, -0.01, %(later)s
from forecast.prediction_by_horizon where as_of < %(cut)s and target_at > %(cut)s
""",
    "update forecast.model_version set is_promoted = true where as_of > %(cut)s",
    f"""
insert into forecast.ticker (ticker, source, history_days, status, status_at, calendar, timezone,
    feed_delay_minutes, onboarded_as_of, activated_as_of)
values ('{LATER_TICKER}', 'simulated', 20, 'active', %(known)s, '24/7', 'UTC', 2, %(known)s, %(known)s)
""",
    """
insert into forecast.scale_question (ticker, opened_at, kind, known_at, factor, evidence)
select ticker, max(opened_at), 'step', %(known)s, 2, '{}' from forecast.bar where known_at <= %(cut)s group by ticker
on conflict do nothing
""",
    """
insert into forecast.bar_rejected (ticker, opened_at, reason, as_of, closed_at, open, high, low, close)
select ticker, opened_at, 'not_positive', %(later)s, closed_at, -open, high, low, close
from forecast.bar where known_at <= %(cut)s order by opened_at desc limit 20
""",
)
"""Rows of a later day about an earlier one: feature rows, scores, a promoted model, a new ticker, a step in doubt,
rejected bars."""


class Hours:
    """Products that start from one onboarding, and what two hours store in them."""

    name = "hours"

    def __init__(self, server: EmbeddedPostgres, template: str, folder: Path) -> None:
        self._server = server
        self._template = template
        self._folder = folder

    def check(self, seed: int, plant: Planted | None = None) -> str | None:
        """What of the two hours changes because a future was there before them; None for nothing."""
        return self.check_against(self.on_time(plant), seed, plant)

    def check_against(self, on_time: Stored, seed: int, plant: Planted | None = None) -> str | None:
        """The same, beside what the hours stored on time, for who knows that already."""
        try:
            caught_up = self._caught_up(
                Future(seed, CUT, has_split=seed % 3 == 1), self._folder / f"backbone-{seed}", plant
            )
        except HourcastError as error:
            return f"the store refused {' '.join(str(error).split()).partition('refused ')[2] or error}"
        return first_difference_of(on_time, caught_up)

    def on_time(self, plant: Planted | None = None) -> Stored:
        """What the two hours store when they run as they come."""
        with self._product(None) as product:
            if plant is not None:
                plant(product)
            for as_of in (FIRST, SECOND):
                _run_hour(product, as_of)
            return rows_until(product, CUT)

    def _caught_up(self, future: Future, backbone_dir: Path, plant: Planted | None) -> Stored:
        """What they have stored when one later hour ran before them, another after them, and they once more."""
        with self._product(future) as product:
            if plant is not None:
                plant(product)
            later = CUT + _first_step(future)
            _bring_the_future(product, later, backbone_dir)
            for as_of in (FIRST, SECOND):
                _run_hour(product, as_of)
            _run_if_it_can(product, later + HOUR, [hour.fetch_bars, hour.compute_features])
            for as_of in (FIRST, SECOND):
                _run_stages(product, as_of, [hour.fine_tune, hour.predict])
                hour.score(product.services, as_of)
            return rows_until(product, CUT)

    @contextmanager
    def _product(self, future: Future | None) -> Iterator[Product]:
        with (
            fresh_database(self._server, self._template) as name,
            _open(self._server, name, self._folder) as product,
        ):
            services = replace(product.services, sources={"simulated": ShowingSource(future)})
            yield Product(services, product.market, product.url)


@contextmanager
def open_hours(server: EmbeddedPostgres, folder: Path) -> Iterator[Hours]:
    """Hours over a migrated server, once both tickers are onboarded there."""
    with ExitStack() as stack:
        template = stack.enter_context(fresh_database(server))
        with _open(server, template, folder) as product:
            services = replace(product.services, sources={"simulated": ShowingSource()})
            honest = Product(services, product.market, product.url)
            for ticker in TICKERS:
                honest.onboard(ticker, as_of=ONBOARDED_AT, history_days=HISTORY_DAYS[ticker])
        yield Hours(server, template, folder)


def _open(server: EmbeddedPostgres, database: str, folder: Path):
    return open_product(
        server.migration_url(database),  # some plants drop a constraint
        folder / "models",
        HOURCAST_SHARD_COUNT="1",
        HOURCAST_CONTEXT_BARS="12",
        HOURCAST_BATCH_WINDOWS="4",
        HOURCAST_BACKBONE_DIR=str(folder / "no-backbone"),
    )


def _first_step(future: Future) -> timedelta:
    """How long after the cut the later hour is: up to a day, at any minute."""
    random = future.random("the hour that runs first")
    return int(random.integers(1, 26)) * HOUR + timedelta(minutes=int(random.integers(-30, 30)))


def _run_hour(product: Product, as_of: datetime) -> None:
    _run_stages(product, as_of, STAGES)
    hour.score(product.services, as_of)


def _run_stages(product: Product, as_of: datetime, stages: Sequence[Stage]) -> None:
    for shard in hour.plan_hour(product.services, as_of):
        for stage in stages:
            stage(product.services, shard)


def _run_if_it_can(product: Product, as_of: datetime, stages: Sequence[Stage]) -> None:
    """Runs stages of a later hour. Its bars are bent, so they may fail; what they stored by then is future enough."""
    with suppress(HourcastError):
        _run_stages(product, as_of, stages)


def _bring_the_future(product: Product, later: datetime, backbone_dir: Path) -> None:
    """A later hour, up to its forecasts, and beside what it stores what else later days may bring."""
    _run_if_it_can(product, later, STAGES)
    with psycopg2.connect(plain_url(product.url)) as connection, connection.cursor() as cursor:
        for statement in _LATER_ROWS:
            cursor.execute(statement, {"later": later, "known": later - timedelta(minutes=5), "cut": CUT})
    connection.close()
    _ship_a_backbone(product, later, backbone_dir)


def _ship_a_backbone(product: Product, later: datetime, folder: Path) -> None:
    """A backbone that learnt from later bars, where the settings look for one."""
    config = network_config(product.services)
    state = initial_state((BACKBONE,), config, (11,))
    stirred = {name: value + torch.full_like(value, 0.05) for name, value in state.parameters.items()}
    save_backbone(
        FolderStore(folder),
        ShardState(state.tickers, stirred, config),
        {"as_of": later.isoformat(), "kind": "backbone"},
    )
    product.change_model(backbone_dir=folder)


def rows_until(product: Product, cut: datetime, stored: Mapping[str, str] = STORED) -> Stored:
    """Every row of the tables as of the cut or earlier, as text that tells each bit."""
    found: Stored = {}
    queries = {"bar": _BARS} | {t: _ROWS.format(table=ROWS_OF.get(t, t), condition=c) for t, c in stored.items()}
    with psycopg2.connect(plain_url(product.url)) as connection, connection.cursor() as cursor:
        cursor.execute("set time zone 'UTC'")
        for table, query in queries.items():
            cursor.execute(query, {"cut": cut})
            found[table] = [row for (row,) in cursor.fetchall()]
    connection.close()
    return found


def first_difference_of(on_time: Stored, caught_up: Stored) -> str | None:
    """In words, the first row that is in one of the two alone; None for none."""
    return next((found for name in on_time if (found := _parts(name, on_time[name], caught_up[name]))), None)


def _parts(table: str, on_time: list[str], caught_up: list[str]) -> str | None:
    """In words, the first row that is in one of the two alone."""
    if on_time == caught_up:
        return None
    gone, come = ([json.loads(row) for row in sorted(set(a) - set(b))] for a, b in _both_ways(on_time, caught_up))
    first = (gone or come)[0]
    named = [name for name in KEYS if name in first]
    where = f"{table} {' '.join(str(first[name]) for name in named)}"
    twin = next((row for row in come if all(row[name] == first[name] for name in named)), None)
    if not gone or twin is None:
        return f"{where}: is {'gone' if gone else 'new'}"
    column = next(name for name in sorted(first) if first[name] != twin[name])
    return f"{where}: {column} was {first[column]}, became {twin[column]}"


def _both_ways(first: list[str], second: list[str]) -> tuple[tuple[list[str], list[str]], tuple[list[str], list[str]]]:
    return (first, second), (second, first)
