"""The zip file that Superset imports: the folder ``bundle`` with the address of the database filled in.

`python dashboards/superset/pack.py hourcast.zip 127.0.0.1:5432`. The address has no password: Superset reads it from
the file that ``PGPASSFILE`` names. Standard library only. Where next: ``docs/dashboards.md``.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent / "bundle"
ADDRESS = "127.0.0.1:5432"
DATABASE = "hourcast"
"""Host and port, and the name of the database, in the bundle's database file."""

_MOMENT = (2026, 1, 1, 0, 0, 0)  # so that the same bundle is the same file


def pack(target: Path, address: str = ADDRESS, database: str = DATABASE) -> None:
    """Writes the bundle to ``target`` for the database of that name at ``address`` (host:port)."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(BUNDLE.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            if path.parent.name == "databases":
                text = text.replace(f"@{ADDRESS}/{DATABASE}\n", f"@{address}/{database}\n")
            name = Path("hourcast", path.relative_to(BUNDLE)).as_posix()
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), text)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), *sys.argv[2:4])
