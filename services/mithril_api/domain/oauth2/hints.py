"""`id_token_hint`: an ID token of ours, shown to say who is meant (OIDC Core §3.1.2.1).

It may have expired, and its key may have retired: it opens nothing, and only has to be ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.mithril_api.domain.oauth2.faults import Fault, invalid_request
from shared.models.ids import ClientId
from shared.wire.casting import is_uuid
from shared.wire.jws import Compact

UNFIT = invalid_request("`id_token_hint` is not an ID token of this server for the client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Whom an ID token means, and for which client it was made."""

    subject: str
    client_id: ClientId


def judge(
    shown: Compact,
    claims: Mapping[str, Any] | None,
    *,
    issuer: str,
    client_id: ClientId | None,
) -> Hint | Fault:
    """The hint. `claims` is none where no key of ours signed it; `client_id`, who shows it."""
    if claims is None or shown.header.get("typ") != "JWT":
        return UNFIT
    subject, audience = claims.get("sub"), claims.get("aud")
    if claims.get("iss") != issuer or not isinstance(subject, str):
        return UNFIT
    if not isinstance(audience, str) or not is_uuid(audience):
        return UNFIT
    made_for = ClientId(UUID(audience))
    if client_id is not None and made_for != client_id:
        return UNFIT
    return Hint(subject=subject, client_id=made_for)
