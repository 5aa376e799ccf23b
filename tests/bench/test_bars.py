"""The measurement of storing bars, on few of them: that it stores what it says, and tells it. Never how fast."""

import pytest

from bench import bars

pytestmark = pytest.mark.integration


def test_both_ways_of_storing_are_measured_on_the_same_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[str, int] = {}
    real_store, real_pandas = bars._store, bars._store_with_pandas

    def counting(name: str, store):
        def store_and_count(engine, frame) -> None:
            store(engine, frame)
            counts[name] = counts.get(name, 0) + len(frame)

        return store_and_count

    monkeypatch.setattr(bars, "_store", counting("ours", real_store))
    monkeypatch.setattr(bars, "_store_with_pandas", counting("pandas", real_pandas))

    figures = bars.measure(tickers=2, bars=30)

    assert counts == {"ours": 2 * 60, "pandas": 60}  # ours once more, to see what bars that are there cost
    assert figures["rows"] == 60
    assert all(value > 0 for value in figures.values())
    assert figures["speedup"] == pytest.approx(figures["to_sql_seconds"] / figures["store_seconds"])


def test_the_table_names_each_way_with_its_figures() -> None:
    figures = {"rows": 60.0, "speedup": 4.0}
    for name in ("store", "again", "to_sql"):
        figures |= {f"{name}_seconds": 1.5, f"{name}_rows_per_second": 40.0}
    lines = bars.table_of(figures).splitlines()
    assert [line.split()[-2:] for line in lines[2:5]] == [["1.5", "40"]] * 3
    assert lines[-1] == "4.0 times as fast as to_sql"
