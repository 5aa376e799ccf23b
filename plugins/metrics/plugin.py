"""What Airflow loads: the app under ``/hourcast``, which has ``/hourcast/metrics`` alone."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.metrics.app import create_app

URL_PREFIX = "/hourcast"


class MetricsPlugin(AirflowPlugin):
    """The endpoint for Prometheus."""

    name = "hourcast_metrics"
    fastapi_apps: list[Any] = [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "hourcast-metrics"}]  # noqa: RUF012  # Airflow's class attributes
