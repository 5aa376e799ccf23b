"""A request to export views as Parquet: names, months and the target, checked before anything is read.

Pure functions. Where next: ``export.py`` for what a request does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from include.errors import InvalidRequestError
from include.pipeline.onboarding_form import split_names

FIELDS: Final = ("views", "months", "target")
"""The parameters of the form, as ``dags/export_data.py`` names them."""

VIEWS: Final = {"bars": "bar", "features": "feature", "forecasts": "forecast"}
"""What is exported by default: the name of the folder, and the view of schema bi that fills it."""

_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class ExportRequest:
    """Folder name -> view of schema bi, the months (``2026-11``; none: all there are), and the target's address.

    Without an address the files go to ``HOURCAST_EXPORT_URI``.
    """

    views: Mapping[str, str]
    months: tuple[str, ...]
    target: str | None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ExportRequest:
        """The request that the parameters of a DAG run describe.

        Raises:
            InvalidRequestError: the form has no field of that name, or a month is none.
        """
        unknown = [name for name in params if name not in FIELDS]
        if unknown:
            message = f"{unknown[0]!r} is not a parameter; the parameters are {', '.join(FIELDS)}."
            raise InvalidRequestError(message)
        target = (params.get("target") or "").strip()
        return cls.of(params.get("views") or (), params.get("months") or (), target or None)

    @classmethod
    def of(cls, names: Sequence[str], months: Sequence[str], target: str | None) -> ExportRequest:
        """The request for these names; without a name, for bars, features and forecasts.

        Raises:
            InvalidRequestError: a month is none.
        """
        chosen = dict.fromkeys(split_names(names) or VIEWS)
        within = tuple(sorted(set(split_names(months))))
        wrong = [month for month in within if not _MONTH.fullmatch(month)]
        if wrong:
            message = f"{wrong[0]!r} is no month; write it like 2026-11."
            raise InvalidRequestError(message)
        return cls({name.removeprefix("bi."): _view_of(name) for name in chosen}, within, target)


def _view_of(name: str) -> str:
    return VIEWS.get(name, name.removeprefix("bi."))
