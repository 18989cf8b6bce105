"""What the standards call our reasons to refuse a grant (RFC 6749 §5.2)."""

from collections.abc import Mapping

from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_client,
    invalid_grant,
)
from services.mithril_api.domain.refusals import Reason, Refused

SCOPE_TOO_LONG = Fault(
    ErrorCode.INVALID_SCOPE, "a JWT has no room for so much: ask for less `scope`"
)
_FAULTS: Mapping[Reason, Fault] = {
    Reason.CLIENT_SECRET_WRONG: invalid_client(),
    Reason.CLIENT_BLOCKED: Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client is blocked"),
    Reason.SCOPE_NOT_GRANTED: Fault(
        ErrorCode.INVALID_SCOPE, "`scope` is wider than what was granted"
    ),
    Reason.SCOPE_TOO_LONG: SCOPE_TOO_LONG,
    Reason.RESOURCE_NOT_GRANTED: Fault(
        ErrorCode.INVALID_TARGET, "`resource` is not among what was granted"
    ),
    Reason.KEY_NOT_PROVED: invalid_grant(
        "the grant is bound to a key that the client did not prove to hold"
    ),
    Reason.PKCE_FAILED: invalid_grant("`code_verifier` does not match"),
    Reason.REDIRECT_MISMATCH: invalid_grant("`redirect_uri` is not that of the request"),
    Reason.APPROVAL_MISSING: invalid_grant("the user has withdrawn the approval"),
    Reason.USER_BLOCKED: invalid_grant("the user is blocked"),
}
_UNFIT = invalid_grant("the grant is invalid, expired, revoked, or of another client")


def fault_of(refused: Refused) -> Fault:
    """The standard's error. Whatever tells a thief more than a guess does is the same."""
    return _FAULTS.get(refused.reason, _UNFIT)
