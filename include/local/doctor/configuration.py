"""Checks of what a person has set: settings that contradict each other, the bars folder, lists that end soon."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from include.local.doctor.installation import Installation
from include.local.doctor.problem import Problem
from include.market.announcements import use_announcements_file
from include.market.calendar_definitions import use_calendars_file
from include.market.list_ends import ListEnd, announcement_ends, calendar_ends
from include.store.engine import fetch_rows
from include.store.reader import Engine, reading

SOON_DAYS = 60
_READER = "bi_reader"

_CALENDARS = """
select distinct calendar
from forecast.ticker
where calendar is not null and retired_as_of is null
order by calendar
"""
_FILES_TICKERS = "select ticker from forecast.ticker where source = 'files' and retired_as_of is null order by ticker"


def check_settings(found: Installation) -> Iterator[Problem]:
    """Whether settings contradict each other."""
    market, model, store = found.settings.market, found.settings.model, found.settings.store
    contradictions = (
        (
            market.failed_after_sessions <= market.stale_after_sessions,
            "HOURCAST_FAILED_AFTER_SESSIONS is not above HOURCAST_STALE_AFTER_SESSIONS, so no ticker is ever stale.",
        ),
        (
            model.minimum_history_bars < model.context_bars,
            "HOURCAST_MINIMUM_HISTORY_BARS is below HOURCAST_CONTEXT_BARS, so a ticker may have too few bars to read.",
        ),
        (
            market.update_days > market.history_days,
            "HOURCAST_UPDATE_DAYS is above HOURCAST_HISTORY_DAYS, so an hour reads more than the onboarding did.",
        ),
        (
            not found.is_embedded and store.database_url == found.settings.local.airflow_database_url,
            "HOURCAST_DATABASE_URL and HOURCAST_AIRFLOW_DATABASE_URL name the same database.",
        ),
        (
            bool(store.reader_url) and urlsplit(str(store.reader_url)).username != _READER,
            f"HOURCAST_READER_URL does not log in as {_READER}, so Airflow's page may read more than it should.",
        ),
        (
            bool(store.database_url) and urlsplit(str(store.database_url)).username == _READER,
            f"HOURCAST_DATABASE_URL logs in as {_READER}, which may not write.",
        ),
    )
    for is_wrong, text in contradictions:
        if is_wrong:
            yield Problem("settings", text, "Change one of them; docs/settings.md describes both.")


def check_backbone(found: Installation) -> Iterator[Problem]:
    """Whether the folder of the backbone that new tickers start from can be read."""
    folder = found.settings.model.backbone_dir
    if not list(folder.glob("*.safetensors")):
        yield Problem(
            "backbone",
            f"HOURCAST_BACKBONE_DIR={folder} has no backbone, so new tickers are trained from random weights.",
            "Unset it to use the backbone that comes with the code, or train one with `make pretrain`.",
        )


def check_bars_folder(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the folder of the source `files` can be read, if it is set or tickers need it."""
    folder = found.settings.market.bars_dir
    with reading(engine) as connection:
        tickers = [str(row["ticker"]) for row in fetch_rows(connection, _FILES_TICKERS)]
    if folder is None and tickers:
        text = f"HOURCAST_BARS_DIR is not set, and {', '.join(tickers[:5])} need the source `files`."
        yield Problem("bars-folder", text, "Set it to the folder of their files, and run `make run`.")
    elif folder is not None and not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        text = f"HOURCAST_BARS_DIR={folder} cannot be read."
        yield Problem("bars-folder", text, "Correct the setting, or give this user the right to read the folder.")


def check_announcements(found: Installation) -> Iterator[Problem]:
    """Whether a list of announcements ends within 60 days.

    Raises:
        SettingsError: the operator's file cannot be read.
    """
    use_announcements_file(found.settings.market.announcements_file)
    for end, days in _ending(found, announcement_ends()):
        yield Problem(
            "announcements",
            f"The list of {end.text} ends on {end.ends_on}; none is expected after that.",
            f"Add the new days to [{end.name}] in the file of HOURCAST_ANNOUNCEMENTS_FILE.",
            is_coming=days >= 0,
        )


def check_calendars(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the published holidays of a tracked ticker's calendar end within 60 days.

    Raises:
        SettingsError: the operator's file cannot be read.
    """
    use_calendars_file(found.settings.market.calendars_file)
    with reading(engine) as connection:
        names = [str(row["calendar"]) for row in fetch_rows(connection, _CALENDARS)]
    for end, days in _ending(found, calendar_ends(names)):
        yield Problem(
            "calendar",
            f"The holidays of calendar {end.name} are known until {end.ends_on}; later sessions are assumed.",
            "Add holidays in the file of HOURCAST_CALENDARS_FILE, or install a newer exchange_calendars.",
            is_coming=days >= 0,
        )


def _ending(found: Installation, ends: Iterable[ListEnd]) -> Iterator[tuple[ListEnd, int]]:
    """The lists that end within ``SOON_DAYS``, and in how many days."""
    today = found.now().date()
    return ((end, end.days_left(today)) for end in ends if end.days_left(today) <= SOON_DAYS)
