"""Bearer credentials (RFC 6750 §2.1), and the tokens by which services know one another."""

import hmac
from collections.abc import Sequence

from aiohttp import hdrs, web


def bearer_of(request: web.Request, *, header: str = hdrs.AUTHORIZATION) -> str | None:
    """The bearer credential of a request, if it has one."""
    given = request.headers.get(header, "")
    scheme, _, value = given.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        return None
    return value.strip()


def is_service_token(candidate: str | None, tokens: Sequence[bytes]) -> bool:
    """Whether a credential is one of ours; compares with every one, in constant time."""
    if candidate is None:
        return False
    given = candidate.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(given, token) for token in tokens]
    return any(matches)
