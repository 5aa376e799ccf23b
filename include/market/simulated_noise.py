"""The noise of the simulated market: numbers that depend on a name, a purpose and a cell, and on nothing else.

A cell is a number for a day and a slot. Every process computes the same noise. Where next: ``simulated.py``.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Cells = npt.NDArray[np.int64]

_TAIL_DEGREES: Final = 4.0  # of Student's t: hourly returns of stocks have 3 to 5
_TAIL_LIMIT: Final = 6.0  # standard deviations; with the limit on volatility it keeps a bar's move below 40 %


def student(who: str, purpose: str, cells: _Cells) -> _Floats:
    """Noise of unit variance with fat tails: Student's t from two uniforms, limited to 6 standard deviations.

    Source: Bailey (1994), Polar generation of random variates with the t-distribution, Math. Comp. 62.
    """
    radius = np.sqrt(_TAIL_DEGREES * (uniform(who, purpose + " r", cells) ** (-2 / _TAIL_DEGREES) - 1))
    noise = radius * np.cos(2 * np.pi * uniform(who, purpose + " a", cells))
    limited: _Floats = np.clip(noise * np.sqrt((_TAIL_DEGREES - 2) / _TAIL_DEGREES), -_TAIL_LIMIT, _TAIL_LIMIT)
    return limited


def uniform(who: str, purpose: str, cells: _Cells) -> _Floats:
    """Numbers in (0, 1), one a cell, that depend on nothing else.

    Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators: splitmix64's finaliser.
    """
    digest = hashlib.blake2b(f"{who} {purpose}".encode(), digest_size=8).digest()
    mixed = np.uint64(int.from_bytes(digest)) + cells.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    uniform: _Floats = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return uniform
