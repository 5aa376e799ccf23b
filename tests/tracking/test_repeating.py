"""The mirror again and again: a failure ends nothing, is tried again soon, and leaves the mark as it was."""

from itertools import repeat
from pathlib import Path

import pytest

from tracking.repeating import RETRY_SECONDS, run_again


def test_a_failure_is_tried_again_soon_and_only_a_success_is_marked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results = iter([OSError("MLflow is away"), None, None])
    mark = tmp_path / "mirrored"
    waits: list[tuple[float, bool]] = []

    def action() -> None:
        if (error := next(results)) is not None:
            raise error

    run_again(
        action,
        600.0,
        (OSError,),
        mark,
        sleep=lambda seconds: waits.append((seconds, mark.exists())),
        rounds=repeat(None, 3),
    )

    assert waits == [(RETRY_SECONDS, False), (600.0, True), (600.0, True)]
    assert "OSError: MLflow is away" in caplog.text


def test_a_short_period_is_not_lengthened_by_a_failure() -> None:
    waits: list[float] = []

    def action() -> None:
        raise OSError

    run_again(action, 5.0, (OSError,), sleep=waits.append, rounds=repeat(None, 2))
    assert waits == [5.0, 5.0]


def test_what_no_attempt_can_cure_ends_it() -> None:
    def action() -> None:
        raise KeyError("a mistake in the code")

    with pytest.raises(KeyError):
        run_again(action, 5.0, (OSError,), sleep=lambda _seconds: None)
