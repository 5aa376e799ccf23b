"""The settings of the filings: one group of ``include/settings.py``, which reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FilingsSettings:
    """Filings of the SEC and of DART. No hour uses them. OpenDART's key is in ``OPENDART_KEY``."""

    edgar_contact: str | None = None
    """Who asks the SEC: a name and a mail address, ``Jane Doe jane@example.org``. Default: none, nothing is fetched."""
    edgar_lists_url: str = "https://data.sec.gov/submissions"
    """Address of the SEC's lists of filings."""
    edgar_archives_url: str = "https://www.sec.gov/Archives/edgar/data"
    """Address of the SEC's archives."""
    edgar_tickers_url: str = "https://www.sec.gov/files/company_tickers.json"
    """Address of the SEC's list of tickers."""
    opendart_url: str = "https://opendart.fss.or.kr/api"
    """Address of OpenDART."""
    filings_history_days: int = 400
    """Days of filings that are fetched. Default 400: an annual report and the quarters after it."""
