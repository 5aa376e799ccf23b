"""The error tree: every error has one parent that says who can put it right, and the drawing shows it."""

import inspect
import re

import pytest

from include import errors

EVERY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.HourcastError)]
SORTED = [kind for kind in EVERY if kind not in {errors.HourcastError, errors.RetryableError, errors.PermanentError}]


@pytest.mark.parametrize("kind", SORTED)
def test_an_error_is_either_retryable_or_permanent(kind):
    assert issubclass(kind, errors.RetryableError) != issubclass(kind, errors.PermanentError)


@pytest.mark.parametrize("kind", EVERY)
def test_an_error_says_what_it_is_about(kind):
    assert kind.__doc__
    assert str(kind("AAPL at 20:35: no answer.")) == "AAPL at 20:35: no answer."


def test_the_drawing_shows_every_error_below_its_parent():
    drawn: dict[str, str | None] = {}
    above: dict[int, str] = {}
    for column, name in re.findall(r"^([│├└─ ]*)(\w+Error)\b", str(errors.__doc__), flags=re.MULTILINE):
        parents = [above[depth] for depth in sorted(above) if depth < len(column)]
        drawn[name] = parents[-1] if parents else None
        above = {depth: other for depth, other in above.items() if depth < len(column)} | {len(column): name}
    assert drawn == {
        kind.__name__: kind.__base__.__name__ if kind.__base__ is not Exception else None for kind in EVERY
    }


def test_who_asks_for_the_impossible_is_told_apart_from_data_that_breaks_its_contract():
    assert not issubclass(errors.InvalidRequestError, errors.DataContractError)
    assert issubclass(errors.UnknownTickerError, errors.InvalidRequestError)
    assert issubclass(errors.RateLimitedError, errors.MarketUnavailableError)
