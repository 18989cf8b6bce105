"""SQL for the security check: what is registered, as far as practice has an opinion of it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.oauth2 import client_metadata
from services.mithril_api.domain.oauth2.client_metadata import (
    BY_CERTIFICATE,
    SECRETS,
    Method,
)
from services.mithril_api.domain.security_check import Registered
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import connection_secrets as s
from shared.models.schema.mithril import connections as cn
from shared.models.tokens import RefreshPolicy

_BY_KEY = BY_CERTIFICATE | {Method.PRIVATE_KEY_JWT}
_OLD = timedelta(days=365)
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


async def registered(conn: AsyncConnection, *, now: datetime) -> Registered:
    """All clients and connections of the database, looked at once."""
    rows = (await conn.execute(select(c.c.id, c.c.settings))).all()
    known = [(str(row.id), client_metadata.read(row.settings)) for row in rows]
    uris = list((await conn.execute(select(cn.c.redirect_uri))).scalars())
    secrets = (
        select(
            s.c.inserted_at,
            cn.c.inserted_at.label("made_at"),
            cn.c.last_used_at,
            cn.c.client_id,
        )
        .join(cn, cn.c.id == s.c.connection_id)
        .where(s.c.expires_at.is_(None))
    )
    kept = (await conn.execute(secrets)).all()
    having = {str(row.client_id) for row in kept}
    return Registered(
        plain_redirects=[uri for uri in uris if _is_plain(uri)],
        loose_redirects=[uri for uri in uris if "#" in uri or "*" in uri],
        reusing=sum(
            not item.is_public and item.refresh_policy is not RefreshPolicy.ROTATE
            for _, item in known
        ),
        public=sum(item.is_public for _, item in known),
        unreadable=[name for name, item in known if not item.methods or item.unkept],
        bearing=sum(not item.is_bound for _, item in known),
        by_secret=sum(not SECRETS.isdisjoint(item.methods) for _, item in known),
        half_bound=[
            name
            for name, item in known
            if name in having and (item.is_bound or not _BY_KEY.isdisjoint(item.methods))
        ],
        old_secrets=sum(now - row.inserted_at > _OLD for row in kept),
        unused_secrets=sum(now - (row.last_used_at or row.made_at) > _OLD for row in kept),
    )


def _is_plain(uri: str) -> bool:
    return uri.startswith("http://") and not uri.startswith(_LOOPBACK)
