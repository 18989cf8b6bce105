"""SQL over tokens. Every function takes the caller's connection.

A look-up always knows when the token expires (from its value, or from token_expiries), so it
reads one partition. Revocation marks rows; only what an operator asks to be deleted is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Update,
    delete,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain import values
from services.mithril_api.domain.records import EXCHANGED_CLIENTS, EXCHANGED_FROM, Token
from services.mithril_api.store import sql
from shared.events.envelope import Message
from shared.models.ids import AppId, ClientId, FamilyId, TokenId, UserId
from shared.models.schema.mithril import token_expiries
from shared.models.schema.mithril import tokens as t
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import driver_of

_ADD = sql.load("add_tokens_and_events")
_ROTATE = sql.load("rotate_tokens_and_events")


async def add(
    conn: AsyncConnection, tokens: Sequence[Token], messages: Sequence[Message]
) -> None:
    """Insert tokens and the events that tell of them, in one round trip."""
    if not tokens and not messages:
        return
    await driver_of(conn).execute(
        _ADD, *_columns(tokens), *outbox.columns(messages), [], []
    )


async def add_from(
    conn: AsyncConnection,
    parents: Sequence[Token],
    tokens: Sequence[Token],
    messages: Sequence[Message],
) -> bool:
    """Insert tokens and events if none of `parents` was revoked or spent since it was read.

    One statement that needs no transaction around it: it holds the parents' rows, so a
    revocation under way is waited for and seen, and one that comes later sees what this
    inserted. False: nothing was inserted. `messages` is not empty.
    """
    status: str = await driver_of(conn).execute(
        _ADD,
        *_columns(tokens),
        *outbox.columns(messages),
        [parent.id for parent in parents],
        [parent.expires_at for parent in parents],
    )
    return status != "INSERT 0 0"


async def rotate_from(
    conn: AsyncConnection,
    parents: Sequence[Token],
    spent: Sequence[tuple[Token, Token]],
    tokens: Sequence[Token],
    messages: Sequence[Message],
    *,
    at: datetime,
) -> bool:
    """The same, and mark tokens as spent, each followed by its successor.

    Whoever holds the rows already gives no parents.
    """
    status: str = await driver_of(conn).execute(
        _ROTATE,
        *_columns(tokens),
        *outbox.columns(messages),
        [parent.id for parent in parents],
        [parent.expires_at for parent in parents],
        at,
        [token.id for token, _ in spent],
        [token.expires_at for token, _ in spent],
        [successor.id for _, successor in spent],
        [successor.expires_at for _, successor in spent],
    )
    return status != "INSERT 0 0"


def _columns(tokens: Sequence[Token]) -> tuple[list[Any], ...]:
    return (
        [token.id for token in tokens],
        [str(token.name) for token in tokens],
        [token.digest for token in tokens],
        [token.user_id for token in tokens],
        [token.client_id for token in tokens],
        [token.app_id for token in tokens],
        [token.connection_id for token in tokens],
        [token.family_id for token in tokens],
        [token.generation for token in tokens],
        [" ".join(token.scope) for token in tokens],
        [token.grant_type for token in tokens],
        [orjson.dumps(token.details).decode() for token in tokens],
        [token.expires_at for token in tokens],
        [token.inserted_at for token in tokens],
    )


async def remember_expiry(
    conn: AsyncConnection, *, digest: bytes, name: TokenName, expires_at: datetime
) -> bool:
    """Note where a value that does not tell its expiry is kept. False: it is kept already."""
    statement = (
        postgresql.insert(token_expiries)
        .values(digest=digest, name=name, expires_at=expires_at)
        .on_conflict_do_nothing()
    )
    return (await conn.execute(statement)).rowcount == 1


async def find(conn: AsyncConnection, value: str, name: TokenName) -> Token | None:
    """The token with this value and name; a forged value costs no query."""
    return await _find(conn, value, name, lock=False)


async def lock(conn: AsyncConnection, value: str, name: TokenName) -> Token | None:
    """The same, and its row is held until the transaction ends.

    The lock makes single use single: of two exchanges of one code, the second reads the row
    only after the first has marked it.
    """
    return await _find(conn, value, name, lock=True)


async def _find(
    conn: AsyncConnection, value: str, name: TokenName, *, lock: bool
) -> Token | None:
    shape = values.shape_of(value)
    if isinstance(shape, values.Forged):
        return None
    digest = values.digest_of(value)
    bounds = await _bounds(conn, digest, name, shape)
    if bounds is None:
        return None
    query = select(t).where(
        t.c.digest == digest,
        t.c.name == name,
        t.c.expires_at >= bounds[0],
        t.c.expires_at < bounds[1],
    )
    if lock:
        query = query.with_for_update(key_share=True)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else token_of(row)


async def lock_presented(
    conn: AsyncConnection, value: str, *, preferred: TokenName
) -> Token | None:
    """The token with this value, whatever its kind, its row held until the transaction ends.

    Values moved in may be shared by two kinds: then it is the preferred one.
    """
    query = await _presented(conn, value, preferred)
    if query is None:
        return None
    row = (await conn.execute(query.with_for_update(key_share=True))).one_or_none()
    return None if row is None else token_of(row)


async def owner_of_presented(
    conn: AsyncConnection, value: str, *, preferred: TokenName
) -> UserId | None:
    """Whose that token is, whatever its state: for who must hold the user's row first."""
    query = await _presented(conn, value, preferred)
    if query is None:
        return None
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else UserId(row.user_id)


