"""A database of the original, which a test fills: rows as the original wrote them."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import bcrypt

SCHEMA = Path(__file__).parent / "original.sql"
PASSWORD = "Correct-Horse-9"
SCOPE = "declaration:read person:read"
REDIRECT = "https://mis.clinic.test/callback"
SYSTEM_USER = UUID("4261eacf-8008-4e62-899f-de1e2f7065f0")


@cache
def bcrypt_of(password: str) -> str:
    """A hash as the original made them, at the least cost."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def a_value() -> str:
    """A token's value as the original made them: base64 of base64, always ending in `09`."""
    return base64.urlsafe_b64encode(base64.b64encode(uuid4().bytes)).decode()


async def create(url: str) -> None:
    """The original's schema in an empty database."""
    conn = await asyncpg.connect(url)
    await conn.execute(SCHEMA.read_text())
    await conn.close()


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """What one doctor of one clinic had in the original."""

    client_id: UUID
    client_type_id: UUID
    role_id: UUID
    connection_id: UUID
    secret: str
    user_id: UUID
    email: str
    app_id: UUID
    access: str
    refresh: str


class Original:
    """Writes rows; every column of a row may be said, the others are as they mostly were."""

    def __init__(self, conn: asyncpg.Connection, url: str) -> None:
        self.conn, self.url = conn, url
        self.now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    async def add(self, table: str, **columns: Any) -> UUID:
        """Insert a row; its id."""
        made = self.now - timedelta(days=1)
        row: dict[str, Any] = {"id": uuid4(), "inserted_at": made, "updated_at": made}
        row.update(columns)
        names = ", ".join(row)
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        await self.conn.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values)  # noqa: S608
        found = row["id"]
        assert isinstance(found, UUID)
        return found

    async def change(self, table: str, row_id: UUID, **columns: Any) -> None:
        """Change a row, as a changeset did: with the time of the change."""
        row = {"updated_at": self.now, **columns}
        said = ", ".join(f"{name} = ${number}" for number, name in enumerate(row, start=2))
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        await self.conn.execute(f"UPDATE {table} SET {said} WHERE id = $1", row_id, *values)  # noqa: S608 — ours

    async def remove(self, table: str, row_id: UUID) -> None:
        """Delete a row and what hangs on it."""
        await self.conn.execute(f"DELETE FROM {table} WHERE id = $1", row_id)  # noqa: S608 — ours

    async def user(self, **columns: Any) -> UUID:
        """A user with a password."""
        row: dict[str, Any] = {
            "email": f"{uuid4()}@clinic.test",
            "password": bcrypt_of(PASSWORD),
            "password_set_at": self.now - timedelta(days=2),
            "settings": {},
            "priv_settings": {"login_hstr": [], "otp_error_counter": 0},
        }
        return await self.add("users", **{**row, **columns})

    async def token(
        self, name: str, user_id: UUID | None, client_id: object, /, **columns: Any
    ) -> str:
        """A token that lives for a day; its value."""
        details = {
            "client_id": str(client_id),
            "grant_type": "authorization_code",
            "scope": SCOPE if name == "access_token" else "",
            **columns.pop("details", {}),
        }
        row: dict[str, Any] = {
            "name": name,
            "value": a_value(),
            "expires_at": self.second(timedelta(days=1)),
            "details": details,
            "user_id": user_id,
            **columns,
        }
        await self.add("tokens", **row)
        value = row["value"]
        assert isinstance(value, str)
        return value

    def second(self, ahead: timedelta) -> int:
        """A moment as tokens have it."""
        return int((self.now.replace(tzinfo=UTC) + ahead).timestamp())

    async def client(self, client_type_id: UUID, user_id: UUID | None, **but: Any) -> UUID:
        """A client whose users sign in with a password."""
        row: dict[str, Any] = {
            "name": "Clinic",
            "user_id": user_id,
            "client_type_id": client_type_id,
            "settings": {"allowed_grant_types": ["password"]},
            "priv_settings": {"access_type": "DIRECT"},
        }
        return await self.add("clients", **{**row, **but})

    async def tenant(self, **but: Any) -> Tenant:
        """A clinic with a doctor who uses it: everything that one refresh needs."""
        mark = uuid4().hex[:8]
        email = but.pop("email", f"doctor-{mark}@clinic.test")
        user_id = await self.user(email=email, **but)
        type_id = await self.add("client_types", name=f"CLINIC {mark}", scope=SCOPE)
        role_id = await self.add("roles", name=f"DOCTOR {mark}", scope=SCOPE)
        client_id = await self.client(type_id, user_id)
        secret = a_value()
        connection_id = await self.add(
            "connections",
            secret=secret,
            redirect_uri=REDIRECT,
            client_id=client_id,
            consumer_id=client_id,
        )
        app_id = await self.add("apps", scope=SCOPE, user_id=user_id, client_id=client_id)
        grant = {"user_id": user_id, "role_id": role_id, "client_id": client_id}
        await self.add("user_roles", **grant)
        refresh = await self.token("refresh_token", user_id, client_id)
        kept = {"refresh_token": refresh, "redirect_uri": REDIRECT}
        access = await self.token("access_token", user_id, client_id, details=kept)
        return Tenant(
            client_id=client_id,
            client_type_id=type_id,
            role_id=role_id,
            connection_id=connection_id,
            secret=secret,
            user_id=user_id,
            email=email,
            app_id=app_id,
            access=access,
            refresh=refresh,
        )
