"""What this server tells of itself (RFC 8414, OpenID Connect Discovery 1.0 §3).

One table: a line is said where the server has what it is about. An endpoint is there if it
is routed, so a document never promises what nobody answers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from services.mithril_api.domain.oauth2 import scopes
from services.mithril_api.domain.oauth2.client_metadata import Method
from services.mithril_api.domain.oauth2.openid import CLAIMS
from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.wire import dpop, jws

ENDPOINTS: Mapping[str, str] = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "pushed_authorization_request_endpoint": "/oauth2/par",
    "device_authorization_endpoint": "/oauth2/device_authorization",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "end_session_endpoint": "/oauth2/logout",
    "registration_endpoint": "/oauth2/register",
    "userinfo_endpoint": "/oauth2/userinfo",
    "jwks_uri": "/oauth2/jwks",
}
# Endpoints where clients authenticate, and how the document calls them.
_AUTHENTICATING = ("token", "introspection", "revocation")
# Those that may have another address for mutual TLS (RFC 8705 §5).
_BY_MTLS = (
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What this deployment does; filled by whoever adds the routes."""

    paths: Collection[str]
    grant_types: Collection[str]
    methods: Collection[Method]
    binds_to_certificates: bool = False  # an ingress of ours hands certificates on
    mtls_url: str | None = None  # where it does, if that is another address than the issuer


def document(abilities: Abilities, *, issuer: str) -> dict[str, Any]:
    """The metadata of an issuer."""
    told: dict[str, Any] = {"issuer": issuer}
    for name, path in ENDPOINTS.items():
        if path in abilities.paths:
            told[name] = issuer + path
    methods = sorted(abilities.methods)
    for name in _AUTHENTICATING:
        if f"{name}_endpoint" in told:
            known = [item for item in methods if name == "token" or item != Method.NONE]
            told[f"{name}_endpoint_auth_methods_supported"] = (
                methods if name == "revocation" else known
            )
            if Method.PRIVATE_KEY_JWT in methods:
                name_of = f"{name}_endpoint_auth_signing_alg_values_supported"
                told[name_of] = list(jws.ALGORITHMS)
    told |= {
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted(abilities.grant_types),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["uk", "en"],
    }
    told |= _of_openid()
    if abilities.binds_to_certificates:
        told["tls_client_certificate_bound_access_tokens"] = True
    if abilities.mtls_url is not None:
        told["mtls_endpoint_aliases"] = {
            name: abilities.mtls_url + ENDPOINTS[name] for name in _BY_MTLS if name in told
        }
    if "pushed_authorization_request_endpoint" in told:
        told["require_pushed_authorization_requests"] = False
    return told


def _of_openid() -> dict[str, Any]:
    """The same for OpenID Connect. What is false here is true where nothing is said."""
    return {
        "scopes_supported": sorted(scopes.OF_OPENID),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [str(alg) for alg in Alg],
        "introspection_signing_alg_values_supported": [str(alg) for alg in Alg],
        "claims_supported": list(CLAIMS),
        "claim_types_supported": ["normal"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
