"""The check of written sentences (``include/filings/support.py``) on sentences about passages of real filings.

The sentences are in ``questions/sentences.toml``. They were written after the check, and no setting was chosen on them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from bench.results import Section
from include.errors import DataContractError
from include.filings.answering import evidence_of
from include.filings.searching import Hit
from include.filings.support import Evidence, objection
from include.store.engine import Engine, fetch_rows, transaction
from include.store.filings_search import load_passages

SENTENCES: Final = Path(__file__).parent / "questions" / "sentences.toml"


def measure(engine: Engine) -> Section:
    """How many true sentences stay and how many false ones are dropped, and a note on each of the others."""
    counts = {True: [0, 0], False: [0, 0]}
    notes: list[str] = []
    for passage in tomllib.loads(SENTENCES.read_text(encoding="utf-8"))["passages"]:
        evidence = _evidence(engine, passage)
        for is_true in (True, False):
            for sentence in passage["true" if is_true else "false"]:
                reason = objection(sentence, [evidence])
                counts[is_true][0] += 1
                counts[is_true][1] += not reason
                if is_true == bool(reason):
                    notes.append(f"true, but {reason}: {sentence}" if is_true else f"false, and kept: {sentence}")
    rows = [
        {"sentences": "true" if key else "false", "count": found[0], "kept": found[1]} for key, found in counts.items()
    ]
    return Section(rows, notes)


def _evidence(engine: Engine, passage: dict[str, Any]) -> Evidence:
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            """
            select chunk.chunk_id
            from bi.filing_chunk as chunk
            inner join bi.filing as filing using (version_id)
            where filing.number = :company and strpos(replace(chunk.text, chr(92), ''), :words) > 0
            order by chunk.chunk_id
            limit 1
            """,
            {"company": passage["company"], "words": passage["words"]},
        )
        if not rows:
            message = (
                f"No passage of {passage['company']} has {passage['words']!r}; another folder than that of the docs?"
            )
            raise DataContractError(message)
        (found,) = load_passages(connection, [rows[0]["chunk_id"]])
    return evidence_of(Hit(found, 1.0))
