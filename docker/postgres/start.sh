#!/bin/sh
# Runs PostgreSQL as the user `postgres`, without root and without capabilities; the arguments go to the server.
#
# A first start makes the data folder. It is made beside its place and then renamed, so a start that was killed leaves
# nothing that a later one would take for a database.
set -eu
umask 077

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "POSTGRES_PASSWORD is empty; run make env and start again." >&2
        exit 1
    fi
    draft="$PGDATA.new"
    rm -rf "$draft"
    mkdir -p "$(dirname "$PGDATA")"
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
    initdb --pgdata="$draft" --username=postgres --pwfile="$password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
    rm -f "$password"
    mv -T "$draft" "$PGDATA"
fi
if [ ! -O "$PGDATA" ]; then
    echo "$PGDATA belongs to another user than $(id -un) ($(id -u)); docs/operations.md says how to change that." >&2
    exit 1
fi

# The server and its processes need not carry the superuser's password around.
unset POSTGRES_PASSWORD
exec postgres -D "$PGDATA" -c hba_file="$(dirname "$0")/pg_hba.conf" -c listen_addresses='*' \
    -c unix_socket_directories=/var/run/postgresql "$@"
