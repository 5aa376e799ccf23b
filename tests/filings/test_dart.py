"""DART's documents: encodings that say something else, and XML that is none."""

import pytest

from include.errors import DataContractError
from include.filings.blocks import Heading, Paragraph, TableBlock
from include.filings.dart import DartCover, decoded, read_cover, read_dart

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<DOCUMENT xmlns:xsi="x">
<DOCUMENT-NAME ACODE="11013">분기보고서</DOCUMENT-NAME>
<COMPANY-NAME AREGCIK="00149655">가나전자</COMPANY-NAME>
<SUMMARY><EXTRACTION ACODE="A">비밀</EXTRACTION></SUMMARY>
<BODY><COVER><COVER-TITLE>보 고 서</COVER-TITLE>
<TABLE><TR><TU AUNIT="PERIODFROM" AUNITVALUE="20230101">2023년 01월 01일</TU></TR>
<TR><TU AUNIT="PERIODTO" AUNITVALUE="20230331">2023년 03월 31일</TU></TR></TABLE></COVER>
<SECTION-1><TITLE ATOC="Y">I. 회사의 개요</TITLE>
<SECTION-2><TITLE>1. 개요</TITLE>
<P><SPAN USERMARK="F-12 B">가. 소개</SPAN></P>
<P>매출 < 비용 & <주의> 점유율</P>
<TABLE><THEAD><TR><TH>구분</TH><TH>당기</TH></TR></THEAD>
<TBODY><TR><TE>매출</TE><TE>1,000</TE></TR><TR><TE>비용</TE><TE>△20</TE></TR></TBODY></TABLE>
</SECTION-2></SECTION-1></BODY></DOCUMENT>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_report_is_read_whatever_encoding_it_declares(encoding: str) -> None:
    found = read_dart(REPORT.encode(encoding))
    assert [(block.text, block.level) for block in found if isinstance(block, Heading)] == [
        ("보 고 서", 2),
        ("I. 회사의 개요", 2),
        ("1. 개요", 3),
        ("가. 소개", 4),
    ]
    assert Paragraph("매출 < 비용 & <주의> 점유율") in found
    (table,) = [
        block.table
        for block in found
        if isinstance(block, TableBlock) and len(block.table.rows) == 2 and block.table.header[0]
    ]
    assert (table.header, table.rows) == (("구분", "당기"), (("매출", "1,000"), ("비용", "△20")))
    assert "비밀" not in str(found)


def test_the_cover_names_company_form_and_period() -> None:
    cover = read_cover(REPORT.encode("cp949"))
    assert cover == DartCover("11013", "분기보고서", "00149655", "가나전자", ("20230101", "20230331"))
    assert read_cover(b"<html><body>x</body></html>") is None


def test_a_disclosure_is_html_in_spite_of_its_name() -> None:
    head = "<head><meta content='text/html; charset=euc-kr' http-equiv='Content-Type'></head>"
    content = f"<html>{head}<body><p>영업(잠정)실적</p></body></html>"
    assert read_dart(content.encode()) == [Paragraph("영업(잠정)실적")]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DataContractError, match="neither UTF-8 nor CP949"):
        decoded(b"\xff\xff\x00\x81")
