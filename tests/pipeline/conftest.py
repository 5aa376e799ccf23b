"""A product of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.products import Product, open_product
from tests.yahoo.fixtures import start_emulator, yahoo_cache_dir

__all__ = ["start_emulator", "yahoo_cache_dir"]


@pytest.fixture
def product(database_url: str, tmp_path: Path) -> Iterator[Product]:
    """A product over an empty database."""
    with open_product(database_url, tmp_path / "models") as opened:
        yield opened
