"""MLflow's server in its container, on the compose file's Postgres, whose tables are first brought to this version.

The role's password is in ``PGPASSWORD``, which Postgres' client reads itself: no argument and no log shows it. Which
names the server answers to is in ``MLFLOW_SERVER_ALLOWED_HOSTS``. ``docker/experiments/start.sh`` runs it.
"""

from __future__ import annotations

from typing import Final

from mlflow.cli import cli

DATABASE: Final = "postgresql+psycopg2://mlflow@postgres:5432/mlflow"
ARTEFACTS: Final = "/var/lib/hourcast/mlflow"
PORT: Final = 5000


def main() -> None:
    """Makes or upgrades the tables, and serves until the container ends. MLflow is imported once for both."""
    cli(["db", "upgrade", DATABASE], standalone_mode=False)
    options = ["--backend-store-uri", DATABASE, "--artifacts-destination", ARTEFACTS]
    # The compose network reaches it; the host publishes it on the loopback only.
    cli(["server", *options, "--host", "0.0.0.0", "--port", str(PORT), "--workers", "1"])  # noqa: S104  # a container


if __name__ == "__main__":
    main()
