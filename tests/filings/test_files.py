"""Filings from files, and the command that converts them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.errors import DataContractError, InvalidRequestError
from include.filings.__main__ import main
from include.filings.contracts import FilingSource
from include.filings.files import read_file
from tests.filings.test_dart import REPORT

SUBMISSION = """<SEC-DOCUMENT>x
<SEC-HEADER>x
<ACCEPTANCE-DATETIME>20230315160636
ACCESSION NUMBER:\t\t0000000001-23-000044
CONFORMED SUBMISSION TYPE:\t8-K/A
CONFORMED PERIOD OF REPORT:\t20230228
ITEM INFORMATION:\t\tResults of Operations and Financial Condition
ITEM INFORMATION:\t\tShell Company Report
FILED AS OF DATE:\t\t20230315
\t\tCOMPANY CONFORMED NAME:\t\t\tNOVA INC.
\t\tCENTRAL INDEX KEY:\t\t\t0000000001
</SEC-HEADER>
<DOCUMENT>
<TYPE>8-K/A
<FILENAME>nova.htm
<TEXT>
<html><body><p>We report.</p></body></html>
</TEXT>
</DOCUMENT>
"""


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    path = tmp_path / "0000000001-23-000044.txt"
    path.write_text(SUBMISSION)
    return path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "20230515002292.xml"
    path.write_bytes(REPORT.encode("cp949"))
    return path


def test_a_submission_says_which_filing_it_is(submission: Path) -> None:
    filing, documents = read_file(submission)
    assert (filing.source, filing.receipt, filing.form) == (FilingSource.EDGAR, "0000000001-23-000044", "8-K/A")
    assert (filing.company.number, filing.company.name) == ("0000000001", "NOVA INC.")
    assert (filing.filed_on, filing.period_end) == (date(2023, 3, 15), date(2023, 2, 28))
    assert filing.accepted_at == datetime(2023, 3, 15, 20, 6, 36, tzinfo=UTC)
    assert filing.items == ("2.02", "Shell Company Report")
    assert filing.is_amendment
    assert [document.name for document in documents] == ["nova.htm"]


def test_without_a_time_a_filing_counts_from_the_next_day_on(submission: Path) -> None:
    submission.write_text(SUBMISSION.replace("<ACCEPTANCE-DATETIME>20230315160636\n", ""))
    assert read_file(submission)[0].accepted_at == datetime(2023, 3, 16, 4, tzinfo=UTC)


def test_a_report_of_dart_is_named_after_its_receipt(report: Path) -> None:
    filing, _ = read_file(report)
    assert (filing.source, filing.receipt, filing.form) == (FilingSource.DART, "20230515002292", "분기보고서")
    assert (filing.filed_on, filing.period_end) == (date(2023, 5, 15), date(2023, 3, 31))
    assert filing.accepted_at == datetime(2023, 5, 15, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        (
            "a.txt",
            SUBMISSION.replace("CENTRAL INDEX KEY", "KEY"),
            DataContractError,
            "a.txt: the header has no CENTRAL",
        ),
        ("a.txt", SUBMISSION.replace("20230228", "2023022"), DataContractError, "is no day"),
        ("a.html", "<html><body>x</body></html>", InvalidRequestError, "a.html does not say which filing"),
        ("report.xml", REPORT, InvalidRequestError, "report.xml does not say which filing"),
    ],
    ids=["no-company", "no-day", "html", "no-receipt"],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(
    tmp_path: Path, name: str, content: str, error: type[Exception], words: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(error, match=words):
        read_file(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"gone\.txt cannot be read: No such file"):
        read_file(tmp_path / "gone.txt")


def test_the_command_converts_what_it_can(
    submission: Path, report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["files", str(submission), str(tmp_path / "gone.txt"), str(report), "--to", str(tmp_path / "out")])
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.md"))
    shown = capsys.readouterr()

    assert status == 1
    assert written == [
        "docs/0000000001/2023/8-K-A/0000000001-23-000044.md",
        "docs/00149655/2023/분기보고서/20230515002292.md",
    ]
    assert len(shown.out.splitlines()) == 2
    assert "gone.txt cannot be read" in shown.err

    assert main(["files", str(submission)]) == 0
    assert capsys.readouterr().out == (tmp_path / "out" / written[0]).read_text()
