from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import DataContractError
from include.market.file_parquet import MAX_CHUNKS, MAX_TEXT_BYTES, MAX_UNPACKED_BYTES, ParquetFile
from include.market.file_table import MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS
from tests.market.file_samples import canonical, download, history, write


def read_all(path: Path) -> dict[int, pa.Array]:
    file = ParquetFile(path)
    return file.read(range(len(file.labels)))


def refusal(path: Path) -> str:
    with pytest.raises(DataContractError) as caught:
        read_all(path)
    return str(caught.value)


def table(path: Path, columns: dict[str, pa.Array], **options: object) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "AAPL.parquet"


def test_a_small_file_of_many_rows_is_refused_by_its_footer(path: Path) -> None:
    table(path, {"ts": pa.array(np.zeros(MAX_ROWS + 1))})
    assert path.stat().st_size < 100_000
    assert f"has {MAX_ROWS + 1:,} rows and at most {MAX_ROWS:,} are read" in refusal(path)


def test_a_file_that_unpacks_to_too_much_is_refused(path: Path) -> None:
    note = pa.table({"note": pa.array(["x" * 2**20] * 16)})
    with pq.ParquetWriter(path, note.schema, use_dictionary=False, compression="zstd") as writer:
        for _ in range(MAX_UNPACKED_BYTES // 2**24):
            writer.write_table(note)
    assert path.stat().st_size < 1_000_000
    assert f"at most {MAX_UNPACKED_BYTES:,} are read" in refusal(path)


def test_a_text_that_every_row_refers_to_is_not_written_out(path: Path) -> None:
    text = "x" * (MAX_TEXT_BYTES + 1)
    table(path, {"ts": pa.array([text] * 1000)})
    assert "column 'ts' holds texts of 201 bytes" in refusal(path)
    table(path, {"ts": pa.array([text] * 1000)}, use_dictionary=False, column_encoding={"ts": "DELTA_BYTE_ARRAY"})
    assert "DELTA_BYTE_ARRAY" in refusal(path)


def test_a_long_text_in_a_column_that_is_not_read_does_no_harm(path: Path) -> None:
    columns = {"note": pa.array(["x" * 10_000]), "close": pa.array([1.0])}
    for options in ({}, {"use_dictionary": False, "column_encoding": {"note": "DELTA_BYTE_ARRAY"}}):
        table(path, columns, **options)
        assert ParquetFile(path).read([1])[1].to_pylist() == [1.0]


def test_too_many_columns_or_row_groups_are_refused(path: Path) -> None:
    table(path, {str(number): pa.array([1.0]) for number in range(MAX_COLUMNS + 1)})
    assert f"at most {MAX_COLUMNS:,} are read" in refusal(path)
    table(path, {str(number): pa.array([1.0] * 101) for number in range(MAX_CHUNKS // 100)}, row_group_size=1)
    assert "101 row groups" in refusal(path)


def test_a_large_file_is_refused_unread(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    assert f"at most {MAX_FILE_BYTES:,} are read" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"ts,open\n", "not Parquet; write it again, or name it .csv"),
        (b"PAR1" + b"\x00" * 20 + b"PAR1", "damaged"),
    ],
)
def test_what_is_no_parquet_is_refused(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    assert reason in refusal(path)


def test_a_file_torn_in_the_middle_is_refused(path: Path) -> None:
    canonical().to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(1000) + content[1100:])
    assert "damaged" in refusal(path)


def test_nested_values_are_refused_before_they_are_read(path: Path) -> None:
    table(path, {"close": pa.array([[1.0] * 5])})
    assert "column 'close' holds list" in refusal(path)


def test_the_labels_are_those_of_the_frame(tmp_path: Path) -> None:
    frame = history(canonical())[["Close"]]
    assert ParquetFile(write(tmp_path, frame)).labels == (("Close",), ("Datetime",))
    assert ParquetFile(write(tmp_path, frame.rename_axis(None))).labels == (("Close",), ("",))
    two = ParquetFile(write(tmp_path, download({"AAPL": frame})))
    assert two.labels == (("Close", "AAPL"), ("Datetime", ""))
    odd = pd.DataFrame({"(close": [1.0], "(1)": [1.0]})
    assert ParquetFile(write(tmp_path, odd)).labels == (("(close",), ("(1)",))


def test_categories_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    frame = pd.DataFrame({"close": pd.Categorical([1.5, 2.5]), "ticker": pd.Categorical(["A", "B"])})
    values = ParquetFile(write(tmp_path, frame)).read([0, 1])
    assert [column.to_pylist() for column in values.values()] == [[1.5, 2.5], ["A", "B"]]
