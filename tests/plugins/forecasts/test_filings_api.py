"""The API of filings: what is known at an instant, in the words of the filings, with the rights of a reader alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.filings.chat_server import KEY, ChatEmulator
from tests.plugins.forecasts.filed import ANNUAL, HOSTILE_LINE, LISTED, REPORT, store_filings
from tests.support.client import TestClient

pytestmark = pytest.mark.integration
STAFF = "How many employees did Nova have in 2024?"
NOW = "2025-06-01T00:00:00Z"


@pytest.fixture(scope="module", autouse=True)
def filed(client: TestClient, module_database_url: str) -> None:
    store_filings(module_database_url)


def get(client: TestClient, path: str, status: int = 200, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/api/v1/{path}", params=parameters)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def test_filings_are_listed_newest_first_with_their_source(client: TestClient) -> None:
    rows = get(client, "tickers/CURRENT/filings")["filings"]
    assert [(row["receipt"], row["form"], row["is_read"]) for row in rows] == [
        (LISTED, "10-Q", False),
        (REPORT, "8-K", True),
        (ANNUAL, "10-K", True),
    ]
    assert rows[1]["items"] == ["2.02"]
    assert rows[1]["accepted_at"] == "2025-04-02T20:05:00Z"
    assert [row["address"] for row in rows] == [None, "https://example.org/nova", "https://example.org/nova"]
    until = get(client, "tickers/CURRENT/filings", until="2025-04-02T20:04:59Z", limit=5)["filings"]
    assert [row["receipt"] for row in until] == [ANNUAL]
    assert get(client, "tickers/LATE/filings")["filings"] == []


def test_a_question_is_answered_with_citations_and_terms(client: TestClient) -> None:
    found = get(client, "answers", question=STAFF, ticker="CURRENT", as_of=NOW)
    (quote, *_) = found["sources"][0]["quotes"]
    assert quote["text"] == quote["plain"] == "Nova had 1,234 employees at the end of 2024."
    assert quote["citation"].startswith(f"{ANNUAL}#item-1-business:")
    assert (found["level"], found["written"], found["filing_count"]) == ("beginner", None, 2)
    terms = get(client, "answers", question="By how much did net sales increase in 2024?", as_of=NOW)["glossary"]
    assert [term["term"] for term in terms] == ["net sales"]
    assert get(client, "answers", question=STAFF, as_of=NOW, level="expert")["glossary"] == []


def test_an_answer_sees_nothing_that_was_filed_later(client: TestClient) -> None:
    before = get(client, "answers", question=STAFF, ticker="CURRENT", as_of="2025-01-31T23:59:59Z")
    assert before["sources"] == []
    assert before["answer"].startswith("No filing that this question may see")
    assert get(client, "answers", question="Submarines in Iceland?", as_of=NOW)["answer"] == "The filings do not say."


@pytest.mark.parametrize(
    "parameters",
    [
        {"question": ""},
        {"question": "how much?"},
        {"question": "x" * 501},
        {"question": "sales\x00"},
        {"question": "sales", "as_of": "2025-01-31T23:59:59"},
        {"question": "sales", "level": "child"},
        {"question": "sales", "ticker": "x" * 41},
    ],
    ids=["empty", "no-word", "long", "null", "naive", "level", "ticker"],
)
def test_a_wrong_question_is_refused_with_a_sentence(client: TestClient, parameters: dict[str, str]) -> None:
    assert get(client, "answers", 422, **parameters)["detail"]


def test_a_report_has_the_filing_that_it_was_made_in(client: TestClient) -> None:
    events = get(client, "tickers/CURRENT/events", since_day="2025-03-30", until_day="2025-04-10")["events"]
    (report,) = [event for event in events if event["kind"] == "report"]
    assert (report["receipt"], report["address"]) == (REPORT, "https://example.org/nova")
    assert (report["reported_at"], report["named_by"]) == ("2025-04-02T20:05:00Z", "edgar")


def test_an_estimate_of_a_report_has_the_filing_that_it_rests_on(client: TestClient) -> None:
    events = get(client, "tickers/CURRENT/events", since_day="2026-03-30", until_day="2026-04-10")["events"]
    (report,) = [event for event in events if event["kind"] == "report"]
    assert (report["named_by"], report["is_confirmed"], report["reported_at"]) == ("estimate", False, None)
    assert (report["day_exchange"], report["receipt"]) == ("2026-04-01", REPORT)


def test_markup_in_a_filing_is_returned_as_text(client: TestClient) -> None:
    found = get(client, "answers", question="Which telescopes did Nova recall in March?", as_of=NOW)
    assert found["sources"][0]["quotes"][0]["plain"] == HOSTILE_LINE


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatEmulator]:
    with ChatEmulator(
        lambda *_: "Nova had 1,234 employees at the end of 2024 [1]. Nova is rich [1]."
    ).running() as server:
        monkeypatch.setenv("HOURCAST_LANGUAGE_MODEL_URL", server.address)
        monkeypatch.setenv("HOURCAST_LANGUAGE_MODEL_NAME", "tests")
        monkeypatch.setenv("HOURCAST_LANGUAGE_MODEL_KEY", KEY)
        monkeypatch.setenv("HOURCAST_LANGUAGE_MODEL_SECONDS", "1")
        yield server


def test_with_the_setting_a_model_writes_and_its_sentences_are_checked(
    client: TestClient, server: ChatEmulator
) -> None:
    found = get(client, "answers", question=STAFF, ticker="CURRENT", as_of=NOW)
    assert found["answer"] == "Nova had 1,234 employees at the end of 2024 [1]."
    assert found["written"]["dropped_count"] == 1
    assert found["written"]["citations"][0]["address"] == "https://example.org/nova"
    server.faults = ["500", "500"]
    fallen = get(client, "answers", question=STAFF, ticker="CURRENT", as_of=NOW)
    assert fallen["written"] is None
    assert "own words" in fallen["note"]
    assert KEY not in str(fallen)


def test_a_third_question_does_not_wait_for_the_model(client: TestClient, server: ChatEmulator) -> None:
    from plugins.forecasts import api_filings

    for _ in range(2):
        assert api_filings._MODEL_USERS.acquire(blocking=False)
    try:
        found = get(client, "answers", question=STAFF, ticker="CURRENT", as_of=NOW)
    finally:
        for _ in range(2):
            api_filings._MODEL_USERS.release()
    assert found["note"] == api_filings._BUSY
    assert server.asked == []
    assert get(client, "answers", question=STAFF, ticker="CURRENT", as_of=NOW)["written"] is not None