async def _presented(
    conn: AsyncConnection, value: str, preferred: TokenName
) -> Select[Any] | None:
    shape = values.shape_of(value)
    if isinstance(shape, values.Forged):
        return None
    digest = values.digest_of(value)
    kept = select(token_expiries.c.expires_at).where(token_expiries.c.digest == digest)
    spans = [t.c.expires_at == known for known in (await conn.execute(kept)).scalars()]
    if isinstance(shape, values.Ours):
        next_day = shape.day + timedelta(days=1)
        spans.append((t.c.expires_at >= shape.day) & (t.c.expires_at < next_day))
    if not spans:
        return None
    found = select(t).where(t.c.digest == digest, or_(*spans))
    return found.order_by(t.c.name != preferred).limit(1)


async def _bounds(
    conn: AsyncConnection, digest: bytes, name: TokenName, shape: values.Shape
) -> tuple[datetime, datetime] | None:
    """Between which moments the token expires, if that is known."""
    query = select(token_expiries.c.expires_at).where(
        token_expiries.c.digest == digest, token_expiries.c.name == name
    )
    known = (await conn.execute(query)).scalar_one_or_none()
    if known is not None:
        return known, known + timedelta(microseconds=1)
    if isinstance(shape, values.Ours):
        return shape.day, shape.day + timedelta(days=1)
    return None


async def by_id(conn: AsyncConnection, token_id: TokenId) -> Token | None:
    """A token by id: reads the index of each partition, so it is for operators only."""
    row = (await conn.execute(select(t).where(t.c.id == token_id))).one_or_none()
    return None if row is None else token_of(row)


async def by_reference(
    conn: AsyncConnection, references: Sequence[tuple[TokenId, datetime]]
) -> dict[TokenId, Token]:
    """Tokens by id and expiry: a partition each."""
    if not references:
        return {}
    statement = text(
        "SELECT t.* FROM unnest(cast(:ids AS uuid[]), cast(:ends AS timestamptz[])) "
        "AS q (id, ends) CROSS JOIN LATERAL "
        "(SELECT * FROM tokens t WHERE t.id = q.id AND t.expires_at = q.ends) t"
    )
    ids, ends = zip(*references, strict=True)
    rows = await conn.execute(statement, {"ids": list(ids), "ends": list(ends)})
    return {TokenId(row.id): token_of(row) for row in rows}


async def spend(
    conn: AsyncConnection, token: Token, *, at: datetime, successor: Token | None = None
) -> None:
    """Mark a single-use token as used, and by which successor it was followed."""
    statement = (
        update(t)
        .where(t.c.id == token.id, t.c.expires_at == token.expires_at)
        .values(
            used_at=at,
            updated_at=at,
            successor_id=None if successor is None else successor.id,
            successor_expires_at=None if successor is None else successor.expires_at,
        )
    )
    await conn.execute(statement)


async def note_details(
    conn: AsyncConnection, token: Token, details: Mapping[str, Any]
) -> None:
    """Replace what is noted with a token whose row the caller holds."""
    statement = update(t).where(is_token(token)).values(details=dict(details))
    await conn.execute(statement)


async def mark_revoked(conn: AsyncConnection, token: Token, *, at: datetime) -> None:
    """Revoke one token even where it has expired already."""
    statement = update(t).where(is_token(token)).values(revoked_at=at, updated_at=at)
    await conn.execute(statement)


def of_user(user_id: UserId, *, client_id: ClientId | None = None) -> ColumnElement[bool]:
    """Selects every token of a user, or those for one client and what they were exchanged for."""
    chosen = t.c.user_id == user_id
    if client_id is None:
        return chosen
    exchanged = t.c.details.contains({EXCHANGED_CLIENTS: [str(client_id)]})
    return chosen & ((t.c.client_id == client_id) | exchanged)


def _of_client(client_id: ClientId) -> ColumnElement[bool]:
    return t.c.client_id == client_id


def _exchanged_of(client_id: ClientId) -> ColumnElement[bool]:
    """Selects what services got for tokens of a client; its own tokens lead to the users' index."""
    own = t.alias("own")
    users = select(own.c.user_id).where(own.c.client_id == client_id)
    exchanged = t.c.details.contains({EXCHANGED_CLIENTS: [str(client_id)]})
    return t.c.user_id.in_(users) & exchanged


def of_family(user_id: UserId, family_id: FamilyId) -> ColumnElement[bool]:
    """Selects what grew from one consent or sign-in; the user leads to the index."""
    return (t.c.user_id == user_id) & (t.c.family_id == family_id)


