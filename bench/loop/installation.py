"""The installation of the trial: that of a soak, with the simulated market's files and a small network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.soak.product import Product, environment_of
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import LOGIN_NAME, load_password
from include.pipeline.services import Services, open_services
from include.settings import load_settings

BARS: Final = "bars"
"""Folder of the market's files, beside the installation's local folder."""
_SMALL: Final = {
    "HOURCAST_CONTEXT_BARS": "16",
    "HOURCAST_MODEL_WIDTH": "16",
    "HOURCAST_MODEL_LAYERS": "1",
    "HOURCAST_MODEL_HEADS": "2",
    "HOURCAST_FIRST_TRAINING_STEPS": "2",
    "HOURCAST_NIGHT_REFRESHES": "0",  # the market has no extended hours
    "HOURCAST_BACKBONE_MAX_AGE_DAYS": "0",  # what is shown is that drift starts a training; age would start it as well
    "HOURCAST_SHARD_COUNT": "1",
    "HOURCAST_TRAINING_POLICY": "never",  # so that hours are quick, and what heals is the backbone or the calibration
}
_KEPT: Final = (
    "HOURCAST_MODEL_RETENTION_DAYS",
    "HOURCAST_REVISION_RETENTION_DAYS",
    "HOURCAST_LOG_RETENTION_DAYS",
    "HOURCAST_AIRFLOW_RETENTION_DAYS",
)
"""Settings of a soak that do not hold here: the defaults do."""


def settings_of(inherited: Mapping[str, str], local_dir: Path) -> dict[str, str]:
    """The environment with the settings of the trial and no others of ours."""
    found = environment_of(inherited, local_dir)
    return (
        {name: value for name, value in found.items() if name not in _KEPT}
        | _SMALL
        | {"HOURCAST_BARS_DIR": str(local_dir.parent / BARS)}
    )


def services_of(product: Product) -> Services:
    """The product's services in this process, with the settings and the role that Airflow's tasks have."""
    own = {name: value for name, value in product.environment.items() if name.startswith("HOURCAST_")}
    return open_services(load_settings(own))


class Marker(AirflowApi):
    """Airflow's REST API, with what a person does on the page: a task is marked as succeeded."""

    def mark_success(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Marks a task that has not begun as succeeded, so that those after it run."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}", _SUCCESS)


_SUCCESS: Final[dict[str, Any]] = {"new_state": "success"}


def marker_of(product: Product) -> Marker:
    """The API of a running installation, with marks."""
    return Marker(product.api.url, LOGIN_NAME, load_password(product.paths))
