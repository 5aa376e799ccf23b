"""The SEC's lists and archives: what is asked for, how often, and what a fault becomes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.errors import DataContractError, FilingsUnavailableError, InvalidRequestError, SettingsError
from include.filings.__main__ import main
from include.filings.contracts import Company, FilingSource
from include.filings.edgar import Edgar, EdgarSettings
from include.filings.edgar_list import read_list, read_rows
from tests.filings.edgar_server import EdgarEmulator, Sent

NUMBER = "0000000001"
NEWEST = Sent("0000000001-23-000044")
FILINGS = [
    NEWEST,
    Sent("0000000001-22-000007", "10-Q", "20220801170000", ""),
    Sent("0000000001-09-000001", accepted="20090105090000"),
]
LONG_AGO = date(1990, 1, 1)
SINCE = date(2022, 1, 1)
NOVA = Company(FilingSource.EDGAR, NUMBER, "Nova Inc.", ("NOVA",))


@pytest.fixture
def emulator() -> Iterator[EdgarEmulator]:
    with EdgarEmulator({NUMBER: FILINGS}, recent_count=2).running() as running:
        yield running


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client(emulator: EdgarEmulator, clock: Clock | None = None, timeout_seconds: float = 20.0) -> Edgar:
    settings = EdgarSettings(
        "Ann Lee ann@example.org", f"{emulator.url}/lists", f"{emulator.url}/archives", timeout_seconds=timeout_seconds
    )
    clock = clock or Clock()
    return Edgar(settings, clock, clock.sleep)


def test_a_companys_filings_come_newest_first_and_older_files_are_read_when_they_are_wanted(
    emulator: EdgarEmulator,
) -> None:
    edgar = client(emulator)
    found = edgar.filings("1", SINCE)
    assert [filing.receipt for filing in found.filings] == ["0000000001-23-000044", "0000000001-22-000007"]
    assert (found.company, found.skipped) == (NOVA, ())
    assert len(emulator.asked) == 1
    assert len(edgar.filings(NUMBER, LONG_AGO).filings) == 3
    assert {agent for _, agent in emulator.asked} == {"Ann Lee ann@example.org"}


def test_the_header_gives_the_exact_instant(emulator: EdgarEmulator) -> None:
    edgar = client(emulator)
    listed = edgar.filings(NUMBER, SINCE).filings[0]
    fetched, documents, content = edgar.fetch(listed)
    assert listed.accepted_at == datetime(2023, 3, 15, 20, 6, 36, tzinfo=UTC)
    assert fetched == listed
    assert [document.kind for document in documents] == ["8-K"]
    assert content.startswith(b"<SEC-DOCUMENT>")


def test_requests_keep_the_pace(emulator: EdgarEmulator) -> None:
    clock = Clock()
    edgar = client(emulator, clock)
    for _ in range(11):
        edgar.filings(NUMBER, SINCE)
    assert clock.now == pytest.approx(2.0)


@pytest.mark.parametrize("fault", ["500", "cut", "page", "half", "other", "hang"])
def test_a_fault_is_worth_another_try_and_leaves_nothing_behind(emulator: EdgarEmulator, fault: str) -> None:
    edgar = client(emulator)
    listed = edgar.filings(NUMBER, SINCE).filings[0]
    emulator.faults = {".txt": [fault]}
    faulty = client(emulator, timeout_seconds=0.5) if fault == "hang" else edgar
    with pytest.raises(FilingsUnavailableError, match=r"0000000001-23-000044.*tried again"):
        faulty.fetch(listed)
    assert edgar.fetch(listed)[0] == listed


@pytest.mark.parametrize("fault", ["403", "429"])
def test_nothing_is_asked_for_a_while_when_the_sec_refuses(emulator: EdgarEmulator, fault: str) -> None:
    clock = Clock()
    edgar = client(emulator, clock)
    emulator.faults = {".json": [fault]}
    for words in (fault, "left alone for 10 minutes"):
        with pytest.raises(FilingsUnavailableError, match=words):
            edgar.filings(NUMBER, SINCE)
    assert len(emulator.asked) == 1
    clock.sleep(601)
    assert len(edgar.filings(NUMBER, SINCE).filings) == 2


@pytest.mark.parametrize("fault", ["page", "half"])
def test_a_list_that_is_no_json_is_tried_again(emulator: EdgarEmulator, fault: str) -> None:
    emulator.faults = {".json": [fault]}
    with pytest.raises(FilingsUnavailableError, match="no JSON"):
        client(emulator).filings(NUMBER, SINCE)


def test_what_the_sec_does_not_have_is_said(emulator: EdgarEmulator) -> None:
    edgar = client(emulator)
    with pytest.raises(InvalidRequestError, match=r"CIK0000000002\.json does not exist"):
        edgar.filings("2", SINCE)
    gone = replace(edgar.filings(NUMBER, SINCE).filings[0], address=f"{emulator.url}/archives/1/gone.txt")
    with pytest.raises(InvalidRequestError, match="does not exist"):
        edgar.fetch(gone)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contact": "me"}, "name and a mail address"),
        ({"per_second": 11.0}, "allows 10"),
        ({"per_second": 0.0}, "allows 10"),
    ],
    ids=["contact", "too-fast", "never"],
)
def test_settings_that_the_sec_would_not_like_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        EdgarSettings(**({"contact": "Ann Lee ann@example.org"} | changes))


@pytest.mark.parametrize("listing", [None, [], {}, {"cik": 1}, {"cik": 1, "name": "x", "tickers": [], "filings": 3}])
def test_a_list_of_another_form_is_refused(listing: object) -> None:
    with pytest.raises(DataContractError, match="another form"):
        read_list(listing, "https://example.org")


def test_a_row_that_makes_no_sense_is_left_out_and_named() -> None:
    names = ("accessionNumber", "filingDate", "reportDate", "acceptanceDateTime", "form", "items", "primaryDocument")
    good = ("0000000001-23-000044", "2023-03-15", "", "2023-03-15T16:06:36.000Z", "10-K/A", "", "x/nova.htm")
    bad = [
        ("5", *good[1:]),
        (good[0], "soon", *good[2:]),
        (*good[:3], "", *good[4:]),
        (*good[:2], "2023-02-30", *good[3:]),
    ]
    columns = {name: list(values) for name, values in zip(names, zip(good, *bad, strict=True), strict=True)}
    filings, skipped = read_rows(columns, NOVA, "https://example.org/data/")
    (found,) = filings
    assert (found.period_end, found.is_amendment, found.main_document) == (None, True, "nova.htm")
    assert found.address == "https://example.org/data/1/000000000123000044/0000000001-23-000044.txt"
    assert len(skipped) == 4
    assert "0000000001 5: is no accession number" in skipped
    with pytest.raises(DataContractError, match="differ in length"):
        read_rows(columns | {"form": []}, NOVA, "x")


def test_the_command_fetches_each_filing_once(
    emulator: EdgarEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--lists", f"{emulator.url}/lists", "--archives", f"{emulator.url}/archives", "--to", str(tmp_path)]
    command = ["edgar", "1", "--since", "2005-01-01", "--contact", "Ann Lee ann@example.org", "--forms", "8-K", *places]
    emulator.faults = {"0000000001-09-000001.txt": ["half"]}
    assert main(command) == 1
    assert "0000000001-09-000001" in capsys.readouterr().err
    assert main(command) == 0
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()}
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == [
        "docs/0000000001/2009/8-K/0000000001-09-000001.md",
        "docs/0000000001/2023/8-K/0000000001-23-000044.md",
        "raw/0000000001/0000000001-09-000001.txt",
        "raw/0000000001/0000000001-23-000044.txt",
    ]
    asked = len(emulator.asked)
    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert [path for path, _ in emulator.asked[asked:] if path.endswith(".txt")] == []
