"""Tokens of the original: their values become digests here, and go no further."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from services.mithril_api.domain import given_tokens, values
from services.mithril_api.domain.legacy import reading
from services.mithril_api.domain.legacy.findings import Finding, Kind
from services.mithril_api.domain.legacy.moving import (
    Judged,
    Known,
    Row,
    at,
    left_out,
    odd,
    times,
)
from shared.models.tokens import TokenName

_NAMES = {name.value: name for name in TokenName}


def judge_token(row: Row, known: Known) -> Judged:
    """A live token. What it worked for in the original it works for here."""
    name = _NAMES.get(row["name"])
    if name is None:
        return left_out(row, Kind.TOKEN_KIND_UNKNOWN)
    value = row["value"]
    if not value or isinstance(values.shape_of(value), values.Forged):
        return left_out(row, Kind.TOKEN_VALUE_UNUSABLE)
    if not known.has_user(row):
        return left_out(row, Kind.TOKEN_WITHOUT_USER)
    details = reading.json_object(row["details"]) or {}
    client_id = _client_of(details, known)
    if client_id is None:
        return left_out(row, Kind.TOKEN_WITHOUT_CLIENT)
    made, changed, findings = times(row, known)
    asked = "scope_request" if name is TokenName.CODE else "scope"
    scope, kinds = reading.scopes(_text(details.get(asked)))
    if kinds:
        findings += odd(row, kinds)
    digest = values.digest_of(value)
    moved = (
        row["id"],
        name.value,
        digest,
        row["user_id"],
        client_id,
        _uuid(details.get("app_id")),
        _family(row["id"], name, digest, details),
        list(scope),
        _text(details.get("grant_type")),
        orjson.dumps(given_tokens.kept(details)).decode(),
        at(row["expires_at"]),
        changed if name is TokenName.CODE and details.get("used") is True else None,
        made,
        changed,
    )
    return Judged(moved, findings + _of_redirect(details, client_id, known))


def _client_of(details: Mapping[str, Any], known: Known) -> UUID | None:
    said = details.get("client_id")
    if not isinstance(said, str):
        return None
    return known.clients.get(said) or known.clients.get(said.lower())


def _family(
    token_id: UUID, name: TokenName, digest: bytes, details: Mapping[str, Any]
) -> UUID:
    """One for a refresh token and the access token that came with it, which names its value.

    Made of the value, so that neither has to be looked up for the other. The id says nothing of
    the value: that would have to be known to make it.
    """
    if name is TokenName.REFRESH:
        return _family_of(digest)
    partner = details.get("refresh_token")
    if name is TokenName.ACCESS and isinstance(partner, str):
        return _family_of(values.digest_of(partner))
    return token_id


def _family_of(digest: bytes) -> UUID:
    return UUID(bytes=sha256(b"family " + digest).digest()[:16])


def _of_redirect(
    details: Mapping[str, Any], client_id: UUID, known: Known
) -> tuple[Finding, ...]:
    """Whether the client came by a redirect URI that is not registered to the letter."""
    sent = details.get("redirect_uri")
    registered = known.redirects.get(client_id)
    if registered is None or not isinstance(sent, str) or sent in registered:
        return ()
    if not any(reading.matches_loosely(sent, uri) for uri in registered):
        return ()
    return (Finding(Kind.REDIRECT_LOOSE, f"client {client_id}: {reading.shown(sent)}"),)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
