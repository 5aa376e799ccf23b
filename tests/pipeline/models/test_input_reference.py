"""A backbone's certificate keeps what its training inputs were like, by kind of market."""

from typing import Any

import numpy as np

from include.features.frame import build_features
from include.features.windows import INPUT_NAMES, Series, make_series
from include.pipeline.models import input_reference
from include.pipeline.models.input_reference import ALL, KEY, WATCHED
from tests.features.fakes import random_bars


def series_of(seed: int) -> Series:
    bars = random_bars(600, 24, seed)
    return make_series(build_features(bars), bars)


def references() -> tuple[dict[str, Series], dict[str, Any]]:
    series = {"A-USD": series_of(1), "B": series_of(2)}
    return series, input_reference.references_of(series, {"A-USD": "crypto", "B": "US equity"})


def test_each_kind_of_market_has_its_reference_and_all_have_one_together() -> None:
    series, found = references()
    assert set(found) == {"crypto", "US equity", ALL}
    values = series["A-USD"].x[:, INPUT_NAMES.index("level")]
    crypto = input_reference.read_references({KEY: found}, "24/7")
    assert set(crypto) == set(WATCHED)
    assert np.isclose(crypto["level"].edges[9], np.median(values), atol=1e-3)
    assert "slot_sin" not in crypto


def test_a_market_that_taught_nothing_is_compared_with_all() -> None:
    _, found = references()
    tokyo = input_reference.read_references({KEY: found}, "XTKS")
    assert tokyo["level"].to_dict() == found[ALL]["level"]
    new_york = input_reference.read_references({KEY: found}, "XNYS")
    assert new_york["level"].to_dict() == found["US equity"]["level"]


def test_a_backbone_without_references_has_none() -> None:
    assert input_reference.read_references({"model_version": "a"}, "XNYS") == {}
