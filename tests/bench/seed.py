"""Rows to refresh: a clinic, its doctors, a refresh token each; and a table for pgbench."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from services.mithril_api.domain import values
from services.mithril_api.domain.keys import CONNECTION_SECRET, Keyring
from shared.runtime.entropy import SystemEntropy
from tests.bench import load
from tests.processes import SECRET_KEY, SERVICE_TOKEN

SCOPE = [
    f"{thing}:{verb}"
    for thing in ("episode", "encounter", "condition", "observation", "person", "client")
    for verb in ("read", "write")
]
CLIENT_SECRET = "secret-of-the-bench-clinic"


@dataclass(frozen=True)
class Seeded:
    """What the load needs."""

    client_id: UUID
    refresh_values: list[str]
    access_values: list[str]

    def refresh_requests(self, port: int) -> list[bytes]:
        """One ready request a refresh token."""
        return [
            load.post(
                "/oauth/tokens",
                orjson.dumps(
                    {
                        "token": {
                            "grant_type": "refresh_token",
                            "client_id": str(self.client_id),
                            "client_secret": CLIENT_SECRET,
                            "refresh_token": value,
                        }
                    }
                ),
                port=port,
            )
            for value in self.refresh_values
        ]

    def verify_requests(self, port: int) -> list[bytes]:
        """One ready request an access token."""
        return [
            load.get(f"/admin/tokens/{value}/verify", port=port, bearer=SERVICE_TOKEN)
            for value in self.access_values
        ]

    def sign_in_requests(self, port: int, count: int) -> list[bytes]:
        """Sign-ins of nobody: each costs what one with a wrong password does."""
        return [
            load.post(
                "/auth/login",
                orjson.dumps(
                    {
                        "token": {
                            "grant_type": "password",
                            "client_id": str(self.client_id),
                            "email": f"stranger-{number}@bench.test",
                            "password": "no password of anybody",
                            "scope": SCOPE[0],
                        }
                    }
                ),
                port=port,
            )
            for number in range(count)
        ]


async def seed(url: str, *, doctors: int) -> Seeded:
    """Fill a migrated database; the same clinic for all, so locks are shared as in life."""
    entropy, now = SystemEntropy(), datetime.now(UTC)
    client, client_type, role, connection = (entropy.uuid() for _ in range(4))
    users = [entropy.uuid() for _ in range(doctors)]
    digest = Keyring.of([SECRET_KEY]).digest(CONNECTION_SECRET, CLIENT_SECRET)
    conn = await asyncpg.connect(url)
    await conn.execute(
        "INSERT INTO client_types (id, name, scope) VALUES ($1, 'bench', $2)",
        client_type,
        SCOPE,
    )
    await conn.execute(
        "INSERT INTO roles (id, name, scope) VALUES ($1, 'bench', $2)", role, SCOPE
    )
    await conn.executemany(
        "INSERT INTO users (id, email, password_hash) VALUES ($1, $2, '!')",
        [(user, f"{user}@bench.test") for user in users],
    )
    await conn.execute(
        "INSERT INTO clients (id, name, user_id, client_type_id, settings, priv_settings) "
        "VALUES ($1, 'bench', $2, $3, '{\"allowed_grant_types\": [\"password\"]}', "
        '\'{"access_type": "DIRECT"}\')',
        client,
        users[0],
        client_type,
    )
    await conn.execute(
        "INSERT INTO connections (id, redirect_uri, client_id, consumer_id) "
        "VALUES ($1, 'https://bench.test', $2, $2)",
        connection,
        client,
    )
    await conn.execute(
        "INSERT INTO connection_secrets (digest, connection_id) VALUES ($1, $2)",
        digest,
        connection,
    )
    apps = {user: entropy.uuid() for user in users}
    await conn.copy_records_to_table(
        "apps",
        columns=["id", "user_id", "client_id", "scope"],
        records=[(apps[user], user, client, SCOPE) for user in users],
    )
    await conn.copy_records_to_table(
        "user_roles",
        columns=["id", "user_id", "client_id", "role_id"],
        records=[(entropy.uuid(), user, client, role) for user in users],
    )
    kept: dict[str, list[str]] = {"refresh_token": [], "access_token": []}
    rows = []
    for name, made in kept.items():
        for number, user in enumerate(users):
            lives = (
                timedelta(days=1 + number % 13, minutes=1)
                if name == "refresh_token"
                else timedelta(hours=6)
            )
            expires = now + lives
            value = values.compose(expires_at=expires, random=entropy.bits(128))
            made.append(value)
            rows.append(
                (
                    entropy.uuid(),
                    name,
                    values.digest_of(value),
                    user,
                    client,
                    apps[user],
                    connection,
                    entropy.uuid(),
                    SCOPE,
                    expires,
                )
            )
    await conn.copy_records_to_table(
        "tokens",
        columns=[
            "id",
            "name",
            "digest",
            "user_id",
            "client_id",
            "app_id",
            "connection_id",
            "family_id",
            "scope",
            "expires_at",
        ],
        records=rows,
    )
    await conn.execute(
        "CREATE UNLOGGED TABLE bench (name text, i int, digest bytea, day timestamptz, "
        "secret bytea, client_id uuid, PRIMARY KEY (name, i))"
    )
    await conn.copy_records_to_table(
        "bench",
        columns=["name", "i", "digest", "day", "secret", "client_id"],
        records=[
            (
                name,
                number,
                values.digest_of(value),
                _day(value),
                digest,
                client,
            )
            for name, made in kept.items()
            for number, value in enumerate(made)
        ],
    )
    await conn.execute("VACUUM ANALYZE")
    await conn.close()
    return Seeded(client, kept["refresh_token"], kept["access_token"])


def _day(value: str) -> datetime:
    shape = values.shape_of(value)
    if not isinstance(shape, values.Ours):
        raise TypeError("a value made here is ours")
    return shape.day
