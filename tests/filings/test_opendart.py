"""OpenDART: pages of a list, ZIP files, statuses, and a key that nothing shows."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.errors import FilingsUnavailableError, InvalidRequestError, SettingsError
from include.filings.__main__ import main
from include.filings.opendart import OpenDart, OpenDartSettings, unpack
from tests.filings.dart_server import KEY, DartEmulator, packed
from tests.filings.test_dart import REPORT

CODE = "00149655"
SINCE, UNTIL = date(2023, 1, 1), date(2023, 12, 31)


def row(receipt: str, title: str, ticker: str = "028260") -> dict[str, str]:
    return {
        "corp_code": CODE,
        "corp_name": "가나전자",
        "stock_code": ticker,
        "report_nm": title,
        "rcept_no": receipt,
        "rcept_dt": receipt[:8],
        "flr_nm": "가나전자",
        "rm": "",
    }


ROWS = [
    row("20230515002292", "분기보고서 (2023.03)"),
    row("20230428801032", "[기재정정]단일판매ㆍ공급계약체결"),
    row("20230309000761", "사업보고서 (2022.12)", " "),
]


@pytest.fixture
def emulator() -> Iterator[DartEmulator]:
    with DartEmulator({CODE: ROWS}, {"20230515002292": REPORT.encode("cp949")}).running() as running:
        yield running


def client(emulator: DartEmulator, key: str = KEY) -> OpenDart:
    return OpenDart(OpenDartSettings(key, emulator.url, 1000.0, 20.0))


def test_all_pages_of_the_list_are_read(emulator: DartEmulator) -> None:
    found = client(emulator).filings(CODE, SINCE, UNTIL)
    assert [(filing.receipt, filing.form, filing.is_amendment) for filing in found] == [
        ("20230515002292", "분기보고서", False),
        ("20230428801032", "단일판매ㆍ공급계약체결", True),
        ("20230309000761", "사업보고서", False),
    ]
    assert [query["page_no"] for _, query in emulator.asked] == ["1", "2"]
    assert (found[0].company.name, found[0].company.tickers, found[2].company.tickers) == ("가나전자", ("028260",), ())
    assert found[0].accepted_at == datetime(2023, 5, 15, 15, tzinfo=UTC)


def test_a_company_without_filings_has_none(emulator: DartEmulator) -> None:
    assert client(emulator).filings("00000001", SINCE, UNTIL) == ()


def test_the_report_comes_before_what_is_attached_and_its_cover_names_the_period(emulator: DartEmulator) -> None:
    dart = client(emulator)
    exact, documents, content = dart.fetch(dart.filings(CODE, SINCE, UNTIL)[0])
    assert [document.name for document in documents] == ["20230515002292.xml", "020230515002292_00760.xml"]
    assert (exact.period_end, exact.main_document) == (date(2023, 3, 31), "20230515002292.xml")
    assert content.startswith(b"PK")


@pytest.mark.parametrize("fault", ["500", "cut", "damaged", "800", "900"])
def test_a_fault_of_a_document_is_worth_another_try(emulator: DartEmulator, fault: str) -> None:
    dart = client(emulator)
    filing = dart.filings(CODE, SINCE, UNTIL)[0]
    emulator.faults = {"document.xml": [fault]}
    with pytest.raises(FilingsUnavailableError, match="tried again") as caught:
        dart.fetch(filing)
    assert KEY not in str(caught.value)
    assert dart.fetch(filing)[0].receipt == filing.receipt


@pytest.mark.parametrize("fault", ["500", "cut", "page", "800"])
def test_a_fault_of_the_list_is_worth_another_try(emulator: DartEmulator, fault: str) -> None:
    emulator.faults = {"list.json": [fault]}
    with pytest.raises(FilingsUnavailableError, match="tried again"):
        client(emulator).filings(CODE, SINCE, UNTIL)


def test_nothing_is_asked_for_a_while_when_the_daily_limit_is_reached(emulator: DartEmulator) -> None:
    dart = client(emulator)
    emulator.faults = {"list.json": ["020"]}
    for words in ("020", "left alone for 10 minutes"):
        with pytest.raises(FilingsUnavailableError, match=words):
            dart.filings(CODE, SINCE, UNTIL)
    assert len(emulator.asked) == 1


def test_a_key_that_is_not_accepted_is_a_matter_of_settings(emulator: DartEmulator) -> None:
    with pytest.raises(SettingsError, match="Check the key"):
        client(emulator, "z" * 40).filings(CODE, SINCE, UNTIL)
    for key in ("", "short", "-" * 40):
        with pytest.raises(SettingsError, match="40 letters and digits"):
            OpenDartSettings(key)
    assert KEY not in repr(OpenDartSettings(KEY))


def test_what_opendart_does_not_have_is_said(emulator: DartEmulator) -> None:
    dart = client(emulator)
    with pytest.raises(InvalidRequestError, match="code of eight digits"):
        dart.filings("Nova", SINCE, UNTIL)
    with pytest.raises(InvalidRequestError, match="20230428801032: OpenDART has no document of it"):
        dart.fetch(dart.filings(CODE, SINCE, UNTIL)[1])


def test_no_message_of_a_lost_connection_shows_the_key() -> None:
    with pytest.raises(FilingsUnavailableError) as caught:
        OpenDart(OpenDartSettings(KEY, "http://127.0.0.1:9", 1000.0, 0.5)).filings(CODE, SINCE, UNTIL)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("members", [{}, {"a.xml": b"0" * (101 * 2**20)}], ids=["empty", "too-large"])
def test_a_file_that_cannot_be_a_filing_is_not_unpacked(members: dict[str, bytes]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(FilingsUnavailableError, match="more bytes than any filing"):
        unpack("1", content.getvalue())


def test_the_command_fetches_each_filing_once(
    emulator: DartEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "dart",
        CODE,
        "--since",
        "2023-01-01",
        "--to",
        str(tmp_path),
        "--service",
        emulator.url,
        "--forms",
        "분기보고서",
    ]
    assert main(command) == 1
    assert "40 letters and digits" in capsys.readouterr().err
    monkeypatch.setenv("OPENDART_KEY", KEY)
    assert main(command) == 0
    first = (tmp_path / f"docs/{CODE}/2023/분기보고서/20230515002292.md").read_text()
    assert "period_end: '2023-03-31'" in first
    assert (tmp_path / f"raw/{CODE}/20230515002292.zip").read_bytes() == packed(
        "20230515002292", REPORT.encode("cp949")
    )
    asked = len(emulator.asked)
    assert main(command) == 0
    assert [name for name, _ in emulator.asked[asked:] if name == "document.xml"] == []
    assert (tmp_path / f"docs/{CODE}/2023/분기보고서/20230515002292.md").read_text() == first
