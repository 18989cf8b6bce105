"""What `clients.settings` says of a client, under the names of RFC 7591 where it has one.

Settings are checked when they are written; rows that are older than a rule are read strictly:
what is not understood permits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.mithril_api.domain.limits import Limit
from services.mithril_api.domain.oauth2 import client_keys, logouts
from services.mithril_api.domain.oauth2.client_keys import Jwk
from services.mithril_api.domain.oauth2.complaints import (
    miscast,
    missing,
    not_among,
    unfit,
    unsupported,
)
from services.mithril_api.domain.oauth2.signing_keys import Alg
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
    JWT = "jwt"


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
    backchannel_logout_uri: str | None = None
    access_token_format: AccessTokenFormat = AccessTokenFormat.OPAQUE
    access_token_alg: Alg = Alg.EDDSA
    id_token_alg: Alg = Alg.RS256
    introspection_alg: Alg = Alg.RS256
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
        must_push=_is_set(
            settings,
            "require_pushed_authorization_requests",
        ),
        keys=client_keys.of_settings(settings.get("jwks")),
        signing_alg=_text(settings.get(_SIGNING_ALG)),
        dpop_bound=_is_set(settings, "dpop_bound_access_tokens"),
        certificate_bound=_is_set(settings, _CERTIFICATE_BOUND),
        tls_subject=_tls_subject(settings),
        post_logout_redirect_uris=tuple(_texts(settings.get("post_logout_redirect_uris"))),
        backchannel_logout_uri=_logout_uri(settings.get(_LOGOUT_URI)),
        access_token_format=_format(settings.get("access_token_format")),
        access_token_alg=_alg(settings, "access_token_signed_response_alg", Alg.EDDSA),
        introspection_alg=_alg(settings, "introspection_signed_response_alg", Alg.RS256),
        id_token_alg=_alg(settings, "id_token_signed_response_alg", Alg.RS256),
        token_quota=_text(settings.get("token_quota")),
        introspection_quota=_text(settings.get("introspection_quota")),
    )


def complaints(settings: Mapping[str, Any]) -> list[Invalid]:
    """All that is wrong with the metadata among a client's settings."""
    found = [
        not_among(name, _values(kind))
        for name, kind in _CHOICES.items()
        if name in settings and settings[name] not in _values(kind)
    ]
    found += [
        miscast(name, "boolean")
        for name in _FLAGS
        if name in settings and not isinstance(settings[name], bool)
    ]
    found += [
        miscast(name, "array")
        for name in _LISTS
        if name in settings and not _is_texts(settings[name])
    ]
    found += [
        unfit(name, "must be COUNT/SECONDS, or off")
        for name in _QUOTAS
        if not _is_quota(settings.get(name))
    ]
    found += _of_keys(settings)
    if settings.get(_LOGOUT_URI) is not None and not logouts.is_fit(settings[_LOGOUT_URI]):
        found.append(
            unfit(_LOGOUT_URI, "must be an https URI without fragment or credentials")
        )
    return found + [unsupported(name) for name in _promised(settings)]


_CHOICES: Mapping[str, type[StrEnum]] = {
    "token_endpoint_auth_method": Method,
    "access_token_format": AccessTokenFormat,
    "access_token_signed_response_alg": Alg,
    "id_token_signed_response_alg": Alg,
    "introspection_signed_response_alg": Alg,
}
# What tokens look like: who chose something else than we know gets none.
_SHAPES = frozenset(_CHOICES) - {"token_endpoint_auth_method"}
_CERTIFICATE_BOUND = "tls_client_certificate_bound_access_tokens"
_FLAGS = (
    "backchannel_logout_session_required",  # a session is always named
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    _CERTIFICATE_BOUND,
)
_LISTS = ("post_logout_redirect_uris", "resource")
# What other servers keep when a client is registered with it, and this one does not: whoever
# writes it down relies on it. False, null and nothing at all promise nothing.
_UNSUPPORTED = (
    "jwks_uri",  # would have us call an address of somebody else's, before anybody is known
    "x5t#S256",
)
_QUOTAS = ("token_quota", "introspection_quota")
_LOGOUT_URI = "backchannel_logout_uri"
_METHOD = "token_endpoint_auth_method"
_SIGNING_ALG = "token_endpoint_auth_signing_alg"


def _methods(method: object) -> frozenset[Method]:
    if method is None:
        return SECRETS
    return frozenset({Method(method)}) if method in _values(Method) else frozenset()


def _of_keys(settings: Mapping[str, Any]) -> list[Invalid]:
    found = []
    jwks, algorithm = settings.get("jwks"), settings.get(_SIGNING_ALG)
    if jwks is not None and (why := client_keys.complaint(jwks)) is not None:
        found.append(unfit("jwks", why))
    method = settings.get("token_endpoint_auth_method")
    if jwks is None and method in _BY_KEY:
        found.append(unfit("jwks", "must hold the client's public keys"))
    elif method == Method.SELF_SIGNED_TLS and not _has_certificate(jwks):
        found.append(unfit("jwks", "must hold a key with its certificate (`x5c`)"))
    given = [name for name in _SUBJECTS if settings.get(name) is not None]
    if method == Method.TLS and len(given) != 1:
        found.append(missing(_METHOD, f"needs one of {', '.join(_SUBJECTS)}"))
    found += [
        miscast(name, "string")
        for name in given
        if not isinstance(settings[name], str)
        or not certificates.is_subject(_SUBJECTS[name], settings[name])
    ]
    if algorithm is not None and algorithm not in jws.ALGORITHMS:
        found.append(not_among(_SIGNING_ALG, jws.ALGORITHMS))
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
    for name, kind in _CHOICES.items():
        if name in _SHAPES and settings.get(name) not in (None, *_values(kind)):
            found.append(name)
    return tuple(found)


def _logout_uri(given: object) -> str | None:
    return str(given) if logouts.is_fit(given) else None


def _format(given: object) -> AccessTokenFormat:
    jwt = given == AccessTokenFormat.JWT
    return AccessTokenFormat.JWT if jwt else AccessTokenFormat.OPAQUE


def _alg(settings: Mapping[str, Any], name: str, default: Alg) -> Alg:
    given = settings.get(name)
    return Alg(given) if given in _values(Alg) else default


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
