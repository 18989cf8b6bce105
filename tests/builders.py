"""Rows for tests: valid by default, so that a test states only what matters to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from services.mithril_api.actions.minting import mint
from services.mithril_api.actions.oauth2.keep_signing_keys import sealed_private
from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import jose
from services.mithril_api.domain.oauth2.jose import Pair
from services.mithril_api.domain.oauth2.signing_keys import Alg, SigningKey
from services.mithril_api.store import signing_keys
from services.mithril_api.store import tokens as token_store
from shared.models.ids import AppId, ClientId, ConnectionId, UserId
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName

SCOPE = ("episode:read", "episode:write", "person:read")


@dataclass(frozen=True, kw_only=True)
class World:
    """One client with a connection, one doctor who consented to it, and a refresh token."""

    client_id: ClientId
    client_secret: str = field(repr=False)
    connection_id: ConnectionId
    redirect_uri: str
    user_id: UserId
    email: str
    password: str
    app_id: AppId
    role_id: UUID
    client_type_id: UUID
    client_type: str
    refresh: Minted

    def refresh_body(self, **but: Any) -> dict[str, Any]:
        """The body of the documented refresh request."""
        token: dict[str, Any] = {
            "grant_type": "refresh_token",
            "client_id": str(self.client_id),
            "client_secret": self.client_secret,
            "refresh_token": self.refresh.value,
        }
        token.update(but)
        return {"token": {name: value for name, value in token.items() if value is not ...}}


async def a_world(
    deps: Deps,
    *,
    scope: Sequence[str] = SCOPE,
    client_settings: dict[str, Any] | None = None,
    priv_settings: dict[str, Any] | None = None,
    password: str = "Correct-Horse-9",
) -> World:
    """Everything that one refresh needs, committed."""
    new = deps.entropy.uuid
    client_type_id, role_id, client_id, connection_id, user_id, app_id = (
        new() for _ in range(6)
    )
    secret, email, client_type = f"secret-{new()}", f"{new()}@clinic.test", f"MSP {new()}"
    redirect_uri = "https://clinic.test/callback"
    digest = deps.settings.keyring.digest(CONNECTION_SECRET, secret)
    async with deps.db.begin() as conn:
        await conn.execute(
            tables.users.insert().values(
                id=user_id,
                email=email,
                password_hash=await deps.passwords.hash(password),
                password_set_at=deps.clock.now(),
            )
        )
        await conn.execute(
            tables.client_types.insert().values(
                id=client_type_id, name=client_type, scope=list(scope)
            )
        )
        await conn.execute(
            tables.roles.insert().values(
                id=role_id, name=f"DOCTOR {new()}", scope=list(scope)
            )
        )
        await conn.execute(
            tables.clients.insert().values(
                id=client_id,
                name="Clinic",
                user_id=user_id,
                client_type_id=client_type_id,
                settings=client_settings or {"allowed_grant_types": ["password"]},
                priv_settings=priv_settings or {"access_type": "DIRECT"},
            )
        )
        await conn.execute(
            tables.connections.insert().values(
                id=connection_id,
                redirect_uri=redirect_uri,
                client_id=client_id,
                consumer_id=client_id,
            )
        )
        await conn.execute(
            tables.connection_secrets.insert().values(
                digest=digest, connection_id=connection_id
            )
        )
        await conn.execute(
            tables.apps.insert().values(
                id=app_id, user_id=user_id, client_id=client_id, scope=list(scope)
            )
        )
        await conn.execute(
            tables.user_roles.insert().values(
                id=new(), user_id=user_id, client_id=client_id, role_id=role_id
            )
        )
    world = World(
        client_id=ClientId(client_id),
        client_secret=secret,
        connection_id=ConnectionId(connection_id),
        redirect_uri=redirect_uri,
        user_id=UserId(user_id),
        email=email,
        password=password,
        app_id=AppId(app_id),
        role_id=role_id,
        client_type_id=client_type_id,
        client_type=client_type,
        refresh=a_token(deps, TokenName.REFRESH, user_id, client_id, scope=scope),
    )
    await store(deps, world.refresh)
    return world


def a_token(
    deps: Deps,
    name: TokenName,
    user_id: UUID,
    client_id: UUID | None,
    *,
    scope: Sequence[str] = SCOPE,
    lives: timedelta = timedelta(days=7),
    **but: Any,
) -> Minted:
    """A token that is not stored yet."""
    now = deps.clock.now()
    values: dict[str, Any] = {
        "grant_type": "authorization_code",
        "now": now,
        "expires_at": now + lives,
    }
    values.update(but)
    return mint(
        deps,
        name,
        user_id=UserId(user_id),
        client_id=None if client_id is None else ClientId(client_id),
        scope=tuple(scope),
        **values,
    )


async def store(deps: Deps, *minted: Minted) -> None:
    """Insert tokens, committed."""
    async with deps.db.begin() as conn:
        await token_store.add(conn, [item.token for item in minted], [])


@cache
def a_pair(alg: Alg) -> Pair:
    """A key pair: the same one in all tests, since an RSA key takes long to make."""
    return jose.generate(alg)


async def give_keys(deps: Deps, *algs: Alg) -> None:
    """Let the service have signing keys already, and sign with them."""
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        for alg in algs or tuple(Alg):
            pair = a_pair(alg)
            key = SigningKey(
                kid=pair.kid,
                alg=alg,
                public_jwk=pair.public_jwk,
                sealed_private=sealed_private(deps, pair.kid, pair.private_jwk),
                inserted_at=now,
                activates_at=now,
            )
            await signing_keys.add(conn, key)
    deps.ring.forget()
