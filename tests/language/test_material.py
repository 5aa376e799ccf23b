"""Questions from the database and from files."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import InvalidRequestError
from include.filings.__main__ import main
from include.settings import load_settings
from include.store.engine import Engine, create_store_engine
from language.data_sets import load_data_set
from language.examples import Kind
from language.material import from_files, from_filings
from language.planning import make_data_set
from language.run_settings import BroughtFile, DataSettings
from language.runs import Home
from tests.filings.test_files import SUBMISSION
from tests.store.test_filings import ACCEPTED, LATER

TABLE = """<p>Our sales (in millions):</p><table>
<tr><td></td><td>2023</td><td>2022</td></tr>
<tr><td>Sales of {name}</td><td>{first}</td><td>{second}</td></tr>
<tr><td>Costs of {name}</td><td>1,{number}50</td><td>1,{number}20</td></tr></table>
<p>More about people at {name}, who are the reason why anything is sold at all:</p><table>
<tr><td></td><td>2023</td><td>2022</td></tr>
<tr><td>Staff of {name}</td><td>{number}7,001</td><td>{number}6,555</td></tr></table>"""


def submission(number: int) -> str:
    """A filing of a company of its own."""
    name = ["Ash", "Birch", "Cedar", "Date", "Elm", "Fig"][number - 1]
    table = TABLE.format(name=name, number=number, first=f"{number},391", second=f"{number},383")
    text = SUBMISSION.replace("<p>We report.</p>", table).replace("NOVA", name.upper())
    return text.replace("0000000001", f"000000000{number}")


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Engine]:
    monkeypatch.setenv("HOURCAST_DATABASE_URL", database_url)
    for number in range(1, 7):
        path = tmp_path / f"{number}.txt"
        path.write_text(submission(number))
        assert main(["files", str(path), "--store"]) == 0
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.integration
def test_stored_filings_become_a_data_set_of_questions_about_them(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    settings = load_settings({"HOURCAST_DATABASE_URL": database_url})
    home, wanted = Home(tmp_path / "language"), DataSettings(passages=2, test_ratio=0.3)
    version = make_data_set(settings, home, wanted, LATER)
    data = load_data_set(home.data, version)
    kinds = Counter(each.kind for each in (*data.train, *data.test))
    assert kinds[Kind.CELL] >= 20
    assert kinds[Kind.DIFFERENCE] >= 10
    assert {each["licence"] for each in data.manifest["origins"]} == {"public disclosure, filed with the SEC"}
    assert all(len(each["sha256"]) == 64 for each in data.manifest["origins"])
    assert make_data_set(settings, home, wanted, LATER) == version


@pytest.mark.integration
def test_no_question_is_about_a_filing_that_was_not_known_yet(engine: Engine) -> None:
    before = ACCEPTED.replace(year=2023, month=1)
    assert from_filings(engine, DataSettings(), before) == ([], [])
    examples, origins = from_filings(engine, DataSettings(passages=2, companies=("0000000002",)), LATER)
    assert {each.receipt for each in examples} == {origins[0].name}


def test_files_bring_their_licence_and_their_hash(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question,answer\nWhat is a 10-K?,A report.\n")
    file = BroughtFile("mine.csv", "csv", "CC0", "our analysts")
    examples, (origin,) = from_files([file], tmp_path)
    assert [each.question for each in examples] == ["What is a 10-K?"]
    assert (origin.name, origin.licence, origin.source) == ("mine.csv", "CC0", "our analysts")
    with pytest.raises(InvalidRequestError, match=r"none\.csv cannot be read: No such file"):
        from_files([BroughtFile("none.csv", "csv", "CC0", "us")], tmp_path)
