"""The notebook that reads an export: it runs on a small one, and what it shows is small and of no machine."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.pipeline.exporting.export import export
from include.pipeline.exporting.request import ExportRequest
from tests.support.products import AT, HOUR, open_product

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "read_exports.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def small_export(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An export of one ticker that was onboarded, and of the two hours after that."""
    folder = tmp_path_factory.mktemp("export")
    with open_product(module_database_url, folder / "models") as product:
        product.onboard("NOVA-USD.SIM")
        for hours in (1, 2):
            product.run_hour(AT + hours * HOUR)
        export(product.services, ExportRequest.of([], [], str(folder / "exports")))
        yield folder / "exports"


@pytest.mark.integration
def test_the_cells_run_on_a_small_export(small_export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOURCAST_EXPORT_URI", str(small_export))
    names: dict[str, Any] = {}
    has_charts = importlib.util.find_spec("matplotlib") is not None

    for cell in CELLS:
        if has_charts or "matplotlib" not in cell["metadata"].get("tags", ()):
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)

    assert set(names["bars"]["ticker"]) == {"NOVA-USD.SIM"}
    assert names["newest"] == "2025-03"
    assert set(names["by_horizon"].index) == {1, 2}
    assert names["by_horizon"]["coverage_90"].between(0, 1).all()
    assert len(names["fan"]) == 7
    assert isinstance(names["features"]["closed_at"].dtype, pd.DatetimeTZDtype)
    assert names["units"]["q50"] == "Median of the close at target_at, in currency."


def test_the_notebook_was_run_in_order_and_shows_no_path_and_no_error() -> None:
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    outputs = [output for cell in CELLS for output in cell["outputs"]]

    assert {output["output_type"] for output in outputs} == {"execute_result", "display_data"}
    assert any("image/png" in output["data"] for output in outputs)
    texts = [part for output in outputs for name, part in output["data"].items() if name.startswith("text/")]
    assert not re.search(r"(?:^|[\s'\"])/(?:\w+/)+", "\n".join("".join(text) for text in texts))
    assert NOTEBOOK.stat().st_size < 60_000
