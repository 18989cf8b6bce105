#!/usr/bin/env bash
# Run once by the image of PostgreSQL, on an empty volume: a database for each service that
# owns one, and a role that can reach no other.
set -euo pipefail

for name in mithril abac audit; do
  variable="$(tr '[:lower:]' '[:upper:]' <<<"$name")_DB_PASSWORD"
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" \
    --dbname=postgres --set=name="$name" --set=password="${!variable}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
