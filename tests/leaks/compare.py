"""Whether two results are the same to the last bit, and if not, where they part first, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd


def first_difference(what: str, before: pd.DataFrame, after: pd.DataFrame) -> str | None:
    """Where two frames with the same columns part; None where they are the same to the last bit."""
    if len(before) != len(after):
        return f"{what}: {len(before)} rows became {len(after)}"
    for name in before.columns:
        differs = ~same_bits(before[name].to_numpy(), after[name].to_numpy())
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            place = f" at {before['closed_at'].iloc[row]:%Y-%m-%d %H:%M}" if "closed_at" in before else f" in row {row}"
            return f"{what}: {name}{place} was {before[name].iloc[row]}, became {after[name].iloc[row]}"
    return None


def first_array_difference(what: str, before: np.ndarray, after: np.ndarray) -> str | None:
    """The same for two arrays."""
    if before.shape != after.shape:
        return f"{what}: shape {before.shape} became {after.shape}"
    differs = ~same_bits(before, after)
    if not differs.any():
        return None
    place = tuple(int(index) for index in np.argwhere(differs)[0])
    return f"{what}: {place} was {before[place]}, became {after[place]}"


def same_bits(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Elementwise: the same number, NaN equal to NaN, or the same object."""
    equal = np.asarray(before == after)
    if before.dtype.kind == "f":
        equal |= np.isnan(before) & np.isnan(after)
    return equal
