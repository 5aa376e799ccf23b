from xml.etree import ElementTree as ET

import numpy as np
import pytest

from research.report.charts import _round_ticks, bar_chart, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def parsed(text):
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def test_bars_start_at_the_reference_line_and_go_up_or_down():
    chart = parsed(bar_chart("A <title>", ["a", "b", "c"], [2.0, -1.0, np.nan], " %"))
    up, down = chart.findall(f"{SVG}rect")
    base = float(up.get("y")) + float(up.get("height"))
    assert float(down.get("y")) == pytest.approx(base, abs=0.2)
    assert float(up.get("height")) == pytest.approx(2 * float(down.get("height")), abs=0.3)
    assert chart.find(f"{SVG}text").text == "A <title>"


def test_a_curve_follows_its_values_and_leaves_unknown_ones_out():
    chart = parsed(line_chart("t", [1, 2, 3, 4], {"up": np.array([0.0, 1.0, np.nan, 3.0])}, "", reference=0.0))
    points = [tuple(map(float, pair.split(","))) for pair in chart.find(f"{SVG}polyline").get("points").split()]
    assert len(points) == 3
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3.0, 41.0, [0, 10, 20, 30, 40]), (7, 7, [7])],
)
def test_ticks_are_round_numbers_within_the_axis(low, high, ticks):
    assert _round_ticks(low, high, 5) == pytest.approx(ticks)


def test_many_labels_are_slanted():
    chart = bar_chart("t", [f"T{place}" for place in range(20)], [1.0] * 20, "")
    assert chart.count("rotate(") == 20


def test_values_that_are_all_equal_or_all_unknown_can_be_drawn():
    parsed(line_chart("t", [1, 1], {"flat": np.zeros(2)}, ""))
    parsed(bar_chart("t", ["a"], [np.nan], ""))
