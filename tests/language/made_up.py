"""Made-up filings and questions for the tests of language models."""

from datetime import date

from include.store.filings_passages import FiledPassage, KnownFiling
from language.examples import NOTHING, Example, Kind, Passage

SALES = """|  | 2024 | 2023 |
| --- | --- | --- |
| Net sales | $391,035 | $383,285 |
| Expenses: |  |  |
| Materials | 210,352 | 214,137 |
| Wages | (3,080) | (2,644) |
| Total expenses | 207,272 | 211,493 |
| Margin | 46.2% | 44.1% |"""
STAFF = """|  | 2024 | 2023 |
| --- | --- | --- |
| Employees | 164,000 | 161,000 |
| Plants | 12 | 11 |"""
DEBT = """| Due in | Amount |
| --- | --- |
| One year | 10,912 |
| Later | 85,750 |"""
TEXT = "As of September 28, 2024, the company owned 4,815,022 square feet of office space in Ohio. It rents none."


def filing(number: str = "0000000001", receipt: str = "0000000001-24-000001", source: str = "edgar") -> KnownFiling:
    return KnownFiling(1, source, receipt, number, f"Nova {number[-1]} Inc.", "10-K", date(2024, 9, 28), "ab" * 32)


def passages() -> list[FiledPassage]:
    texts = [
        (SALES, True),
        (STAFF, True),
        (DEBT, True),
        (TEXT, False),
        ("The board met in June to discuss the budget.", False),
    ]
    found, start = [], 0
    for text, is_table in texts:
        found.append(FiledPassage("item-8", start, start + len(text), "", text, is_table))
        start += len(text) + 2
    return found


def example(question: str = "What?", group: str = "edgar/1", figure: str | None = "7", **more: object) -> Example:
    values: dict[str, object] = {
        "kind": Kind.CELL if figure else Kind.MISSING,
        "question": question,
        "passages": (Passage("r#s:0-5", f"One row of {question} has 7."), Passage("r#s:9-12", "Another row.")),
        "answer": f"{figure} [1]" if figure else NOTHING,
        "cited": 1 if figure else None,
        "figure": figure,
        "group": group,
        "receipt": f"receipt of {group}",
        "origin": "edgar",
    }
    return Example(**{**values, **more})  # type: ignore[arg-type]  # values of any type
