"""Where the weekly reports lie, and how they are named."""

from datetime import date
from pathlib import Path

from include.artefacts.objects import ObjectStore
from include.artefacts.reports import report_days, report_name, report_store
from include.settings import ModelSettings


def test_reports_lie_beside_the_models_of_a_folder(tmp_path: Path) -> None:
    store = report_store(ModelSettings(models_dir=tmp_path))
    for day in (date(2026, 11, 23), date(2026, 11, 30)):
        store.write(report_name(day, "html"), b"page")
    store.write(report_name(date(2026, 11, 30), "pdf"), b"pdf")
    store.write("weekly-notes.html", b"not ours")

    assert (tmp_path / "reports" / "weekly-2026-11-30.pdf").read_bytes() == b"pdf"
    assert report_days(store) == {date(2026, 11, 30): ["html", "pdf"], date(2026, 11, 23): ["html"]}
    assert list(report_days(store)) == [date(2026, 11, 30), date(2026, 11, 23)]


def test_reports_lie_beside_the_models_of_an_object_store() -> None:
    store = report_store(ModelSettings(artifacts_uri="memory://models"))

    assert isinstance(store, ObjectStore)
    store.write(report_name(date(2026, 11, 30), "html"), b"page")
    assert store.place_of("x") == "memory://models/reports/x"
    assert report_days(store) == {date(2026, 11, 30): ["html"]}
    store.remove(report_name(date(2026, 11, 30), "html"))
