#!/bin/sh
# What a container of the image runs: `migrate`, or an Airflow component with its arguments.
set -eu

case "${1:-}" in
migrate)
    # Each step may be repeated: a container killed at any point is simply started again.
    python docker/roles.py
    airflow db migrate
    python -m include.cli migrate
    slots=$(python -c 'from include.settings import load_settings; print(load_settings().schedule.training_slots)')
    airflow pools set training "$slots" "One slot a core: a training task uses one thread"
    ;;
api-server)
    # The simple auth manager reads its passwords from a file; Airflow's processes need not carry this one around.
    umask 077
    python docker/login.py "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
    unset AIRFLOW_ADMIN_PASSWORD
    exec airflow "$@"
    ;;
"")
    echo "Name what to run: migrate, or an Airflow component such as scheduler." >&2
    exit 2
    ;;
*)
    exec airflow "$@"
    ;;
esac
