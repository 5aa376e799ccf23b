from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from include.errors import DataContractError
from include.market.file_table import MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS
from include.market.file_text import MAX_LINE_CHARACTERS, TextFile
from tests.market.file_samples import write

TEXT = "ts,open,high,low,close\n2025-05-28 13:30,1,2,0.5,1\n\n,,,,\n2025-05-28 14:30,1,2,0.5,1\n"


def read_all(folder: Path, content: str | bytes) -> None:
    file = TextFile(write(folder, content))
    file.read(range(len(file.labels)))


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(DataContractError) as caught:
        read_all(folder, content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n \n,,,\n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(TEXT.encode(), mtime=0), "packed with gzip; unpack it"),
        (bz2.compress(TEXT.encode()), "packed with bzip2"),
        (lzma.compress(TEXT.encode()), "packed with xz"),
        (b"\x28\xb5\x2f\xfd....", "packed with zstd"),
        (b"PK\x03\x04....", "Excel workbook; save it as CSV"),
        (b"\xd0\xcf\x11\xe0....", "Excel workbook"),
        (b"PAR1....PAR1", "is Parquet; name it .parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"\n  <!DOCTYPE html><html>", "web page"),
        (b"<HTML><body>Too many requests", "web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b'{"chart": {"result": null}}', "JSON"),
        (b"[[1748439000, 1, 2]]", "JSON"),
        (b"ts,open\n\x00\x01", "binary"),
        (b"ts,open\n\xe9,1", "not text in UTF-8 (byte 8)"),
        (b"Too many requests", "no header of columns"),
        (b"2025-05-28 13:30,1,2,0.5,1\n", "values where the header should be"),
        (b"1748439000;1,5;2,5;0,5;1\n", "values where the header should be"),
        (b"ts,open,high,low,close\n", "a header and no rows"),
        (b"ts,open\n2025-05-28 13:30,1\n\n2025-05-28 14:30,1,5\n", "line 4 has 3 fields, the header has 2"),
        (b'ts,open\n"2025-05-28\n13:30",1\n', "several lines"),
    ],
)
def test_what_is_no_csv_of_bars_is_refused_by_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, content)


def test_a_file_beyond_a_limit_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    with path.open("r+b") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(DataContractError, match=f"at most {MAX_FILE_BYTES:,} are read"):
        TextFile(path)
    assert f"at most {MAX_ROWS:,} are read" in refusal(tmp_path, "ts,open\n" + "1,1\n" * (MAX_ROWS + 1))
    assert f"at most {MAX_COLUMNS:,} are read" in refusal(tmp_path, "a," * MAX_COLUMNS + "a\n1,1\n")
    reason = refusal(tmp_path, f"ts,open\n1,{'1' * MAX_LINE_CHARACTERS}\n")
    assert f"at most {MAX_LINE_CHARACTERS:,} are read" in reason


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_and_marks_of_every_system_are_understood(tmp_path: Path, newline: str, encoding: str) -> None:
    file = TextFile(write(tmp_path, TEXT.replace("\n", newline).encode(encoding)))
    assert file.labels == (("ts",), ("open",), ("high",), ("low",), ("close",))
    assert file.read([0])[0].to_pylist() == ["2025-05-28 13:30", "2025-05-28 14:30"]


def test_a_place_is_the_line_in_the_file(tmp_path: Path) -> None:
    file = TextFile(write(tmp_path, TEXT))
    assert [file.place(row) for row in range(2)] == ["line 2", "line 5"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    file = TextFile(write(tmp_path, TEXT.replace(",", delimiter)))
    assert file.delimiter == delimiter
    assert file.read([4])[4].to_pylist() == ["1", "1"]


def test_a_delimiter_that_the_file_states_counts(tmp_path: Path) -> None:
    file = TextFile(write(tmp_path, 'sep=;\nts;"a,b,c,d"\n2025-05-28 13:30;1\n'))
    assert (file.delimiter, file.labels, file.place(0)) == (";", (("ts",), ("a,b,c,d",)), "line 3")


def test_a_header_ends_where_values_begin(tmp_path: Path) -> None:
    three = "Price,Close,Open\nTicker,7203.T,600519.SS\nDatetime,,\n2025-05-28 09:00:00+09:00,1,1\n"
    file = TextFile(write(tmp_path, three))
    assert file.labels == (("Price", "Ticker", "Datetime"), ("Close", "7203.T", ""), ("Open", "600519.SS", ""))
