"""An installation of the first version, of 2026-11-21: its own code made the dump and the weights in first_version.

It tracks NOVA-USD.SIM and ALFA.SIM, was onboarded at ``AT`` and ran the three hours after it, with the small model of
the tests.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from include.contracts import QUANTILE_COLUMNS
from include.local.postgres import EmbeddedPostgres
from include.store.app_rights import APP_ROLE
from include.store.dump import restore_database
from include.store.migrations import migrate
from tests.support.databases import fresh_database, plain_url
from tests.support.products import AT, HOUR, Product, open_product

pytestmark = pytest.mark.integration

FIRST_VERSION = Path(__file__).parent / "first_version"
KEY = "ticker, as_of, horizon"
VALUES = f"{KEY}, target_at, last_close, {', '.join(QUANTILE_COLUMNS)}, model_version, width_factor, is_fallback"
KEPT = {
    "forecasts": (f"select {VALUES} from forecast.prediction", f"select {VALUES} from forecast.prediction_by_horizon"),
    "baselines": (
        f"select {KEY}, baseline, {', '.join(QUANTILE_COLUMNS)} from forecast.baseline_prediction",
        f"select {KEY}, baseline, {', '.join(QUANTILE_COLUMNS)} from forecast.baseline_by_horizon",
    ),
    "scores": (
        f"select {KEY}, method, actual_close, crps from forecast.score",
        f"select {KEY}, method, actual_close, crps from forecast.score_by_method",
    ),
    "bars": ("select * from forecast.bar",) * 2,
    "models": ("select ticker, as_of, model_version, is_promoted from forecast.model_version",) * 2,
    "outcomes": ("select ticker, as_of, status, reason from forecast.outcome",) * 2,
}
"""What must stay: how the first version's tables say it, and today's."""


@dataclass
class Upgraded:
    product: Product
    before: dict[str, list[tuple[Any, ...]]]


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(plain_url(url))
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        rows = sorted(cursor.fetchall(), key=str)
    connection.close()
    return rows


@pytest.fixture(scope="module")
def upgraded(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    models = tmp_path_factory.mktemp("upgrade") / "models"
    shutil.copytree(FIRST_VERSION / "models", models)
    with fresh_database(postgres_server, template="template0") as name:
        owner = postgres_server.migration_url(name)
        restore_database(owner, FIRST_VERSION / "database.dump")
        before = {kind: _rows(owner, old) for kind, (old, _) in KEPT.items()}
        migrate(owner)
        with open_product(postgres_server.url(APP_ROLE, name), models) as product:
            yield Upgraded(product, before)


@pytest.mark.parametrize("kind", KEPT)
def test_every_row_of_the_first_version_is_kept(upgraded: Upgraded, kind: str) -> None:
    before = upgraded.before[kind]
    now = _rows(upgraded.product.url, KEPT[kind][1])
    assert before
    assert now == before


def test_the_hours_go_on_and_score_the_first_versions_forecasts(upgraded: Upgraded) -> None:
    product = upgraded.product
    for number in range(4, 9):
        counts = product.run_hour(AT + number * HOUR)
        assert set(counts) <= {"forecast", "fallback", "skipped"}, counts
    written = product.query("select count(*) from forecast.prediction where as_of > %s", AT + 3 * HOUR)
    assert written[0][0] >= 5
    due = "select count(*) from forecast.prediction_by_horizon as made where as_of <= %s and target_at <= %s"
    scored = "select count(*) from forecast.score where as_of <= %s and scored_as_of <= %s"
    limit = AT + 8 * HOUR
    ((due_count,), (scored_count,)) = (product.query(query, AT + 3 * HOUR, limit)[0] for query in (due, scored))
    assert scored_count == due_count > 0


def test_the_sums_of_the_scores_are_those_of_a_recount(upgraded: Upgraded) -> None:
    from include.pipeline.scoring import recount

    found = recount(upgraded.product.services.engine)
    assert found["corrected"] == 0
    assert found["scores"] > 0
