"""The leaderboard of a compared pre-training: stored as a whole, best first, and shown by its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from include.store import backbones as backbone_store
from include.store import method_scores as store
from include.store.backbones import BackboneRow
from include.store.engine import Connection, fetch_rows
from include.store.method_scores import MethodScore
from tests.support.rows import START

pytestmark = pytest.mark.integration
LSTM = MethodScore("LSTM", "a" * 64, 100, 3, 28, 0.03, 0.01, 0.05, 0.002, 0.001, 0.9, {"skill": [0.1]})
WALK = replace(LSTM, method="random walk", model_version=None, weight_count=None, crps_skill_ratio=0.0)
UNKNOWN = replace(WALK, method="HAR", crps_skill_ratio=None)


def request(connection: Connection, name: str, days: int = 0) -> None:
    as_of = START + timedelta(days=days)
    row = BackboneRow(name, as_of, as_of - timedelta(days=28), ["A"], 0, 1, None)
    backbone_store.open_backbone(connection, row)


def test_a_leaderboard_replaces_the_one_before_and_is_read_best_first(connection: Connection) -> None:
    request(connection, "r")
    store.save_method_scores(connection, "r", [WALK, UNKNOWN, LSTM])
    assert store.load_method_scores(connection, "r") == [LSTM, WALK, UNKNOWN]
    better = replace(WALK, crps_skill_ratio=0.1)
    store.save_method_scores(connection, "r", [better])
    assert store.load_method_scores(connection, "r") == [better]


def test_the_newest_compared_request_is_the_last_before_an_instant_that_has_scores(connection: Connection) -> None:
    for days, name in enumerate(("first", "second", "third")):
        request(connection, name, days)
    assert store.newest_compared(connection, START + timedelta(days=9)) is None
    for name in ("first", "second"):
        store.save_method_scores(connection, name, [LSTM])
    assert store.newest_compared(connection, START + timedelta(days=9)) == "second"
    assert store.newest_compared(connection, START + timedelta(hours=1)) == "first"


def test_the_view_numbers_the_places(connection: Connection) -> None:
    request(connection, "r")
    store.save_method_scores(connection, "r", [WALK, UNKNOWN, LSTM])
    rows = fetch_rows(
        connection, "select place, method, as_of, weight_count from bi.backbone_leaderboard order by place"
    )
    assert [(row["place"], row["method"], row["weight_count"]) for row in rows] == [
        (1, "LSTM", 100),
        (2, "random walk", None),
        (3, "HAR", None),
    ]
    assert rows[0]["as_of"] == START
