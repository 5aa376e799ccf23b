#!/bin/sh
# What a container of the image runs: `migrate`, `restore`, an Airflow component with its arguments, or a whole command
# that begins with `airflow` or `python`, as Kubernetes gives it.
set -eu

# .env leaves what is not used empty, and some clients of S3 take an empty value for one.
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_ENDPOINT_URL; do
    [ -n "$(printenv "$name")" ] || unset "$name"
done

case "${1:-}" in
migrate)
    # Each step may be repeated: a container killed at any point is simply started again.
    python docker/roles.py
    airflow db migrate
    python -m include.cli migrate
    slots=$(python -c 'from include.settings import load_settings; print(load_settings().schedule.training_slots)')
    airflow pools set training "$slots" "One slot a core: a training task uses one thread"
    ;;
restore)
    # Brings a backup into the databases of an installation that is new; its tasks must not run meanwhile.
    python docker/roles.py
    exec python -m include.cli "$@"
    ;;
api-server)
    # The login and the token for metrics are read from files; Airflow's processes need not carry them around.
    umask 077
    python docker/login.py "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
    printf '%s\n' "$METRICS_TOKEN" >"$HOURCAST_METRICS_TOKEN_FILE"
    unset AIRFLOW_ADMIN_PASSWORD METRICS_TOKEN
    exec airflow "$@"
    ;;
airflow | python)
    exec "$@"
    ;;
"")
    echo "Name what to run: migrate, or an Airflow component such as scheduler." >&2
    exit 2
    ;;
*)
    exec airflow "$@"
    ;;
esac
