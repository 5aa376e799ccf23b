"""Results of trials in a file, one a line, each written when its trial ends: a stopped series goes on where it was."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.checker import Finding
from tests.chaos.trials import Result


class Record:
    """The file of one seed's results; without a path nothing is kept."""

    def __init__(self, path: Path | None, seed: int) -> None:
        self._path = path
        self._seed = seed

    def results(self) -> list[Result]:
        """The results in the file, by their number. A line that was cut off when the series was killed is left out.

        Raises:
            SystemExit: the file holds trials of another seed.
        """
        if self._path is None or not self._path.exists():
            return []
        found: dict[int, Result] = {}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                row = json.loads(line)
                self._require_seed(row.pop("seed"))
                found[row["number"]] = _result_of(row)
        return [found[number] for number in sorted(found)]

    def append(self, result: Result) -> None:
        """Writes a result to the end of the file."""
        if self._path is None:
            return
        written = json.dumps({"seed": self._seed} | asdict(result))
        is_cut_off = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if is_cut_off else "") + written + "\n")

    def _require_seed(self, seed: int) -> None:
        if seed != self._seed:
            message = f"{self._path} holds trials of seed {seed}; choose another file, or --seed {seed}"
            raise SystemExit(message)


def _result_of(row: dict[str, Any]) -> Result:
    findings = tuple(Finding(**finding) for finding in row.pop("findings"))
    errors, foreign_errors = tuple(row.pop("errors")), tuple(row.pop("foreign_errors"))
    return Result(findings=findings, errors=errors, foreign_errors=foreign_errors, **row)
