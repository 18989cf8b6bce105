"""Clients that register themselves: what they may say of themselves (RFC 7591 §2, RFC 7592).

What is meant for operators (grants without a user, resources, quotas, addresses that we would
call) nobody gives to themselves. What promises something that is not there is refused; what is
only for show, or is not known, is left out, as the standard wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from services.mithril_api.domain.oauth2 import client_metadata
from services.mithril_api.domain.oauth2.client_metadata import Method
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from shared.wire.addresses import is_sound

GRANTS = ("authorization_code", "refresh_token")
_METHODS = (Method.BASIC, Method.POST, Method.PRIVATE_KEY_JWT, Method.NONE)
# Kept as the client says it, once the rules for every client have passed.
_KEPT = (
    "dpop_bound_access_tokens",
    "id_token_signed_response_alg",
    "jwks",
    "post_logout_redirect_uris",
    "require_pushed_authorization_requests",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
)
# They would widen what the client may do, have us call an address, or promise a protection
# that is not there. (`software_statement` has an error of its own.)
_REFUSED = (
    "authorization_encrypted_response_alg",
    "authorization_signed_response_alg",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "id_token_encrypted_response_alg",
    "jwks_uri",
    "request_object_encryption_alg",
    "request_object_signing_alg",
    "request_uris",
    "resource",
    "sector_identifier_uri",
    "tls_client_certificate_bound_access_tokens",
    "userinfo_encrypted_response_alg",
    "userinfo_signed_response_alg",
)
_LONGEST_URI = 2048
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client as it describes itself."""

    name: str
    redirect_uri: str
    settings: Mapping[str, Any]

    @property
    def has_secret(self) -> bool:
        """Whether it authenticates by a secret of ours."""
        return bool(client_metadata.read(self.settings).methods & client_metadata.SECRETS)


def read(body: Mapping[str, Any]) -> Registration | Fault:
    """The client that a request describes, or why it cannot be registered (§3.2.2)."""
    if body.get("software_statement") is not None:
        text = "software statements are not supported: nobody here vouches for them"
        return Fault(ErrorCode.UNAPPROVED_SOFTWARE_STATEMENT, text)
    uri = _redirect_uri(body.get("redirect_uris"))
    if isinstance(uri, Fault):
        return uri
    name = body.get("client_name") or urlsplit(uri).netloc
    settings = {item: body[item] for item in _KEPT if body.get(item) is not None}
    fault = _unfit_name(name) or _unsupported(body) or _unfit(settings)
    return fault or Registration(name=name, redirect_uri=uri, settings=settings)


def rendered(registration: Registration, *, scope: tuple[str, ...]) -> dict[str, Any]:
    """What is registered, defaults and all (§3.2.1)."""
    return {
        "client_name": registration.name,
        "redirect_uris": [registration.redirect_uri],
        "token_endpoint_auth_method": Method.BASIC,
        **registration.settings,
        "grant_types": list(GRANTS),
        "response_types": ["code"],
        "scope": " ".join(scope),
    }


def _redirect_uri(given: object) -> str | Fault:
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], str):
        return _bad_redirect("`redirect_uris` must be a list of one URI")
    if not _may_lead(given[0]):
        text = "a redirect URI is https, or http to a loopback address, without fragment"
        return _bad_redirect(text)
    return given[0]


def _may_lead(uri: str) -> bool:
    if len(uri) > _LONGEST_URI or any(sign in uri for sign in '*"<>'):
        return False
    return is_sound(uri)


def _unfit_name(name: object) -> Fault | None:
    if not isinstance(name, str) or not name.isprintable() or len(name) > _LONGEST_NAME:
        return _bad("`client_name` must be a text of at most 255 printable characters")
    return None


def _unsupported(body: Mapping[str, Any]) -> Fault | None:
    asked = [name for name in _REFUSED if body.get(name) not in (None, False)]
    if asked:
        return _bad(f"`{asked[0]}` is not supported for clients that register themselves")
    grants, types = body.get("grant_types", []), body.get("response_types", [])
    if not isinstance(grants, list) or any(item not in GRANTS for item in grants):
        return _bad(f"`grant_types` may hold {' and '.join(GRANTS)} alone")
    if not isinstance(types, list) or any(item != "code" for item in types):
        return _bad("`response_types` may hold `code` alone")
    if body.get("token_endpoint_auth_method", Method.BASIC) not in _METHODS:
        return _bad(f"`token_endpoint_auth_method` must be one of {', '.join(_METHODS)}")
    if body.get("subject_type", "public") != "public":
        return _bad("`subject_type` must be `public`")
    return None


def _unfit(settings: Mapping[str, Any]) -> Fault | None:
    for complaint in client_metadata.complaints(settings):
        name = complaint.entry.removeprefix("$.settings.").partition(".")[0]
        return _bad(f"`{name}` {complaint.description}")
    after = settings.get("post_logout_redirect_uris", [])
    if not all(_may_lead(uri) for uri in after):
        return _bad("`post_logout_redirect_uris` must be as redirect URIs are")
    return None


def _bad(description: str) -> Fault:
    return Fault(ErrorCode.INVALID_CLIENT_METADATA, description)


def _bad_redirect(description: str) -> Fault:
    return Fault(ErrorCode.INVALID_REDIRECT_URI, description)
