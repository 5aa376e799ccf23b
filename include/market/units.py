"""Units of one currency in which an exchange may quote: pence and pounds."""

from __future__ import annotations

from typing import Final

_SUBUNITS: Final = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Yahoo's names of a hundredth, and of the currency."""
_HUNDREDTHS: Final = 100.0


def unit_factor(old: str | None, new: str | None) -> float | None:
    """Prices in the old unit over the same in the new one; None if these are not two units of one currency."""
    if old is None or new is None or _currency_of(old) != _currency_of(new):
        return None
    sizes = [1 / _HUNDREDTHS if name in _SUBUNITS else 1.0 for name in (old, new)]
    return sizes[1] / sizes[0] if sizes[0] != sizes[1] else None


def _currency_of(unit: str) -> str:
    return _SUBUNITS.get(unit, unit)
