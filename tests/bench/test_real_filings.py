"""The measurements on real filings find what is wrong, tried on made-up pages."""

from pathlib import Path

import pytest

from bench.made_filings import made_filings
from bench.real_filings import __main__ as command
from bench.real_filings import answers, tables
from bench.real_filings.pages import parse
from bench.real_filings.pages import tables as tables_of

PAGE = (
    b"<html><body><p>(in millions)</p><table>"
    b"<tr><td></td><td></td><td colspan=3>Years ended</td><td colspan=3></td></tr>"
    b"<tr><td></td><td></td><td colspan=3>2024</td><td colspan=3>2023</td></tr>"
    b"<tr><td>Services</td><td></td><td>$</td><td>96,169</td><td></td><td>$</td><td>85,200</td><td></td></tr>"
    b"<tr><td>Loss</td><td></td><td></td><td>(5</td><td>)</td><td></td><td>(7.1</td><td>)%</td></tr>"
    b"<tr><td>Mac</td><td></td><td></td><td>29,984</td><td></td><td></td><td>29,357</td><td></td></tr>"
    b"<tr><td>iPad</td><td></td><td></td><td>26,694</td><td></td><td></td><td>28,300</td><td></td></tr>"
    b"</table></body></html>"
)
RIGHT = """| | Years ended / 2024 | 2023 |
| --- | --- | --- |
| Services | $96,169 | $85,200 |
| Loss | (5) | (7.1)% |
| Mac | 29,984 | 29,357 |
| iPad | 26,694 | 28,300 |
"""


def compared(text: str) -> tables.Compared:
    (found,) = tables.compare("receipt", list(tables_of(parse(PAGE))), text)
    return found


def test_a_table_that_is_as_on_the_page_has_no_difference() -> None:
    found = compared(RIGHT)
    assert (found.cell_count, found.number_count, found.differences) == (15, 8, [])


@pytest.mark.parametrize(
    ("before", "after", "wrong_cells", "wrong_headings"),
    [
        ("29,984", "29,948", 1, 0),
        ("| 29,984 | 29,357 |", "| 29,357 | 29,984 |", 1, 0),
        ("(7.1)%", "(7.1)", 1, 0),
        ("| (5) | (7.1)% |", "| (5) (7.1)% | |", 2, 0),
        ("Years ended / 2024 | 2023", "2023 | Years ended / 2024", 0, 8),
        ("Years ended / ", "", 1, 4),
        ("| Mac | ", "| Macs | ", 1, 0),
    ],
)
def test_what_differs_from_the_page_is_found(before: str, after: str, wrong_cells: int, wrong_headings: int) -> None:
    assert before in RIGHT
    found = compared(RIGHT.replace(before, after))
    assert (found.wrong_cell_count, found.wrong_heading_count) == (wrong_cells, wrong_headings)


def test_a_table_that_is_not_there_is_missing() -> None:
    assert compared("No table.\n").is_missing


def test_a_lost_paragraph_and_lost_words_are_found() -> None:
    page = parse(b"<body><p>Net sales rose by two percent.</p><p>Costs fell.</p></body>")
    assert tables.kept("receipt", [page], "Net sales rose by two percent.\n\nCosts fell.\n").lost == ()
    found = tables.kept("receipt", [page], "Net sales rose by percent.\n\nCosts fell.\n")
    assert found.lost == ("Net sales rose by two percent.",)
    assert dict(found.missing) == {"two": 1}


def test_lines_at_the_feet_of_pages_do_not_count() -> None:
    feet = b"".join(b"<p>Nova Inc. | page %d</p><p>Text of a page.</p>" % number for number in range(1, 13))
    found = tables.kept("receipt", [parse(b"<body>" + feet + b"</body>")], "Text of a page.\n\n" * 12)
    assert (found.lost, sum(found.missing.values())) == ((), 0)


def test_a_figure_counts_only_as_a_whole() -> None:
    assert answers.has_figure("Revenue was $130,497 million.", "130,497")
    assert answers.has_figure("| Revenue \\(net\\) | 1,098 |", "1,098")
    assert not answers.has_figure("Revenue was $1,130,497.", "130,497")
    assert not answers.has_figure("11.25% of it", "1.25")
    assert not answers.has_figure("346,000", "346")


def test_there_are_as_many_questions_as_the_page_says() -> None:
    answerable, unanswerable = answers.load_questions()
    assert (len(answerable), len(unanswerable)) == (100, 20)
    assert all(question.figure for question in answerable)
    assert not any(question.figure for question in unanswerable)


def test_the_command_reads_a_folder_and_refuses_one_without_filings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(tmp_path), "--only", "tables"]) == 1
    assert "has no filing" in capsys.readouterr().err
    for made in made_filings(2, 12):
        (tmp_path / f"{made.receipt}.txt").write_bytes(made.content)
    assert command.main([str(tmp_path), "--only", "tables"]) == 0
    shown = capsys.readouterr().out
    assert "all of numbers" in shown
    assert "0 of" in shown
