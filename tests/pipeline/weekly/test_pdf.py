"""The PDF of a page: by a browser where there is one, and without one a line in the log."""

import logging
import shutil
from pathlib import Path

import pytest

from include.pipeline.weekly import pdf
from include.pipeline.weekly.pdf import make_pdf


def program(folder: Path, script: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_what_the_browser_writes_is_the_pdf(tmp_path: Path) -> None:
    script = 'for each in "$@"; do case "$each" in --print-to-pdf=*) printf %s PDF > "${each#*=}";; esac; done'

    assert make_pdf("<p>page</p>", program(tmp_path, script)) == b"PDF"


def test_a_browser_that_fails_costs_the_pdf_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert make_pdf("<p>page</p>", program(tmp_path, "echo no display >&2; exit 3")) is None
    assert "no display" in caplog.text


def test_a_browser_that_hangs_is_ended(tmp_path: Path) -> None:
    assert make_pdf("<p>page</p>", program(tmp_path, "exec sleep 30"), seconds=0.3) is None


def test_without_a_browser_the_log_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(pdf, "NAMES", ("no-such-browser",))

    with caplog.at_level(logging.INFO):
        assert make_pdf("<p>page</p>") is None
    assert "no-such-browser" in caplog.text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed; Debian has it as chromium")
def test_a_real_browser_prints_the_page() -> None:
    content = make_pdf("<!doctype html><title>x</title><p>page</p>")

    assert content is not None
    assert content.startswith(b"%PDF-")
