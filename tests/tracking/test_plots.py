"""The plots of a run: files that a browser draws, with a curve or a bar for each forecaster, and none of nothing."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from tracking.plots import BY_HORIZON, BY_MARKET, BY_QUARTER, COVERAGE, quarter_plots, score_plots

NAMESPACE = "{http://www.w3.org/2000/svg}"


def scores(skill: float, coverage: float | None = 0.9, **markets: float) -> dict[str, Any]:
    return {
        "skill": [skill, None, skill / 2],
        "coverage_90": coverage,
        "markets": {
            name: {"skill_1": value, "skill_mean": value, "coverage_90": 0.9} for name, value in markets.items()
        },
    }


def texts(content: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(content).iter(f"{NAMESPACE}text")]


def count(content: bytes, tag: str) -> int:
    return len(list(ElementTree.fromstring(content).iter(f"{NAMESPACE}{tag}")))


def test_each_forecaster_has_a_curve_and_a_bar_and_the_subject_has_its_markets() -> None:
    board = {"backbone": scores(0.05, crypto=0.03, currency=0.04), "LSTM": scores(0.06, crypto=0.05)}
    found = score_plots(board, "backbone")
    assert set(found) == {BY_HORIZON, COVERAGE, BY_MARKET}
    assert count(found[BY_HORIZON], "polyline") == 2
    assert {"backbone", "LSTM"} <= set(texts(found[BY_HORIZON]))
    assert count(found[COVERAGE], "rect") == 2
    assert "CRPS skill of backbone, by market" in texts(found[BY_MARKET])
    assert count(found[BY_MARKET], "rect") == 2


def test_without_a_subject_the_best_one_has_its_markets() -> None:
    board = {"backbone": scores(0.05, crypto=0.03), "LSTM": scores(0.06, crypto=0.05)}
    assert "CRPS skill of LSTM, by market" in texts(score_plots(board)[BY_MARKET])
    assert "CRPS skill of LSTM, by market" in texts(score_plots(board, "gone")[BY_MARKET])


def test_what_is_not_known_is_not_drawn() -> None:
    unknown = {"skill": [None, None], "coverage_90": None, "markets": {}}
    assert score_plots({}) == {}
    assert score_plots({"HAR": unknown}) == {}
    found = score_plots({"HAR": unknown, "LSTM": scores(0.1, None)})
    assert set(found) == {BY_HORIZON, COVERAGE}
    assert "HAR" not in texts(found[BY_HORIZON])
    assert count(found[COVERAGE], "rect") == 0


def test_the_quarters_of_a_certificate_are_two_curves() -> None:
    quarters = [
        {"since": f"2024-0{month}-28T00:00:00+00:00", "scale_skill_mean": 2.9, "backbone_skill_mean": 3.0 + month}
        for month in (1, 4)
    ]
    found = quarter_plots(quarters)
    assert count(found[BY_QUARTER], "polyline") == 2
    assert "CRPS skill by quarter, from 2024-01-28" in texts(found[BY_QUARTER])
    assert quarter_plots([]) == {}


def test_a_plot_has_the_size_of_its_box_because_mlflow_shows_none_without() -> None:
    drawn = [*score_plots({"LSTM": scores(0.1, crypto=0.1)}).values()]
    for page in (ElementTree.fromstring(content) for content in drawn):
        (chart,) = page.iter(f"{NAMESPACE}svg")
        assert f"0 0 {chart.get('width')} {chart.get('height')}" == chart.get("viewBox")
