"""What the SQL files look like; what they do is tested against a real Postgres in tests/sql and tests/store."""

import re

import pytest

from tests.architecture.project import PROJECT_DIR, relative

MIGRATIONS = sorted((PROJECT_DIR / "sql" / "migrations").glob("*.sql"))
VIEWS = sorted((PROJECT_DIR / "sql" / "views").glob("*.sql"))
QUERIES = sorted((PROJECT_DIR / "sql" / "queries").glob("*.sql"))
BEYOND_BI = re.compile(r"\bforecast\.(ticker|bar|feature|model|prediction|baseline|outcome|score|onboarding)\w*")


def test_migrations_are_numbered_without_a_gap():
    assert [path.name[:5] for path in MIGRATIONS] == [f"{number:04}_" for number in range(1, len(MIGRATIONS) + 1)]


@pytest.mark.parametrize("path", VIEWS, ids=relative)
def test_a_view_opens_with_its_grain_and_ends_with_what_it_built(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- grain: one row per ")
    assert re.findall(r"^create view (\S+) as$", text, flags=re.MULTILINE) == [f"bi.{path.stem}"]
    # Postgres plans a view with named parts by itself, so that an order with a limit from outside does not reach it
    assert text.count("\nselect * from final;\n") == text.count("\nwith ") <= 1


@pytest.mark.parametrize("path", [*MIGRATIONS, *VIEWS], ids=relative)
def test_names_of_columns_say_what_they_hold(path):
    text = path.read_text(encoding="utf-8")
    instants = re.findall(r"^ {4}(\w+) timestamptz\b", text, flags=re.MULTILINE)
    truths = re.findall(r"^ {4}(\w+) boolean\b", text, flags=re.MULTILINE)
    assert [name for name in instants if not name.endswith(("_at", "as_of"))] == []
    assert [name for name in truths if not name.startswith(("is_", "has_"))] == []
    assert re.findall(r"\b\w*(?:percent|_pct)\w*\b", re.sub(r"--.*|'[^']*'", "", text)) == []


@pytest.mark.parametrize("path", QUERIES, ids=relative)
def test_a_query_for_people_reads_views_only(path):
    text = path.read_text(encoding="utf-8")
    assert "bi." in text
    assert BEYOND_BI.findall(text) == []
