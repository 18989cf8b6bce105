"""What `clients.settings` says of a client, under the names of RFC 7591 where it has one.

Settings are checked when they are written; rows that are older than a rule are read strictly:
what is not understood permits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.mithril_api.domain.limits import Limit
from shared.models.tokens import RefreshPolicy
from shared.wire.envelope import Invalid


class Method(StrEnum):
    """How a client authenticates (RFC 7591 §2, RFC 8705 §2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    NONE = "none"


SECRETS = frozenset({Method.BASIC, Method.POST})


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
    access_token_format: AccessTokenFormat = AccessTokenFormat.OPAQUE
    resources: tuple[str, ...] = ()
    is_dpop_bound: bool = False
    is_certificate_bound: bool = False
    must_push: bool = False  # RFC 9126 §6
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    tls_subject_dn: str | None = None
    tls_thumbprint: str | None = None  # x5t#S256
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_quota: str | None = None  # `COUNT/SECONDS`, or `off`; none: the default
    introspection_quota: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether nothing but PKCE tells the client from whoever knows its id."""
        return self.methods == {Method.NONE}


def read(settings: Mapping[str, Any]) -> ClientMetadata:
    """The metadata in a client's settings."""
    policy = settings.get("refresh_token_policy")
    return ClientMetadata(
        methods=_methods(settings.get("token_endpoint_auth_method")),
        grant_types=frozenset(_texts(settings.get("allowed_grant_types"))),
        refresh_policy=RefreshPolicy(policy) if policy in _values(RefreshPolicy) else None,
        access_token_format=_format(settings.get("access_token_format")),
        resources=tuple(_texts(settings.get("resource"))),
        is_dpop_bound=_is_set(settings, "dpop_bound_access_tokens"),
        is_certificate_bound=_is_set(
            settings, "tls_client_certificate_bound_access_tokens"
        ),
        must_push=_is_set(settings, "require_pushed_authorization_requests"),
        jwks=settings["jwks"] if isinstance(settings.get("jwks"), Mapping) else None,
        tls_subject_dn=_text(settings.get("tls_client_auth_subject_dn")),
        tls_thumbprint=_text(settings.get("x5t#S256")),
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
    found += [
        _miscast(name, "string")
        for name in _STRINGS
        if name in settings and not isinstance(settings[name], str)
    ]
    found += [_unfit_quota(name) for name in _QUOTAS if not _is_quota(settings.get(name))]
    if "jwks" in settings and not isinstance(settings["jwks"], Mapping):
        found.append(_miscast("jwks", "map"))
    return found


_CHOICES: Mapping[str, type[StrEnum]] = {
    "token_endpoint_auth_method": Method,
    "access_token_format": AccessTokenFormat,
}
_FLAGS = (
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    "tls_client_certificate_bound_access_tokens",
)
_LISTS = ("post_logout_redirect_uris", "resource")
_STRINGS = ("tls_client_auth_subject_dn", "x5t#S256")
_QUOTAS = ("token_quota", "introspection_quota")


def _methods(method: object) -> frozenset[Method]:
    if method is None:
        return SECRETS
    return frozenset({Method(method)}) if method in _values(Method) else frozenset()


def _format(value: object) -> AccessTokenFormat:
    return AccessTokenFormat.JWT if value == "jwt" else AccessTokenFormat.OPAQUE


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


def _unfit_quota(name: str) -> Invalid:
    return Invalid(
        entry=f"$.settings.{name}",
        rule="format",
        description="must be COUNT/SECONDS, or off",
    )
