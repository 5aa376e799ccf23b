"""Which reading of a bar becomes the current one, is kept as a revision, or is ignored: SQL conditions and statements.

Each statement reads a staging table, whose name is the argument, of given readings (``given``) and compares them with
the current readings of the same bars in ``forecast.bar`` (``stored``). ``bars.upsert_bars`` runs the statements in the
order in which they stand here; those that insert return the ticker of each row. An unknown volume is NaN in a given
reading and null in a stored one.
"""

from __future__ import annotations

_PRICES_DIFFER = """(
    stored.closed_at <> given.closed_at
    or abs(given.open - stored.open) > 1e-6 * stored.open
    or abs(given.high - stored.high) > 1e-6 * stored.high
    or abs(given.low - stored.low) > 1e-6 * stored.low
    or abs(given.close - stored.close) > 1e-6 * stored.close
)"""
"""The end of the bar differs, or a price by more than the rounding error of a source's float32 (1e-6, relative)."""

_VOLUMES_DIFFER = "abs(given.volume - stored.volume) > 1 + 1e-6 * stored.volume"
"""Both volumes are known and differ by more than one unit: a source rounds them after a split, the store does not."""

_VALUES_DIFFER = f"""(
    {_PRICES_DIFFER}
    or (given.volume = 'NaN') is distinct from (stored.volume is null)
    or given.volume <> 'NaN' and {_VOLUMES_DIFFER}
)"""
"""The prices or the volumes differ, or only one of the two volumes is known."""

_HAS_NEW_VALUES = f"""(
    {_PRICES_DIFFER}
    or given.volume <> 'NaN' and (stored.volume is null or {_VOLUMES_DIFFER})
)"""
"""The same, but a given volume that is unknown counts as equal to a known one."""

_LATER_HOUR_HAS_FETCHED = """exists (
    select from forecast.outcome
    where outcome.ticker = given.ticker
        and outcome.as_of > given.known_at
        and outcome.stage <> 'planned'
)"""
"""An hour after ``given.known_at`` has used the stored values. A rerun of it must read the same ones."""

_SUPERSEDES = f"""(
    given.known_at > stored.known_at and {_HAS_NEW_VALUES} and not {_LATER_HOUR_HAS_FETCHED}
)"""
"""The given reading becomes the current one, and the stored one a revision."""

_GAP_IS_SETTLED = """(
    exists (
        select from forecast.outcome
        where outcome.ticker = given.ticker
            and outcome.as_of >= given.known_at
            and outcome.as_of < stored.known_at
            and outcome.stage <> 'planned'
    )
    or exists (
        select from forecast.bar_revision as old
        where old.ticker = given.ticker
            and old.opened_at = given.opened_at
            and old.superseded_at > given.known_at
    )
)"""
"""An hour between the two readings has used the ticker's bars, or a revision covers part of the time between them."""

_FILLS_GAP = f"(given.known_at < stored.known_at and not {_GAP_IS_SETTLED})"
"""The given reading is earlier than the stored one and may become what was known until then."""

_VALUES = "closed_at, open, high, low, close, volume, known_at"
_GIVEN = (
    "given.ticker, given.opened_at, given.closed_at, given.open, given.high, given.low, given.close, "
    "nullif(given.volume, 'NaN'), given.known_at"
)
_STORED = (
    "stored.ticker, stored.opened_at, stored.closed_at, stored.open, stored.high, stored.low, stored.close, "
    "stored.volume, stored.known_at"
)


def keep_earlier_readings(staged: str) -> str:
    """Statement: keeps given readings that are earlier than the stored one, with other values, as revisions."""
    return f"""
        insert into forecast.bar_revision (ticker, opened_at, {_VALUES}, superseded_at)
        select {_GIVEN}, stored.known_at
        from {staged} as given
        inner join forecast.bar as stored using (ticker, opened_at)
        where {_FILLS_GAP} and {_VALUES_DIFFER}
        returning ticker
    """  # noqa: S608  # constants, and a table's name from engine.py


def keep_superseded(staged: str) -> str:
    """Statement: copies the stored readings that given ones will supersede into the revisions, and locks their rows."""
    return f"""
        insert into forecast.bar_revision (ticker, opened_at, {_VALUES}, superseded_at)
        select {_STORED}, given.known_at
        from {staged} as given
        inner join forecast.bar as stored using (ticker, opened_at)
        where {_SUPERSEDES}
        for update of stored
        returning ticker
    """  # noqa: S608  # constants, and a table's name from engine.py


def supersede(staged: str) -> str:
    """Statement: gives stored rows the values of the readings that supersede them; an unknown volume is not taken."""
    return f"""
        update forecast.bar as stored
        set closed_at = given.closed_at, open = given.open, high = given.high, low = given.low, close = given.close,
            volume = coalesce(nullif(given.volume, 'NaN'), stored.volume), known_at = given.known_at
        from {staged} as given
        where given.ticker = stored.ticker and given.opened_at = stored.opened_at and {_SUPERSEDES}
    """  # noqa: S608  # constants, and a table's name from engine.py


def date_back(staged: str) -> str:
    """Statement: sets ``known_at`` of stored readings to that of earlier given ones with the same values."""
    return f"""
        update forecast.bar as stored
        set known_at = given.known_at
        from {staged} as given
        where given.ticker = stored.ticker and given.opened_at = stored.opened_at
            and {_FILLS_GAP} and not {_VALUES_DIFFER}
    """  # noqa: S608  # constants, and a table's name from engine.py


def insert_new(staged: str) -> str:
    """Statement: inserts given readings of bars that are not stored yet."""
    return f"""
        insert into forecast.bar (ticker, opened_at, {_VALUES})
        select {_GIVEN} from {staged} as given
        on conflict do nothing
        returning ticker
    """  # noqa: S608  # constants, and a table's name from engine.py
