"""The instant from which a filing of the SEC may count as known.

Two places name it, and one of them misleads. The header of a submission has fourteen digits in New York's time. The
list of a company's filings has the same instant with a ``Z`` at its end: for some companies it is UTC, for others it is
New York's time under the wrong name, and for one it has changed between rows. Read as UTC, New York's time would make a
filing known four or five hours before anybody could read it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from include.errors import DataContractError

NEW_YORK: Final = ZoneInfo("America/New_York")


def from_header(digits: str) -> datetime:
    """The instant (UTC) of a header's ``20230315160636``, which is New York's time.

    In the hour that occurs twice in autumn it is the later one.

    Raises:
        DataContractError: the text is no such instant.
    """
    message = f"{digits!r} is no instant of acceptance; 14 digits are expected."
    if not re.fullmatch(r"\s*[0-9]{14}\s*", digits):
        raise DataContractError(message)
    try:
        return datetime.strptime(digits.strip(), "%Y%m%d%H%M%S").replace(tzinfo=NEW_YORK, fold=1).astimezone(UTC)
    except ValueError as error:
        raise DataContractError(message) from error


def from_list(text: str) -> datetime:
    """The latest instant (UTC) that the list's ``2026-02-26T18:34:19.000Z`` can mean: as New York's time.

    A header is exact; this one may be four or five hours late, and is never early.

    Raises:
        DataContractError: the text is no such instant.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no instant of acceptance."
        raise DataContractError(message) from error
    local = read.replace(tzinfo=NEW_YORK, fold=1).astimezone(UTC)
    return max(local, read.astimezone(UTC)) if read.tzinfo else local
