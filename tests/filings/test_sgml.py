"""Full submissions, and the instant of acceptance."""

from datetime import UTC, datetime

import pytest

from include.errors import DataContractError
from include.filings.acceptance import from_header, from_list
from include.filings.sgml import read_submission

SUBMISSION = b"""<SEC-DOCUMENT>0001.txt : 20230315
<SEC-HEADER>0001.hdr.sgml : 20230315
<ACCEPTANCE-DATETIME>20230315160636
ACCESSION NUMBER:\t\t0000000001-23-000044
ITEM INFORMATION:\t\tResults of Operations and Financial Condition
ITEM INFORMATION:\t\tFinancial Statements and Exhibits
\tCOMPANY DATA:\t
\t\tCOMPANY CONFORMED NAME:\t\t\tNOVA INC.
</SEC-HEADER>
<DOCUMENT>
<TYPE>8-K
<SEQUENCE>1
<FILENAME>nova.htm
<DESCRIPTION>CURRENT REPORT
<TEXT>
<XBRL>
<html><body>one</body></html>
</XBRL>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-99.1
<FILENAME>press.txt
<TEXT>
two
</TEXT>
</DOCUMENT>
</SEC-DOCUMENT>
"""


def test_a_submission_has_a_header_and_documents() -> None:
    found = read_submission(SUBMISSION)
    assert [(document.kind, document.name, document.content) for document in found.documents] == [
        ("8-K", "nova.htm", b"<html><body>one</body></html>"),
        ("EX-99.1", "press.txt", b"two\n"),
    ]
    assert found.header["COMPANY CONFORMED NAME"] == ("NOVA INC.",)
    assert len(found.header["ITEM INFORMATION"]) == 2
    assert found.accepted_at == datetime(2023, 3, 15, 20, 6, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Not found</html>", "no <SEC-HEADER>"),
        (SUBMISSION[:300], "no <SEC-HEADER>"),
        (SUBMISSION.partition(b"<DOCUMENT>")[0], "no complete <DOCUMENT>"),
        (SUBMISSION.partition(b"two")[0], "cut off after 1"),
    ],
    ids=["another-page", "cut-in-the-header", "no-document", "cut-in-a-document"],
)
def test_what_is_cut_off_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DataContractError, match=words):
        read_submission(content)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20230315160636", datetime(2023, 3, 15, 20, 6, 36, tzinfo=UTC)),
        ("20230115160636", datetime(2023, 1, 15, 21, 6, 36, tzinfo=UTC)),
        ("20231105013000", datetime(2023, 11, 5, 6, 30, tzinfo=UTC)),
    ],
    ids=["summer", "winter", "the-hour-that-occurs-twice"],
)
def test_the_header_has_new_yorks_time(digits: str, expected: datetime) -> None:
    assert from_header(digits) == expected


def test_the_lists_instant_is_never_read_too_early() -> None:
    assert from_list("2026-02-26T18:34:19.000Z") == datetime(2026, 2, 26, 23, 34, 19, tzinfo=UTC)
    assert from_list("2026-07-01T18:34:19.000Z") == datetime(2026, 7, 1, 22, 34, 19, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2023", "2023031516063", "20231345000000"])
def test_an_instant_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataContractError, match="no instant"):
        from_header(text)
    with pytest.raises(DataContractError, match="no instant"):
        from_list(text or "soon")
