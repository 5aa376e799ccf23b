"""How many examples a fuzz test tries: few, and always the same ones; more with FUZZ_EXAMPLES=5000."""

import os

from hypothesis import HealthCheck, settings


def examples(count: int) -> settings:
    """The settings of a test that tries ``count`` examples; with FUZZ_EXAMPLES that many, and others each time."""
    chosen = os.environ.get("FUZZ_EXAMPLES")
    return settings(
        max_examples=int(chosen) if chosen else count,
        derandomize=chosen is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def require_sentence(error: Exception, name: str = "") -> None:
    """Fails unless the error's message is a sentence, which holds the name."""
    message = str(error)
    assert len(message) > 20, message
    assert name in message
