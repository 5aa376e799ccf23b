"""The figures are well-formed, escape names, and leave out what is unknown."""

from xml.etree import ElementTree

import numpy as np

from include.pipeline.weekly.figures import correlogram, curves, intervals

HOSTILE = '<b onclick="x">'
SVG = "{http://www.w3.org/2000/svg}"


def tags(figure: str) -> list[str]:
    root = ElementTree.fromstring(figure)
    return [element.tag for element in root.iter()]


def test_each_known_value_is_a_point_and_unknown_ones_are_not() -> None:
    figure = intervals("title", ["A", HOSTILE], {"ours": [(0.1, 0.01), (float("nan"), 0.1)]})

    assert tags(figure).count("circle") == 1
    assert HOSTILE not in figure


def test_a_figure_without_a_known_value_is_whole() -> None:
    assert tags(intervals("title", ["A"], {"ours": [(float("nan"), float("nan"))]})).count("circle") == 0
    assert tags(curves("", {"a": np.full(5, np.nan)})).count("polyline") == 1


def test_a_correlogram_has_a_bar_for_each_lag_and_curve() -> None:
    figure = correlogram(HOSTILE, {"acf": np.full(20, 0.1), "pacf": np.full(20, -0.1)}, 400)

    assert tags(figure).count("rect") == 40
    assert HOSTILE not in figure
