"""/verify: what a proxy asks before it lets a request through (spec §7.2).

200 with the consumer's headers, which are always all there, so that they take the place of
whatever the caller sent; else the status and body of the contract.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from services.gatekeeper.actions.check import Allowed, CheckAsked, Denied, check
from services.gatekeeper.domain.originals import Original, original_of
from services.gatekeeper.handlers.keys import DEPS
from services.gatekeeper.settings import Settings
from shared.peers.mithril import VerifiedToken
from shared.runtime.bearer import shown_by
from shared.runtime.http import META, note
from shared.runtime.ingress import certificate_of
from shared.wire import holders
from shared.wire.certificates import Certificate
from shared.wire.holders import Shown

REFUSAL = "X-Refusal"  # for nginx, which throws the body of a refused subrequest away
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST_MESSAGE = 512


async def any_verify(request: web.Request) -> web.Response:
    """Check the original request."""
    deps = request.app[DEPS]
    original = original_of(
        deps.settings.dialect,
        method=request.method,
        target=request.raw_path,
        values_of=lambda name: request.headers.getall(name, ()),
    )
    if original is None:
        text = "The proxy does not say which request this is about."
        return _denied(request, None, Denied(400, "request_malformed", text, "unreadable"))
    shown = _with_certificate(request, _shown(request, original, deps.settings))
    asked = CheckAsked(
        original=original,
        shown=shown,
        api_key=_only(request, "api-key"),
        request_id=request[META].request_id,
    )
    outcome = await check(deps, asked)
    if isinstance(outcome, Denied):
        return _denied(request, original, outcome, shown)
    return _allowed(request, outcome)


def _allowed(request: web.Request, outcome: Allowed) -> web.Response:
    request.app[DEPS].metrics.allowed.inc()
    verified = outcome.kept.verified
    if isinstance(verified, VerifiedToken):
        note(
            request,
            outcome="allowed",
            user_id=verified.user_id,
            client_id=verified.client_id,
        )
    else:
        note(request, outcome="allowed", client_id=verified.client_id)
    headers: Mapping[str, str] = outcome.kept.headers
    if outcome.extra:
        headers = {**headers, **outcome.extra}
    return web.Response(headers=headers)


def _denied(
    request: web.Request,
    original: Original | None,
    denied: Denied,
    shown: Shown | None = None,
) -> web.Response:
    deps = request.app[DEPS]
    deps.metrics.checks.labels(denied.outcome).inc()
    note(request, outcome=denied.outcome)
    if denied.kept is not None:
        verified = denied.kept.verified
        note(request, client_id=str(verified.client_id))
        if isinstance(verified, VerifiedToken):
            note(request, user_id=str(verified.user_id))
    text = _rendered(request, original, denied)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
    }
    headers |= denied.extra
    if denied.status == 401:
        usual = "Bearer" if shown is None else holders.challenge(shown)
        headers["WWW-Authenticate"] = denied.challenge or usual
    if deps.settings.dialect == "nginx":
        headers[REFUSAL] = text
    return web.Response(status=denied.status, text=text, headers=headers)


def _rendered(request: web.Request, original: Original | None, denied: Denied) -> str:
    """The envelope on one line of ASCII, so that it fits a header; about the original."""
    meta = request[META]
    url = meta.url
    if original is not None:
        scheme, _, rest = url.partition("://")
        url = f"{scheme}://{rest.partition('/')[0]}{original.path[:_LONGEST_MESSAGE]}"
    body = {
        "meta": {
            "url": _readable(url),
            "type": "object",
            "request_id": meta.request_id,
            "code": denied.status,
        },
        "error": {
            "type": denied.kind,
            "message": _readable(denied.message[:_LONGEST_MESSAGE]),
        },
    }
    return json.dumps(body, separators=(",", ":"))


def _readable(text: str) -> str:
    """Text from the wire without the bytes that were no UTF-8: JSON cannot say them."""
    return text.encode(errors="replace").decode()


def _shown(request: web.Request, original: Original, settings: Settings) -> Shown | None:
    """The credential: the cookie, which wins as documented, or the header, by either scheme.

    A cookie is sent by whatever page makes the browser do so: what another site begins and
    what changes something does not go by it.
    """
    if settings.token_cookie and "Cookie" in request.headers:
        cookie = request.cookies.get(settings.token_cookie)
        if cookie and not _is_forged(request, original):
            return Shown(token=cookie)
    return shown_by(request)


def _with_certificate(request: web.Request, shown: Shown | None) -> Shown | None:
    """The same with the certificate that the proxy says the caller showed (RFC 8705 §3)."""
    settings = request.app[DEPS].settings
    certificate = certificate_of(request, settings, settings)
    if shown is None or not isinstance(certificate, Certificate):
        return shown
    return replace(shown, x5t=certificate.thumbprint)


def _is_forged(request: web.Request, original: Original) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site == "cross-site" and original.method in _UNSAFE


def _only(request: web.Request, name: str) -> str | None:
    """A header that is there once; twice is no value, since the service may take the other."""
    values = request.headers.getall(name, ())
    return values[0] if len(values) == 1 else None
