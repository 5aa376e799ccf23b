"""Hourly bars that go on where a folder of them ends: the regular hours of 5-minute bars, as hourly bars.

Where next: ``blind.py``, which forecasts from them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from research.night.nights import EXCHANGE_ZONE

_LAST_MINUTES = (25, 55)
"""Minutes at which the last 5-minute bar of an hour opens; that of the half hour before a close opens at 55."""


def join_bars(bars: Path, extended: Path, out: Path) -> None:
    """Writes the files of ``bars`` into ``out``, each with the newer regular hours of the file of the same name.

    The files of ``extended`` have 5-minute bars (``ts``, prices, ``volume``, ``is_extended``). Between the two there
    may be a hole of weeks; a move across it counts as one bar's.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(bars.glob("*.parquet")):
        newer_path = extended / path.name
        if not newer_path.exists():
            shutil.copyfile(path, out / path.name)
            continue
        older = pd.read_parquet(path)
        newer = hourly(pd.read_parquet(newer_path).query("not is_extended"))
        newer = newer[newer["ts"] > older["ts"].max()]
        pd.concat([older, newer.astype(older.dtypes.to_dict())], ignore_index=True).to_parquet(out / path.name)


def hourly(bars: pd.DataFrame) -> pd.DataFrame:
    """The hourly bars of New York's sessions from 5-minute ones; the newest only if it is complete.

    They open at half past; the last of a session lasts half an hour.
    """
    half = pd.Timedelta(30, "min")
    opened = (bars["ts"].dt.tz_convert(EXCHANGE_ZONE) - half).dt.floor("h") + half
    groups = bars.groupby(opened.dt.tz_convert("UTC"))
    columns = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    result = groups.agg(columns).rename_axis("ts").reset_index()
    is_complete = bars["ts"].iloc[-1].minute in _LAST_MINUTES
    return result if is_complete else result.iloc[:-1]
