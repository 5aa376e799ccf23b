"""5-minute closes of extended hours from the sub-folder ``extended5m`` of the folder of bars.

One Parquet or CSV file a ticker, named as its file of bars, with the columns ts (UTC, when the bar opens), open, high,
low, close, volume; others are ignored. Rows of regular hours do no harm: they show the scale of the prices. A ticker
without such a file has no extended hours here. Where next: ``files.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.market.file_bars import read_canonical

FOLDER: Final = "extended5m"
_FOREIGN_ERRORS: Final = (OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, pa.ArrowException)


def read_closes(folder: Path, stem: str, ticker: str) -> pd.DataFrame | None:
    """The rows of the ticker's file, by time: opened_at (UTC) and close; None if there is no file.

    Args:
        folder: the folder of bars.
        stem: the file's name without its ending.
        ticker: for messages.

    Raises:
        DataContractError: the file is not in this form.
    """
    paths = [folder / FOLDER / f"{stem}{ending}" for ending in (".parquet", ".csv")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    try:
        rows = read_canonical(path)
    except (DataContractError, *_FOREIGN_ERRORS) as error:
        message = f"{ticker}: {path} cannot be read as 5-minute bars ({type(error).__name__}: {error}); write it again."
        raise DataContractError(message) from error
    if rows is None:
        message = (
            f"{ticker}: {path} cannot be read as 5-minute bars; it needs the columns ts (UTC, when the bar opens), "
            "open, high, low, close, volume."
        )
        raise DataContractError(message)
    return rows[["opened_at", "close"]].sort_values("opened_at", kind="stable", ignore_index=True)
