"""All runs in one table."""

from pathlib import Path

from language.comparing import as_table, comparison
from language.folders import write_json
from language.run_settings import read_run_settings
from language.runs import Home, Run, open_new
from tests.language.test_run_settings import LEAST


def run(home: Home, name: str, figure: float | None, *, is_promoted: bool = False) -> Run:
    made = open_new(home, read_run_settings(LEAST.replace("name: a", f"name: {name}"), "a"), "v1", "ab", "2025")
    if figure is not None:
        scores = {role: {"figure": {"mean": value, "error": 0.02, "count": 9}, "perplexity": 3.5} for role, value in
                  (("base", 0.1), ("tuned", figure))}  # fmt: skip
        write_json(made.evaluation, scores)
        write_json(made.verdict, {"is_promoted": is_promoted})
    return made


def test_the_best_run_is_first_and_what_is_not_there_is_a_dash(tmp_path: Path):
    home = Home(tmp_path)
    assert comparison(home) == []
    run(home, "new", None)
    run(home, "worse", 0.2)
    run(home, "once", 0.3, is_promoted=True)
    best = run(home, "best", 0.4, is_promoted=True)
    write_json(home.champion, {"run": best.name})
    rows = comparison(home)
    assert [row["run"].partition("-")[0] for row in rows] == ["best", "once", "worse", "new"]
    assert [row["promoted"] for row in rows] == ["serves", "earlier", "no", "-"]
    assert (rows[0]["figures before"], rows[0]["figures after"]) == ("0.100 ± 0.020", "0.400 ± 0.020")
    assert (rows[0]["citations after"], rows[3]["figures after"]) == ("-", "-")


def test_the_table_is_aligned(tmp_path: Path):
    run(Home(tmp_path), "best", 0.4)
    lines = as_table(comparison(Home(tmp_path))).splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert lines[0].startswith("| run ")
