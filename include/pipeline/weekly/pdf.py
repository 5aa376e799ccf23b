"""A page as PDF, by a headless Chromium where one is installed. Without one a report has no PDF.

The page is ours and has no scripts, and the browser reads nothing else.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
SECONDS: Final = 180.0
"""Time that the browser may take; a busy machine needs a minute."""
_LOG: Final = logging.getLogger(__name__)


def make_pdf(page: str, program: str | None = None, seconds: float = SECONDS) -> bytes | None:
    """The HTML page as PDF; None where no browser is installed or it fails, which the log explains.

    ``program`` is the browser; None looks for one on the path.
    """
    browser = program or next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        _LOG.info("The report has no PDF: none of %s is installed.", ", ".join(NAMES))
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        try:
            subprocess.run(_command(browser, source, target), check=True, capture_output=True, timeout=seconds)  # noqa: S603  # our own arguments
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or b""
            _LOG.warning("The report has no PDF: %s %s", error, said.decode(errors="replace").strip()[-300:])
            return None


def _command(browser: str, source: Path, target: Path) -> list[str]:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium has no sandbox for root
    return [
        browser,
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        *(["--no-sandbox"] if is_root else []),
        f"--user-data-dir={source.parent / 'profile'}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={target}",
        source.as_uri(),
    ]
