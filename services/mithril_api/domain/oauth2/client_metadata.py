"""What `clients.settings` says of a client, under the names of RFC 7591 where it has one.

Settings are checked when they are written; rows that are older than a rule are read strictly:
what is not understood permits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.mithril_api.domain.limits import Limit
from services.mithril_api.domain.oauth2 import client_keys
from services.mithril_api.domain.oauth2.client_keys import Jwk
from shared.models.tokens import RefreshPolicy
from shared.wire import certificates, jws
from shared.wire.certificates import SUBJECTS
from shared.wire.envelope import Invalid


class Method(StrEnum):
    """How a client authenticates (RFC 7591 §2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    NONE = "none"


SECRETS = frozenset({Method.BASIC, Method.POST})
BY_CERTIFICATE = frozenset({Method.TLS, Method.SELF_SIGNED_TLS})
_BY_KEY = (Method.PRIVATE_KEY_JWT.value, Method.SELF_SIGNED_TLS.value)
_SUBJECTS = {f"tls_client_auth_{kind}": kind for kind in SUBJECTS}


class AccessTokenFormat(StrEnum):
    """What an access token is to its holder."""

    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """A client as it is registered. `methods`: any of them will do."""

    methods: frozenset[Method] = SECRETS
    grant_types: frozenset[str] = frozenset()
    refresh_policy: RefreshPolicy | None = None  # none: what the endpoint does by default
    unkept: tuple[str, ...] = ()  # settings that promise what this server does not do
    resources: tuple[str, ...] = ()
    must_push: bool = False  # RFC 9126 §6
    keys: tuple[Jwk, ...] = field(default=(), repr=False)
    signing_alg: str | None = None  # of assertions; none: any that is taken
    dpop_bound: bool = False  # RFC 9449 §5.2: no token without a proof
    certificate_bound: bool = False  # RFC 8705 §3.4: no token without a certificate
    tls_subject: tuple[str, str] | None = None  # what its certificate is known by
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_quota: str | None = None  # `COUNT/SECONDS`, or `off`; none: the default
    introspection_quota: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether nothing but PKCE tells the client from whoever knows its id."""
        return self.methods == {Method.NONE}

    @property
    def is_strict(self) -> bool:
        """Whether it is registered for what the financial profile asks (FAPI 2.0 §5.3.2.1)."""
        return self.must_push and self.is_bound

    @property
    def is_bound(self) -> bool:
        """Whether it gets no token that is worth something to a thief."""
        return self.dpop_bound or self.certificate_bound


def read(settings: Mapping[str, Any]) -> ClientMetadata:
    """The metadata in a client's settings."""
    policy = settings.get("refresh_token_policy")
    return ClientMetadata(
        methods=_methods(settings.get("token_endpoint_auth_method")),
        grant_types=frozenset(_texts(settings.get("allowed_grant_types"))),
        refresh_policy=RefreshPolicy(policy) if policy in _values(RefreshPolicy) else None,
        unkept=_unkept(settings),
        resources=tuple(_texts(settings.get("resource"))),
        must_push=_is_set(settings, "require_pushed_authorization_requests"),
        keys=client_keys.of_settings(settings.get("jwks")),
        signing_alg=_text(settings.get(_SIGNING_ALG)),
        dpop_bound=_is_set(settings, "dpop_bound_access_tokens"),
        certificate_bound=_is_set(settings, _CERTIFICATE_BOUND),
        tls_subject=_tls_subject(settings),
        post_logout_redirect_uris=tuple(_texts(settings.get("post_logout_redirect_uris"))),
        token_quota=_text(settings.get("token_quota")),
        introspection_quota=_text(settings.get("introspection_quota")),
    )


def complaints(settings: Mapping[str, Any]) -> list[Invalid]:
    """All that is wrong with the metadata among a client's settings."""
    found = [
        _not_among(name, _values(kind))
        for name, kind in _CHOICES.items()
        if name in settings and settings[name] not in _values(kind)
    ]
    found += [
        _miscast(name, "boolean")
        for name in _FLAGS
        if name in settings and not isinstance(settings[name], bool)
    ]
    found += [
        _miscast(name, "array")
        for name in _LISTS
        if name in settings and not _is_texts(settings[name])
    ]
    found += [_unfit_quota(name) for name in _QUOTAS if not _is_quota(settings.get(name))]
    found += _of_keys(settings)
    return found + [_unsupported(name) for name in _promised(settings)]


_CHOICES: Mapping[str, type[StrEnum]] = {
    "token_endpoint_auth_method": Method,
    "access_token_format": AccessTokenFormat,
}
_CERTIFICATE_BOUND = "tls_client_certificate_bound_access_tokens"
_FLAGS = (
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    _CERTIFICATE_BOUND,
)
_LISTS = ("post_logout_redirect_uris", "resource")
# What other servers keep when a client is registered with it, and this one does not: whoever
# writes it down relies on it. False, null and nothing at all promise nothing.
_UNSUPPORTED = (
    "backchannel_logout_uri",
    "jwks_uri",  # would have us call an address of somebody else's, before anybody is known
    "x5t#S256",
)
_QUOTAS = ("token_quota", "introspection_quota")
_SIGNING_ALG = "token_endpoint_auth_signing_alg"


def _methods(method: object) -> frozenset[Method]:
    if method is None:
        return SECRETS
    return frozenset({Method(method)}) if method in _values(Method) else frozenset()


def _of_keys(settings: Mapping[str, Any]) -> list[Invalid]:
    found = []
    jwks, algorithm = settings.get("jwks"), settings.get(_SIGNING_ALG)
    if jwks is not None and (why := client_keys.complaint(jwks)) is not None:
        found.append(_unfit_keys(why))
    method = settings.get("token_endpoint_auth_method")
    if jwks is None and method in _BY_KEY:
        found.append(_unfit_keys("must hold the client's public keys"))
    elif method == Method.SELF_SIGNED_TLS and not _has_certificate(jwks):
        found.append(_unfit_keys("must hold a key with its certificate (`x5c`)"))
    given = [name for name in _SUBJECTS if settings.get(name) is not None]
    if method == Method.TLS and len(given) != 1:
        found.append(_unfit_subjects())
    found += [
        _miscast(name, "string")
        for name in given
        if not isinstance(settings[name], str)
        or not certificates.is_subject(_SUBJECTS[name], settings[name])
    ]
    if algorithm is not None and algorithm not in jws.ALGORITHMS:
        found.append(_not_among(_SIGNING_ALG, jws.ALGORITHMS))
    return found


def _tls_subject(settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """What the certificate is known by; none where that is not one thing."""
    given = [
        (kind, settings[name])
        for name, kind in _SUBJECTS.items()
        if settings.get(name) is not None
    ]
    if len(given) != 1 or not isinstance(given[0][1], str):
        return None
    return given[0]


def _has_certificate(jwks: object) -> bool:
    keys = client_keys.of_settings(jwks)
    return any(client_keys.certificate_of(key) is not None for key in keys)


def _promised(settings: Mapping[str, Any]) -> list[str]:
    given = [(name, settings.get(name)) for name in _UNSUPPORTED]
    return [name for name, value in given if value is not None and value is not False]


def _unkept(settings: Mapping[str, Any]) -> tuple[str, ...]:
    found = _promised(settings)
    if settings.get("access_token_format") not in (None, *_values(AccessTokenFormat)):
        found.append("access_token_format")
    return tuple(found)


def _is_set(settings: Mapping[str, Any], name: str) -> bool:
    return bool(settings.get(name, False))  # what is no boolean binds rather than frees


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return (
        [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_quota(value: object) -> bool:
    if value is None:
        return True
    try:
        Limit.parse(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _values(kind: type[StrEnum]) -> tuple[str, ...]:
    return tuple(item.value for item in kind)


def _not_among(name: str, allowed: tuple[str, ...]) -> Invalid:
    return Invalid(
        entry=f"$.settings.{name}",
        rule="inclusion",
        params=allowed,
        description="is invalid",
    )


def _miscast(name: str, kind: str) -> Invalid:
    return Invalid(
        entry=f"$.settings.{name}", rule="cast", params=(kind,), description="is invalid"
    )


def _unsupported(name: str) -> Invalid:
    return Invalid(
        entry=f"$.settings.{name}", rule="exclusion", description="is not supported"
    )


def _unfit_keys(why: str) -> Invalid:
    return Invalid(entry="$.settings.jwks", rule="format", description=why)


def _unfit_subjects() -> Invalid:
    text = f"needs one of {', '.join(_SUBJECTS)}"
    entry = "$.settings.token_endpoint_auth_method"
    return Invalid(entry=entry, rule="required", description=text)


def _unfit_quota(name: str) -> Invalid:
    return Invalid(
        entry=f"$.settings.{name}",
        rule="format",
        description="must be COUNT/SECONDS, or off",
    )
