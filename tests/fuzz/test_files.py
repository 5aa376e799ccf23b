"""Whatever is in a file of earnings dates or in an artefact, it gives what it says, or a reason."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load, save

from include.artefacts.store import FolderStore
from include.contracts import ModelRef
from include.market.file_earnings import FILE_NAME, read_earnings
from include.model.checkpoint import load_tickers, save_shard
from include.model.shard import ShardState
from tests.fuzz.profile import examples
from tests.model.made_up import SMALL, stirred_state

CELLS = st.sampled_from(
    [
        *(
            "AAPL",
            "aapl ",
            "",
            "\u00df",
            "2026-01-29",
            "2026-02-30",
            "0001-01-01",
            "9999-12-31",
            "20260129",
            "29/01/26",
        ),
        *("before_open", "after_close", "unknown", "AFTER_CLOSE", "noon", "true", "no", "2", '"', "a\nb", "\0"),
        *("2026-01-01T00:00Z", "2026-01-01T00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ]
) | st.text(max_size=6)
HEADERS = st.sampled_from(
    [
        "ticker,reported_on,timing",
        "ticker,reported_on,timing,known_at,is_confirmed",
        "\ufeffticker,reported_on,timing,known_at",
        "ticker,timing",
        "ticker,ticker,reported_on,timing",
    ]
)


def _assert_dates_or_a_sentence(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    report = read_earnings(folder, ["AAPL"])
    assert all(len(failure.reason) > 20 for failure in report.failures)
    for item in report.dates:
        assert item.ticker == "AAPL"
        assert item.known_at.utcoffset() == timedelta(0)
        assert 1900 < item.reported_on.year < 2200


@examples(100)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_earnings_dates_or_a_sentence(tmp_path: Path, content: bytes) -> None:
    _assert_dates_or_a_sentence(tmp_path, content)


@examples(200)
@given(header=HEADERS, rows=st.lists(st.lists(CELLS, min_size=2, max_size=6), max_size=3))
def test_any_table_gives_earnings_dates_or_a_sentence(tmp_path: Path, header: str, rows: list[list[str]]) -> None:
    lines = [header, *(",".join(cells) for cells in rows)]
    _assert_dates_or_a_sentence(tmp_path, "\n".join(lines).encode("utf-8", "replace"))


_KEYS = ("format", "config", "rows", "base", "kept", "ticker", "identity", "artefact", "model_version", "row")
PROVENANCE = {name: {"as_of": "2025-03-31T20:35:00+00:00", "kind": "fine_tune", "seed": 7} for name in ("AAPL", "MSFT")}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["AAPL", "MSFT", "x", "../y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=6,
)


class Saved:
    """A shard's file, its refs and its weights. No dataclass: Hypothesis would print all of it."""

    def __init__(self, content: bytes, refs: list[ModelRef], state: ShardState) -> None:
        self.content, self.refs, self.state = content, refs, state


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A shard of two tickers, saved."""
    folder = tmp_path_factory.mktemp("saved")
    state = stirred_state(("AAPL", "MSFT"))
    refs = save_shard(FolderStore(folder), state, PROVENANCE)
    return Saved((folder / refs[0].artefact).read_bytes(), refs, state)


def _assert_same_or_a_reason(saved: Saved, tmp_path: Path, content: bytes) -> None:
    refs, state = saved.refs, saved.state
    (tmp_path / refs[0].artefact).write_bytes(content)
    loaded, failures = load_tickers(FolderStore(tmp_path), refs, SMALL)
    assert set(loaded.tickers) | set(failures) == {"AAPL", "MSFT"}
    assert all(len(reason) > 20 for reason in failures.values())
    for row, ticker in enumerate(loaded.tickers):
        place = state.tickers.index(ticker)
        for name, value in loaded.parameters.items():
            assert torch.equal(value[row], state.parameters[name][place])


@examples(150)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), min_size=1, max_size=3),
    kept=st.floats(0.5, 1.5),
)
def test_damaged_artefacts_give_the_same_weights_or_a_reason(
    saved: Saved, tmp_path: Path, edits: list[tuple[float, bytes]], kept: float
) -> None:
    content = bytearray(saved.content)
    for share, inserted in edits:
        place = int(share * share * (len(content) - 1))  # more often in the header
        content[place : place + len(inserted)] = inserted
    _assert_same_or_a_reason(saved, tmp_path, bytes(content[: int(kept * len(content))]))


@examples(50)
@given(content=st.binary(max_size=100))
def test_any_bytes_as_an_artefact_give_a_reason(saved: Saved, tmp_path: Path, content: bytes) -> None:
    _assert_same_or_a_reason(saved, tmp_path, content)


@examples(200)
@given(
    description=st.dictionaries(st.sampled_from(_KEYS), JSON, max_size=5) | JSON,
    number=st.sampled_from([None, 1, 2]),
)
def test_any_description_of_an_artefact_gives_the_same_weights_or_a_reason(
    saved: Saved, tmp_path: Path, description: object, number: int | None
) -> None:
    path = tmp_path / "sound"
    path.write_bytes(saved.content)
    with safe_open(path, framework="pt") as file:
        sound = json.loads(file.metadata()["hourcast"])
    changed = description
    if isinstance(description, dict) and number is not None:
        changed = {**sound, **description, "format": number}
    content = save(load(saved.content), metadata={"hourcast": json.dumps(changed)})
    _assert_same_or_a_reason(saved, tmp_path, content)
