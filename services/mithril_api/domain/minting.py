"""How tokens are made: ids, values and lifetimes from what is passed in."""

from dataclasses import dataclass, field

from services.mithril_api.domain.records import Token
from shared.events.tokens import TokenIssued


@dataclass(frozen=True, slots=True)
class Minted:
    """A token and its value, which is shown once and then forgotten."""

    token: Token
    value: str = field(repr=False)


def issued(token: Token) -> TokenIssued:
    """The event that tells of a new token."""
    return TokenIssued(
        token_id=token.id,
        name=token.name,
        user_id=token.user_id,
        client_id=token.client_id,
        app_id=token.app_id,
        family_id=token.family_id,
        grant_type=token.grant_type,
        scope=token.scope,
        expires_at=token.expires_at,
    )
