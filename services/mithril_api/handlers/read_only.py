"""Which routes of mithril-api only read, where that is not what their method says."""

from aiohttp import web

from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from services.mithril_api.handlers.oauth2.answers import OAuthError, refusal
from shared.runtime import read_only

_READS = frozenset(
    {
        ("POST", "/admin/tokens/verify"),
        ("POST", "/oauth2/introspect"),
        ("POST", "/oauth2/userinfo"),
    }
)
_CHANGES = frozenset(
    {
        ("GET", "/oauth/nonce"),  # a nonce is kept until it is used
        ("GET", "/oauth2/authorize"),  # and so is what was asked for
        ("GET", "/oauth2/logout"),
        ("GET", "/oauth/user/factors"),  # takes its turn beside changes of factors
    }
)


def refuse_changes(app: web.Application) -> None:
    """Answer 503 to changes, as each kind of endpoint does."""
    read_only.refuse_changes(
        app, reads=_READS, changes=_CHANGES, refusals={"/oauth2/": _of_standards}
    )


def _of_standards(_: web.Request) -> web.StreamResponse:
    fault = Fault(ErrorCode.TEMPORARILY_UNAVAILABLE, read_only.TEXT)
    return refusal(OAuthError(fault, headers=read_only.RETRY_AFTER))
