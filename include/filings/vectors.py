"""Embeds the chunks that a model has not embedded yet, the newest filings first, for as long as it may take.

Some chunks at a time are a transaction, so a run that is ended goes on with the others. Another model has a table of
its own beside it. Where next: ``store/filing_vectors.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from include.filings.embedding import Embedder
from include.store import filing_vectors as store
from include.store.engine import Engine, transaction

_BATCH: Final = 64
_LONGEST: Final = 2000
"""Characters of a text that are embedded; few chunks are longer, and models read some 512 tokens."""


def embed_chunks(
    engine: Engine, embedder: Embedder, seconds: float, clock: Callable[[], float] = time.monotonic
) -> dict[str, int]:
    """Embeds what the model has not embedded, for about ``seconds``; counts of chunks embedded and left for later.

    Raises:
        SettingsError: the database lacks the extension ``vector``.
        FilingsUnavailableError: the model's service cannot be reached.
    """
    until = clock() + seconds
    with transaction(engine) as connection:
        model_id = store.open_model(connection, embedder.version)
    counts = {"embedded": 0, "left": 0}
    while True:
        with transaction(engine) as connection:
            chunks = store.chunks_without_vector(connection, model_id, _BATCH)
        if not chunks or clock() >= until:
            break
        vectors = embedder.passages([chunk.text[:_LONGEST] for chunk in chunks])
        with transaction(engine) as connection:
            ids = [chunk.chunk_id for chunk in chunks]
            counts["embedded"] += store.save_vectors(connection, model_id, ids, vectors)
    with transaction(engine) as connection:
        counts["left"] = store.count_without_vector(connection, model_id)
    return counts