def of_app(user_id: UserId, client_id: ClientId, app_id: AppId) -> ColumnElement[bool]:
    """Selects what an approval allowed, those moved in without its id included."""
    mine = of_user(user_id, client_id=client_id)
    return mine & ((t.c.app_id == app_id) | t.c.app_id.is_(None))


def with_value(value: str) -> ColumnElement[bool]:
    """Selects tokens of this value, whatever their kind; beside `of_user`, which has an index."""
    return t.c.digest == values.digest_of(value)


def named(*names: TokenName) -> ColumnElement[bool]:
    """Selects tokens of these kinds."""
    return t.c.name.in_(names)


def is_token(token: Token) -> ColumnElement[bool]:
    """Selects exactly this token."""
    return (t.c.id == token.id) & (t.c.expires_at == token.expires_at)


def with_exchanged(token: Token) -> ColumnElement[bool]:
    """Selects this token and all that it was exchanged for; the user leads to the index."""
    family = of_family(token.user_id, token.family_id)
    return is_token(token) | (family & exchanged_from(token.id))


def exchanged_from(token_id: TokenId) -> ColumnElement[bool]:
    """Selects all that a token was exchanged for; beside what has an index."""
    return t.c.details.contains({EXCHANGED_FROM: [str(token_id)]})


async def chosen_ids(conn: AsyncConnection, chosen: ColumnElement[bool]) -> list[TokenId]:
    """The ids of the tokens that `chosen` selects."""
    return list(map(TokenId, (await conn.execute(select(t.c.id).where(chosen))).scalars()))


async def revoke(
    conn: AsyncConnection, chosen: ColumnElement[bool], *, at: datetime
) -> int:
    """Revoke the live tokens that `chosen` selects. Returns how many.

    Again until nothing is left, because a refresh under way holds its refresh token: a
    statement waits for it, but what that refresh inserted is invisible to the statement's
    snapshot, and its successor may be in use before the next one comes. A statement that
    finds nothing met no refresh either: the token of one would have been live.
    """
    total = 0
    while count := (await conn.execute(_revocation(chosen, at))).rowcount:
        total += count
    return total


async def revoke_of_client(
    conn: AsyncConnection, client_id: ClientId, *, at: datetime
) -> int:
    """Revoke the live tokens of a client, and what services got for them. Returns how many."""
    own = await revoke(conn, _of_client(client_id), at=at)
    # After its own, which an exchange under way holds: then what it inserted is seen.
    return own + await revoke(conn, _exchanged_of(client_id), at=at)


async def remove_of_client(
    conn: AsyncConnection, client_id: ClientId, *, at: datetime
) -> int:
    """Delete the tokens of a client, and what services got for them. Returns how many were live."""
    own = await revoke(conn, _of_client(client_id), at=at)
    exchanged = await remove(
        conn, _exchanged_of(client_id), at=at
    )  # while its own lead there
    return own + len(exchanged) + len(await remove(conn, _of_client(client_id), at=at))


async def remove(
    conn: AsyncConnection, chosen: ColumnElement[bool], *, at: datetime
) -> list[TokenId]:
    """Delete the tokens that `chosen` selects. Returns those that were live.

    They are revoked first, so that no refresh under way adds one after the deletion.
    """
    live: list[TokenId] = []
    revocation = _revocation(chosen, at).returning(t.c.id)
    while ended := (await conn.execute(revocation)).scalars().all():
        live.extend(map(TokenId, ended))
    gone = delete(t).where(chosen).returning(t.c.digest, t.c.name).cte("gone")
    kept = tuple_(token_expiries.c.digest, token_expiries.c.name)
    await conn.execute(delete(token_expiries).where(kept.in_(select(gone))))
    return live


def _revocation(chosen: ColumnElement[bool], at: datetime) -> Update:
    live = (t.c.revoked_at.is_(None), t.c.expires_at > at)
    return update(t).where(chosen, *live).values(revoked_at=at, updated_at=at)


def token_of(row: Row[Any]) -> Token:
    """A row of tokens as a value."""
    return token_from(dict(row._mapping))  # noqa: SLF001 — documented, underscored for columns' sake


def token_from(record: Mapping[str, Any]) -> Token:
    """The same from what the driver itself returns."""
    return Token(
        id=record["id"],
        name=TokenName(record["name"]),
        digest=record["digest"],
        user_id=record["user_id"],
        client_id=record["client_id"],
        app_id=record["app_id"],
        connection_id=record["connection_id"],
        family_id=record["family_id"],
        generation=record["generation"],
        scope=tuple(record["scope"]),
        grant_type=record["grant_type"],
        details=_details(record["details"]),
        expires_at=record["expires_at"],
        revoked_at=record["revoked_at"],
        used_at=record["used_at"],
        successor_id=record["successor_id"],
        successor_expires_at=record["successor_expires_at"],
        inserted_at=record["inserted_at"],
    )


def _details(raw: Any) -> dict[str, Any]:
    # Core decodes JSONB; a statement sent to the driver as it is does not.
    return orjson.loads(raw) if isinstance(raw, str) else dict(raw)
