"""What this server tells of itself (RFC 8414, OpenID Connect Discovery 1.0).

One table: a line is said where the server has what it is about. An endpoint is there if it
is routed, so a document never promises what nobody answers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from services.mithril_api.domain.oauth2.client_metadata import Method
from shared.models.scopes import OPENID_SCOPES

ENDPOINTS: Mapping[str, str] = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "userinfo_endpoint": "/oauth2/userinfo",
    "jwks_uri": "/oauth2/jwks",
    "end_session_endpoint": "/oauth2/logout",
    "device_authorization_endpoint": "/oauth2/device_authorization",
    "registration_endpoint": "/oauth2/register",
}
# Endpoints where clients authenticate, and how the document calls them.
_AUTHENTICATING = ("token", "introspection", "revocation")
_JWT_ALGORITHMS = ("EdDSA", "ES256", "PS256", "RS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What this deployment does; filled by whoever adds the routes."""

    paths: Collection[str]
    grant_types: Collection[str]
    methods: Collection[Method]
    signing_algorithms: Collection[str] = ()  # of our own tokens
    dpop_algorithms: Collection[str] = ()
    binds_to_certificates: bool = False


def document(
    abilities: Abilities, *, issuer: str, scopes: Collection[str] = ()
) -> dict[str, Any]:
    """The metadata of an issuer."""
    told: dict[str, Any] = {"issuer": issuer}
    for name, path in ENDPOINTS.items():
        if path in abilities.paths:
            told[name] = issuer + path
    methods = sorted(abilities.methods)
    by_jwt = Method.PRIVATE_KEY_JWT in abilities.methods
    for name in _AUTHENTICATING:
        if f"{name}_endpoint" in told:
            known = [item for item in methods if name == "token" or item != Method.NONE]
            told[f"{name}_endpoint_auth_methods_supported"] = (
                methods if name == "revocation" else known
            )
            if by_jwt:
                algorithms = list(_JWT_ALGORITHMS)
                told[f"{name}_endpoint_auth_signing_alg_values_supported"] = algorithms
    told |= {
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted(abilities.grant_types),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": sorted({*OPENID_SCOPES, *scopes}),
        "ui_locales_supported": ["uk", "en"],
    }
    if "pushed_authorization_request_endpoint" in told:
        told["require_pushed_authorization_requests"] = False
    if abilities.dpop_algorithms:
        told["dpop_signing_alg_values_supported"] = list(abilities.dpop_algorithms)
    if abilities.binds_to_certificates:
        told["tls_client_certificate_bound_access_tokens"] = True
    return told


def openid_document(
    abilities: Abilities, *, issuer: str, scopes: Collection[str] = ()
) -> dict[str, Any]:
    """The same with what OpenID Connect adds."""
    return document(abilities, issuer=issuer, scopes=scopes) | {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted(abilities.signing_algorithms),
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "amr",
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
    }
