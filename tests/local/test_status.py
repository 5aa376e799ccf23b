"""What `make status` and `make logs` print."""

import io
from pathlib import Path

from rich.console import Console

from include.local.paths import LocalPaths
from include.local.reasons import Finding
from include.local.screen import Screen
from include.local.status import show_logs, ticker_fields


def test_tickers_are_counted_and_each_that_is_not_forecast_has_its_reason() -> None:
    findings = [
        Finding("AAPL", "pending", "AAPL: Yahoo could not be reached."),
        Finding("ACME", "rejected", "source 'files' is not set up here"),
        Finding("BTC-USD", "active"),
        Finding("MSFT", "pending", "MSFT: Yahoo could not be reached."),
        Finding("OLD", "retired"),
        Finding("SLOW", "stale", "no bar since 2026-11-20T21:00:00+00:00"),
        Finding("THIN", "failed", "backfill: THIN: too few bars"),
    ]
    assert ticker_fields(findings) == [
        ("Tickers", "2 pending, 1 active, 1 failed, 1 rejected, 1 retired, 1 stale"),
        ("", "AAPL, MSFT are pending (every hour tries again): Yahoo could not be reached"),
        ("", "ACME was rejected: source 'files' is not set up here"),
        ("", "SLOW is stale: no bar since Fri 20 Nov 21:00 UTC"),
        ("", "THIN has failed: backfill: too few bars"),
    ]


def test_without_tickers_the_count_is_none() -> None:
    assert ticker_fields([]) == [("Tickers", "none")]


def test_logs_are_the_components_not_the_installation(tmp_path: Path) -> None:
    paths = LocalPaths(tmp_path)
    paths.logs_dir.mkdir()
    (paths.logs_dir / "install.log").write_text("Collecting rich\n")
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=200))
    assert show_logs(paths, screen, is_following=False) == 1
    (paths.logs_dir / "scheduler.log").write_text("".join(f"row {number}\n" for number in range(30)))
    (paths.logs_dir / "triggerer.log").write_text("")
    assert show_logs(paths, screen, is_following=False) == 0
    shown = printed.getvalue()
    assert "make run" in shown
    assert "row 29" in shown
    assert "row 14\n" not in shown
    assert "Collecting" not in shown
    assert "triggerer" not in shown
