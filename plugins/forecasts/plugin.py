"""What Airflow loads: the app under ``/forecasts``, and its view "Forecasts" in the navigation.

A change of this folder's Python files needs a restart of the API server. Where next: ``app.py``.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.forecasts.app import create_app

URL_PREFIX = "/forecasts"

_VIEW = {
    "name": "Forecasts",
    "href": "forecasts/",  # without a slash in front it also works below a sub-path of a proxy
    "destination": "nav",
    "nav_top_level": True,
    "url_route": "forecasts",
    "icon": "forecasts/static/icon.svg",
    "icon_dark_mode": "forecasts/static/icon-dark.svg",
}

_RUN = "forecasts/run?dag_id={DAG_ID}"
_TABS = [
    {"destination": "dag", "url_route": "forecasts-dag", "href": _RUN},
    {"destination": "dag_run", "url_route": "forecasts-run", "href": f"{_RUN}&run_id={{RUN_ID}}"},
    {
        "destination": "task_instance",
        "url_route": "forecasts-task",
        "href": f"{_RUN}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}",
    },
]
"""Airflow shows a tab at every DAG; at those that are not ours the page says so."""


class ForecastsPlugin(AirflowPlugin):
    """The page of forecasts and its API."""

    name = "forecasts"
    fastapi_apps: list[Any] = [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "forecasts"}]  # noqa: RUF012  # Airflow's class attributes
    external_views: list[Any] = [_VIEW, *({**_VIEW, "nav_top_level": False, **tab} for tab in _TABS)]  # noqa: RUF012  # Airflow's class attributes
