"""Errors as the standards name them (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6)."""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The `error` of an answer."""

    ACCESS_DENIED = "access_denied"
    AUTHORIZATION_PENDING = "authorization_pending"
    CONSENT_REQUIRED = "consent_required"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 — a name
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INTERACTION_REQUIRED = "interaction_required"
    INVALID_CLIENT = "invalid_client"
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    INVALID_GRANT = "invalid_grant"
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_REQUEST = "invalid_request"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 — a name
    LOGIN_REQUIRED = "login_required"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    SLOW_DOWN = "slow_down"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    TOO_MANY_REQUESTS = "too_many_requests"
    UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    USE_DPOP_NONCE = "use_dpop_nonce"


@dataclass(frozen=True, slots=True)
class Fault:
    """The answer is no: an `error`, and a description for whoever writes the client.

    A description never repeats what was sent: it may be a secret, or meant for a log.
    """

    code: ErrorCode
    description: str


def invalid_request(description: str) -> Fault:
    """The request itself is malformed."""
    return Fault(ErrorCode.INVALID_REQUEST, description)


def invalid_client(description: str = "client authentication failed") -> Fault:
    """It is not known who is asking. Says no more than that: not even whether a client exists."""
    return Fault(ErrorCode.INVALID_CLIENT, description)


def invalid_dpop_proof(description: str) -> Fault:
    """The proof of a key proves nothing (RFC 9449 §5)."""
    return Fault(ErrorCode.INVALID_DPOP_PROOF, description)


def invalid_grant(description: str) -> Fault:
    """The code or refresh token is no good for this client."""
    return Fault(ErrorCode.INVALID_GRANT, description)
