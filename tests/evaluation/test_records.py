"""The fingerprint of data and the scores of a leaderboard as plain JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.records import fingerprint, scores_of
from include.evaluation.volatility import ewma
from tests.evaluation.fakes import day, made_up

HISTORIES = {"AAA": made_up(1500, 1, "AAA"), "BBB": made_up(1400, 2, "BBB", "crypto")}


def test_the_fingerprint_names_what_was_read() -> None:
    found = fingerprint(HISTORIES)

    assert (found["ticker_count"], found["row_count"]) == (2, 2900)
    assert found["rows"] == {"AAA": 1500, "BBB": 1400}
    assert found["first_bar_closed_at"] == f"{min(each.closed_at[0] for each in HISTORIES.values())}Z"
    assert found["last_bar_closed_at"] == f"{max(each.closed_at[-1] for each in HISTORIES.values())}Z"
    assert json.loads(json.dumps(found)) == found


def test_the_hash_follows_each_price_and_not_the_order_of_the_tickers() -> None:
    turned = dict(reversed(HISTORIES.items()))
    close = HISTORIES["AAA"].close.copy()
    close[700] = np.nextafter(close[700], np.inf)
    changed = HISTORIES | {"AAA": replace(HISTORIES["AAA"], close=close)}

    assert fingerprint(turned)["sha256"] == fingerprint(HISTORIES)["sha256"]
    assert fingerprint(changed)["sha256"] != fingerprint(HISTORIES)["sha256"]


def test_without_bars_there_is_a_fingerprint_too() -> None:
    assert fingerprint({})["first_bar_closed_at"] is None


def test_the_scores_are_those_of_the_board() -> None:
    board = evaluate({BASELINE: random_walk, "EWMA": ewma}, HISTORIES, day(150), day(170))

    scores = scores_of(board)

    assert scores["EWMA"]["skill"] == pytest.approx(board.mean_skill("EWMA"), abs=1e-8)
    assert scores[BASELINE]["skill"] == [0.0] * 7
    assert scores["EWMA"]["markets"]["crypto"]["skill_1"] == pytest.approx(board.skill("EWMA", 1)["BBB"], abs=1e-8)
    assert set(scores["EWMA"]["markets"]) == {"crypto", "equity"}
    assert json.loads(json.dumps(scores)) == scores


def test_an_unknown_score_is_none() -> None:
    silent = evaluate({BASELINE: random_walk, "silent": lambda _histories, _fold: {}}, HISTORIES, day(150), day(152))

    assert scores_of(silent)["silent"]["skill"] == [None] * 7
