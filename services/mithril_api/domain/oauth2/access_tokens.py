"""Access tokens that say what they are: JWTs (RFC 9068), for clients or resources that want them.

Each is kept among the tokens like any other, by the digest of its text, so whoever asks us is
told the same as of an opaque one; whoever checks the signature alone takes it to its end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from services.mithril_api.domain.oauth2.introspection import audience_of, subject_of
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.domain.records import Token
from shared.models.scopes import joined

TYP = "at+jwt"
_MOST = 4096  # letters of scope and audience: a header of 8 kB has to hold all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class AsJwt:
    """How access tokens are written; none of `only_for`: whatever they are for."""

    alg: Alg
    issuer: str
    only_for: frozenset[str] = frozenset()

    def is_for(self, resources: Collection[str]) -> bool:
        """Whether a token for these resources is a JWT."""
        return not self.only_for or not self.only_for.isdisjoint(resources)

    def has_room_for(self, scope: Collection[str], resources: Collection[str]) -> bool:
        """Whether a token that says all of this can be sent in a header."""
        if not self.is_for(resources):
            return True
        return sum(map(len, scope)) + len(scope) + sum(map(len, resources)) <= _MOST


def compose(
    token: Token, signer: Signer, *, issuer: str, signed_in: SignedIn | None
) -> str:
    """The text of an access token (RFC 9068 §2.2). Without resources it is for us alone."""
    audience = audience_of(token) or [issuer]
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject_of(token),
        "aud": audience[0] if len(audience) == 1 else audience,
        "client_id": str(token.client_id),
        "iat": int(token.inserted_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "jti": str(token.id),
        "scope": joined(token.scope),
    }
    if signed_in is not None and signed_in.auth_time is not None:
        claims["auth_time"] = signed_in.auth_time
    if signed_in is not None and signed_in.amr:
        claims["amr"] = list(signed_in.amr)
    claims |= {
        name: token.details[name] for name in ("act", "cnf") if name in token.details
    }
    return signer.sign(claims, typ=TYP)
