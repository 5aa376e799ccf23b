"""Pence and pounds."""

import pytest

from include.market.units import unit_factor


@pytest.mark.parametrize(
    ("old", "new", "factor"),
    [
        ("GBp", "GBP", 100.0),
        ("GBP", "GBp", 0.01),
        ("ZAc", "ZAR", 100.0),
        ("ILS", "ILA", 0.01),
        ("GBp", "GBX", None),
        ("GBP", "GBP", None),
        ("GBP", "USD", None),
        ("GBp", "ZAR", None),
        (None, "GBP", None),
        ("GBP", None, None),
    ],
)
def test_the_factor_between_two_units_of_one_currency(old: str | None, new: str | None, factor: float | None) -> None:
    assert unit_factor(old, new) == factor
