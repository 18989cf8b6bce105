#!/usr/bin/env bash
# Run once by the image of PostgreSQL, on an empty volume: a database for each service that
# owns one, and a role that can reach no other.
set -euo pipefail

ask() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" \
    --dbname=postgres "$@"
}

for name in mithril abac audit; do
  variable="$(tr '[:lower:]' '[:upper:]' <<<"$name")_DB_PASSWORD"
  ask --set=name="$name" --set=password="${!variable}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done

# What abac-log-consumer turns into once connected (MITHRIL_AUDIT_DB_ROLE). Its migrations, which
# may not make roles, say what it may do: add records and read them, never change or remove one.
ask <<'SQL'
CREATE ROLE mithril_audit NOLOGIN;
GRANT mithril_audit TO audit;
SQL
