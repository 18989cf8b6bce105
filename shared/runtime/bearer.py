"""Bearer credentials (RFC 6750 §2.1), and the tokens by which services know one another."""

import hmac
from collections.abc import Sequence

from aiohttp import hdrs, web

from shared.wire.dpop import HEADER
from shared.wire.holders import Shown


def bearer_of(request: web.Request, *, header: str = hdrs.AUTHORIZATION) -> str | None:
    """The bearer credential of a request, if it has one."""
    given = request.headers.get(header, "")
    scheme, _, value = given.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        return None
    return value.strip()


def shown_by(request: web.Request) -> Shown | None:
    """The access token of a request, by either scheme, and what is shown beside it.

    Two `Authorization` headers are none: who looks at the one might act by the other.
    """
    given = request.headers.getall(hdrs.AUTHORIZATION, ())
    scheme, _, value = (given[0] if len(given) == 1 else "").partition(" ")
    token = value.strip()
    if not token:
        return None
    match scheme.lower():
        case "bearer":
            return Shown(token=token)
        case "dpop":
            proofs = tuple(request.headers.getall(HEADER, ()))
            return Shown(token=token, scheme="DPoP", proofs=proofs)
        case _:
            return None


def is_service_token(candidate: str | None, tokens: Sequence[bytes]) -> bool:
    """Whether a credential is one of ours; compares with every one, in constant time."""
    if candidate is None:
        return False
    given = candidate.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(given, token) for token in tokens]
    return any(matches)
