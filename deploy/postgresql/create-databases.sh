#!/bin/sh
# Runs once, when the data volume is empty: a role and its own databases for Temporal, the register and billing.
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    --set temporal="$TEMPORAL_DB_PASSWORD" --set register="$REGISTER_DB_PASSWORD" --set billing="$BILLING_DB_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE ROLE register LOGIN PASSWORD :'register';
CREATE ROLE billing LOGIN PASSWORD :'billing';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE register OWNER register;
CREATE DATABASE billing OWNER billing;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, register, billing FROM PUBLIC;
SQL
