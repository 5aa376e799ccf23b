"""Filings of CURRENT's company for tests of the page: an annual report, the 8-K of its report, and one not read yet."""

from dataclasses import replace
from datetime import UTC, date, datetime

from include.filings import loading
from include.store.engine import create_store_engine, execute, transaction
from include.store.filings import save_listed
from tests.filings.edgar_server import Sent, submission
from tests.filings.test_documents import FILING, NOVA

COMPANY = replace(NOVA, tickers=("CURRENT",))
ANNUAL, REPORT, LISTED = (f"0000000001-25-00000{number}" for number in (1, 2, 3))
REPORTED_AT = datetime(2025, 4, 2, 20, 5, tzinfo=UTC)
HOSTILE_LINE = "Nova recalled 77 telescopes <img src=x onerror=alert(1)> in March."
BODY = (
    "<b>Item 1. Business</b></p><p>Nova had 1,234 employees at the end of 2024. Net sales increased 25% in 2024.</p>"
    f"<p><b>Item 3. Recalls</b></p><p>{HOSTILE_LINE.replace('<', '&lt;').replace('>', '&gt;')}</p>"
    + "".join(f"<p><b>Item 9A. Part {number}</b></p><p>Other words stand here.</p>" for number in range(20))
    + "<p>"
)


def store_filings(url: str) -> None:
    """Stores the filings in the database at ``url``, the day of the report, and the estimate of next year's."""
    engine = create_store_engine(url)
    base = replace(FILING, company=COMPANY, is_amendment=False, items=())
    annual = replace(base, receipt=ANNUAL, form="10-K", accepted_at=datetime(2025, 2, 1, tzinfo=UTC))
    report = replace(base, receipt=REPORT, form="8-K", items=("2.02",), accepted_at=REPORTED_AT)
    listed = replace(
        base, receipt=LISTED, form="10-Q", accepted_at=datetime(2025, 5, 1, tzinfo=UTC), address="nova.txt"
    )
    with transaction(engine) as connection:
        for filing, body in ((annual, BODY), (report, "We report.")):
            content = submission(COMPANY.number, Sent(filing.receipt, filing.form, text=body))
            loading.keep(connection, filing, content, filing.accepted_at)
        save_listed(connection, [replace(loading.row_of(listed), filed_on=date(2025, 5, 1))])
        execute(
            connection,
            """
            insert into forecast.earnings_date
                (ticker, reported_on, known_at, timing, is_confirmed, is_expected, source, reported_at)
            values
                ('CURRENT', '2025-04-02', :moment, 'after_close', true, true, 'edgar', :moment),
                ('CURRENT', '2026-04-01', :moment, 'after_close', false, true, 'estimate', null)
            """,
            {"moment": REPORTED_AT},
        )
    loading.convert_kept(engine)
    engine.dispose()
