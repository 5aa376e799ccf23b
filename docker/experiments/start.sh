#!/bin/sh
# What a container of MLflow's image runs: `serve`, or `mirror` and `check` of `python -m tracking` with their options.
set -eu

# .env leaves what is not used empty, and some clients of S3 take an empty value for one.
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_ENDPOINT_URL; do
    [ -n "$(printenv "$name")" ] || unset "$name"
done

case "${1:-}" in
serve)
    exec python -m tracking.server
    ;;
mirror | check)
    exec python -m tracking "$@"
    ;;
*)
    echo "Name what to run: serve, mirror or check." >&2
    exit 2
    ;;
esac
