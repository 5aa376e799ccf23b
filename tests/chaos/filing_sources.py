"""The sources of `make chaos ARGS="--filings"`: emulators of the SEC and OpenDART whose lists grow from run to run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.made_filings import MadeFiling, made_filings
from tests.filings.dart_server import KEY, DartEmulator
from tests.filings.edgar_server import EdgarEmulator, Sent
from tests.filings.test_dart import REPORT

COMPANIES = 50
KOREAN_COMPANIES = 5
ONE_OF = 8
"""One filing in so many is a Korean one, so that each trial shows one."""
PARAGRAPHS = 115
_HANG_SECONDS = 35.0  # longer than the product waits


@dataclass
class Edgar(EdgarEmulator):
    """The SEC with made-up filings of about 200 chunks each."""

    made: dict[str, MadeFiling] = field(default_factory=dict)

    def content_of(self, path: str) -> bytes | None:
        """A made-up submission, or a list with a name and a ticker for each company."""
        name = path.rpartition("/")[2]
        filing = self.made.get(name.removesuffix(".txt"))
        if filing is not None:
            return filing.content
        content = super().content_of(path)
        if content is None or not name.startswith("CIK"):
            return content
        number = name[3:13]
        listed = json.loads(content)
        listed |= {"name": f"Made-up {number}", "tickers": [ticker_of(number)]}
        return json.dumps(listed).encode()


@dataclass
class Sources:
    """Both sources, and what they show so far."""

    edgar: Edgar
    dart: DartEmulator
    count: int
    shown: int = 0
    newest: tuple[str, ...] = ()
    """Receipt numbers of the SEC's filings that were shown last."""

    def show(self, count: int) -> None:
        """Lists so many filings more; one in ``ONE_OF`` is a Korean one."""
        self.newest = ()
        for place in range(self.shown, min(self.shown + count, self.count)):
            if place % ONE_OF == 0:
                self._show_korean(place // ONE_OF)
            else:
                self._show_american(self._american[place - place // ONE_OF - 1])
        self.shown = min(self.shown + count, self.count)

    def __post_init__(self) -> None:
        self._american = list(self.edgar.made.values())

    def _show_american(self, made: MadeFiling) -> None:
        listed = self.edgar.companies[made.number]
        assert isinstance(listed, list)
        listed.insert(0, Sent(made.receipt, "10-Q", f"{made.accepted_on:%Y%m%d}160500", ""))
        self.newest = (*self.newest, made.receipt)

    def _show_korean(self, place: int) -> None:
        company = place % KOREAN_COMPANIES
        code, ticker = korean_code(company), korean_ticker(company)
        day = f"{2016 + place // 12}{place % 12 + 1:02d}15"
        receipt = f"{day}{place:06d}"
        self.dart.documents[receipt] = (
            REPORT.replace("00149655", code).replace("1,000", f"{place + 1},{place:03d}").encode("cp949")
        )
        self.dart.rows.setdefault(code, []).insert(
            0,
            {
                "corp_code": code,
                "corp_name": "가나전자",
                "stock_code": ticker,
                "report_nm": "분기보고서 (2023.03)",
                "rcept_no": receipt,
                "rcept_dt": day,
                "flr_nm": "가나전자",
                "rm": "",
            },
        )

    def receipts(self) -> set[str]:
        """The receipt numbers of everything that is shown."""
        american = {sent.receipt for listed in self.edgar.companies.values() for sent in listed}
        return american | {row["rcept_no"] for rows in self.dart.rows.values() for row in rows}

    def digest_of(self, receipt: str) -> str | None:
        """SHA-256 of what the SEC sends for a filing; None for a Korean one, whose ZIP file has a time in it."""
        made = self.edgar.made.get(receipt)
        return hashlib.sha256(made.content).hexdigest() if made else None

    def settings(self) -> dict[str, str]:
        """The settings under which the product asks these sources."""
        return {
            "HOURCAST_EDGAR_CONTACT": "Ann Lee ann@example.org",
            "HOURCAST_EDGAR_LISTS_URL": f"{self.edgar.url}/lists",
            "HOURCAST_EDGAR_ARCHIVES_URL": f"{self.edgar.url}/archives",
            "HOURCAST_EDGAR_TICKERS_URL": f"{self.edgar.url}/tickers.json",
            "HOURCAST_OPENDART_URL": self.dart.url,
            "OPENDART_KEY": KEY,
        }


@contextmanager
def opened_sources(count: int, paragraphs: int = PARAGRAPHS) -> Iterator[Sources]:
    """Both sources with ``count`` filings, of which none is shown yet, until the end of the block."""
    american = count - -(-count // ONE_OF)
    made = {each.receipt: each for each in made_filings(american, paragraphs, COMPANIES)}
    numbers = [f"{place + 1:010d}" for place in range(COMPANIES)]
    edgar = Edgar(
        {number: [] for number in numbers},
        hang_seconds=_HANG_SECONDS,
        tickers={ticker_of(number): number for number in numbers},
        made=made,
    )
    codes = {korean_ticker(place): korean_code(place) for place in range(KOREAN_COMPANIES)}
    dart = DartEmulator({}, {}, page_size=100, codes=codes)
    with edgar.running(), dart.running():
        yield Sources(edgar, dart, count)


def tickers() -> Sequence[str]:
    """The companies as a person names them in the form of the DAG."""
    korean = [f"{korean_ticker(place)}.KS" for place in range(KOREAN_COMPANIES)]
    return [*(ticker_of(f"{place + 1:010d}") for place in range(COMPANIES)), *korean]


def ticker_of(number: str) -> str:
    """The ticker of a made-up company."""
    return f"MADE{int(number)}"


def korean_ticker(place: int) -> str:
    """Six digits of the exchange."""
    return f"{90_000 + place:06d}"


def korean_code(place: int) -> str:
    """Eight digits at DART."""
    return f"{900_000 + place:08d}"
