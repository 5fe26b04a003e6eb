#!/bin/sh
# Brings Temporal's two databases to the schema of this server version; again, it changes nothing.
set -eu

for database in temporal temporal_visibility; do
    case "$database" in
        temporal) schema=temporal ;;
        *) schema=visibility ;;
    esac
    set -- temporal-sql-tool --plugin postgres12 --ep postgresql --port 5432 --user temporal --db "$database"
    "$@" setup-schema --version 0.0
    "$@" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
