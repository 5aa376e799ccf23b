import re
from html.parser import HTMLParser

import pytest

from include.evaluation.har import har
from include.evaluation.leaderboard import BASELINE, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.volatility import ewma
from research.report.report import make_report
from tests.evaluation.fakes import day, made_up


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    histories = {name: made_up(1700, seed, name) for seed, name in enumerate(["A&B", "CCC", "DDD", "EEE"])}
    board = evaluate({BASELINE: random_walk, "a <har>": har, "ewma": ewma}, histories, day(180), day(230))
    return make_report(board, histories, "a <har>", "ewma", day(180), day(230))


def test_the_report_has_four_sections_of_well_formed_html_with_charts_and_tables(page):
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("section") == 4
    assert tags.seen.count("svg") >= 6
    assert tags.seen.count("table") >= 7


def test_the_report_needs_no_other_file(page):
    assert re.search(r"<script|<link|<img|src=|href=|@import|url\(", page) is None


def test_names_are_escaped_and_no_number_is_missing(page):
    assert "<har>" not in page
    assert "a &lt;har&gt;" in page
    assert "A&amp;B" in page
    assert ">nan" not in page.replace("<td>nan</td>", "")


def test_the_report_states_the_skill_and_that_there_is_no_edge_in_direction(page):
    assert "Against random walk, <b>a &lt;har&gt;</b> has a skill of" in page
    assert "Against ewma" in page
    assert "no edge in direction" in page
