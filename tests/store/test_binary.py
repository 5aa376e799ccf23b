"""Binary COPY rows: what goes in comes out, bit for bit."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import DataContractError
from include.store.binary import decode, encode

KINDS = {"closed_at": "time", "price": "f8", "feature": "f4"}


def _frame(prices: list[float], features: list[float], moments: list[datetime]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ticker": "AAPL",
            "closed_at": pd.DatetimeIndex(moments).as_unit("us"),
            "price": np.array(prices),
            "feature": np.array(features, dtype=np.float32),
        }
    )


def _as_if_sent(frame: pd.DataFrame) -> bytes:
    """The rows as Postgres would send them back: a position instead of the ticker."""
    data = encode(frame.assign(ticker="????"), KINDS)
    return data.replace((4).to_bytes(4) + b"????", (4).to_bytes(4) + (1).to_bytes(4))


moments = st.datetimes(timezones=st.just(UTC))
rows = st.tuples(st.floats(allow_nan=False), st.floats(width=32), moments)


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=20))
def test_every_float_and_instant_comes_back_bit_for_bit(given_rows: list[tuple[float, float, datetime]]) -> None:
    frame = _frame(*(list(column) for column in zip(*given_rows, strict=True)))

    read = decode(_as_if_sent(frame), ["AAPL"], KINDS)

    assert read["ticker"].tolist() == frame["ticker"].tolist()
    assert read["closed_at"].tolist() == frame["closed_at"].tolist()
    assert read["price"].to_numpy().tobytes() == frame["price"].to_numpy().tobytes()
    assert read["feature"].dtype == np.float32
    np.testing.assert_array_equal(read["feature"].to_numpy(), frame["feature"].to_numpy())


def test_no_rows_become_an_empty_frame_with_its_types() -> None:
    read = decode(encode(_frame([], [], []).assign(closed_at=pd.DatetimeIndex([], tz="UTC")), KINDS), [], KINDS)

    assert read.empty
    assert str(read["closed_at"].dtype) == "datetime64[us, UTC]"
    assert read["feature"].dtype == np.float32


def test_a_naive_time_is_refused() -> None:
    frame = _frame([1.0], [1.0], [datetime(2025, 1, 1, tzinfo=UTC)])
    frame["closed_at"] = frame["closed_at"].dt.tz_localize(None)

    with pytest.raises(DataContractError, match=r"closed_at.*aware"):
        encode(frame, KINDS)


def test_an_unknown_time_is_refused() -> None:
    frame = _frame([1.0], [1.0], [datetime(2025, 1, 1, tzinfo=UTC)])
    frame["closed_at"] = frame["closed_at"].where([False])

    with pytest.raises(DataContractError, match="closed_at"):
        encode(frame, KINDS)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataContractError, match="'price' is missing"):
        encode(_frame([1.0], [1.0], [datetime(2025, 1, 1, tzinfo=UTC)]).drop(columns="price"), KINDS)


def test_bytes_with_a_null_in_them_are_refused() -> None:
    data = encode(_frame([1.0], [1.0], [datetime(2025, 1, 1, tzinfo=UTC)]), KINDS)

    with pytest.raises(DataContractError, match="without nulls"):
        decode(data[:-3] + data[-2:], ["AAPL"], KINDS)
