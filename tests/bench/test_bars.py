"""The measurement of storing bars, with few bars: what it stores and what it reports, not its speed."""

import pytest

from bench import bars

pytestmark = pytest.mark.integration


def test_all_ways_store_the_same_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[str, int] = {}
    real_store, real_pandas = bars._store, bars._store_with_pandas

    def counting(name: str, store):
        def store_and_count(engine, frame, *how) -> None:
            store(engine, frame, *how)
            counts[name] = counts.get(name, 0) + len(frame)

        return store_and_count

    monkeypatch.setattr(bars, "_store", counting("store", real_store))
    monkeypatch.setattr(bars, "_store_with_pandas", counting("pandas", real_pandas))

    figures = bars.measure(tickers=2, bars=30)

    assert counts == {"store": 3 * 60, "pandas": 60}  # compared, copied, and given again
    assert figures["rows"] == 60
    assert all(value > 0 for value in figures.values())
    assert figures["speedup"] == pytest.approx(figures["to_sql_seconds"] / figures["store_seconds"])


def test_the_table_names_each_way_with_its_figures() -> None:
    figures = {"rows": 60.0, "speedup": 4.0}
    for name in ("store", "compare", "again", "to_sql"):
        figures |= {f"{name}_seconds": 1.5, f"{name}_rows_per_second": 40.0}
    lines = bars.table_of(figures).splitlines()
    assert [line.split()[-2:] for line in lines[2:6]] == [["1.5", "40"]] * 4
    assert lines[-1] == "4.0 times as fast as to_sql"
