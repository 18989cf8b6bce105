"""The one table from our reasons to the answers of the contract (spec §1.2, §3, §7.1)."""

from collections.abc import Mapping
from typing import NoReturn, assert_never

from services.mithril_api.domain.refusals import Clash, Reason, Refused, Unfit
from shared.wire.envelope import (
    Invalid,
    Problem,
    conflict,
    forbidden,
    not_found,
    unprocessable,
    validation_failed,
)


def _denied(message: str, kind: str = "access_denied") -> tuple[int, str, str]:
    return (401, kind, message)


_TABLE: Mapping[Reason, tuple[int, str, str]] = {
    Reason.API_KEY_UNKNOWN_AT_REFRESH: _denied("invalid api-key header"),
    Reason.API_KEY_UNSET: _denied("api-key header not set"),
    Reason.APPROVAL_MISSING: _denied("Resource owner revoked access for the client."),
    Reason.ACCESS_TYPE_MISSING: _denied("Client settings must contain access_type."),
    Reason.CLIENT_BLOCKED: _denied("Client is blocked."),
    Reason.CLIENT_BLOCKED_AT_NONCE: _denied("Client is blocked"),
    Reason.CLIENT_BLOCKED_AT_VERIFY: _denied("Authentication failed.", "invalid_client"),
    Reason.CLIENT_GRANT_FORBIDDEN: _denied("Client is not allowed to issue login token."),
    Reason.CLIENT_SECRET_WRONG: _denied("Invalid client id or secret.", "invalid_client"),
    Reason.CLIENT_UNKNOWN: _denied("Invalid client id."),
    Reason.CLIENT_UNKNOWN_AT_LOGIN: _denied("Invalid client id.", "invalid_client"),
    Reason.AUTHENTICATION_TOO_OLD: _denied("Sign in again.", "token_expired"),
    Reason.AUTHORIZATION_REQUEST_UNKNOWN: (
        404,
        "not_found",
        "The authorization request is unknown, used, or expired.",
    ),
    Reason.CODE_REUSED: _denied("Token has already been used."),
    Reason.CODE_USED: _denied("Token has already been used."),
    Reason.GRANT_FORBIDDEN: _denied("Grant type not allowed.", "invalid_grant"),
    Reason.JWT_INVALID: _denied("JWT is invalid.", "jwt_invalid"),
    Reason.JWT_MISSING: _denied(
        "Signed content does not contain field jwt.", "jwt_invalid"
    ),
    Reason.KEY_NOT_PROVED: _denied("Key was not proved.", "invalid_grant"),
    Reason.LOGIN_LIMIT: _denied("You reached login attempts limit. Try again later"),
    Reason.OTP_ATTEMPTS: _denied(
        "Reached max OTP verify attempts", "otp_reached_max_attempts"
    ),
    Reason.OTP_EXPIRED: _denied("OTP expired.", "otp_expired"),
    Reason.OTP_INVALID: _denied("Invalid OTP code.", "otp_invalid"),
    Reason.OTP_TIMEOUT: (429, "otp_timeout", "Sending OTP timeout. Try later."),
    Reason.PASSKEY_CLONED: _denied("Passkey was not accepted.", "webauthn_invalid"),
    Reason.PASSKEY_INVALID: _denied("Passkey was not accepted.", "webauthn_invalid"),
    Reason.PASSWORD_EXPIRED: _denied(
        "The password expired for user: {detail}", "password_expired"
    ),
    Reason.PASSWORD_WRONG: _denied("Identity, password combination is wrong."),
    Reason.PERSON_UNKNOWN: _denied("Person not found."),
    Reason.PKCE_FAILED: _denied("Code verifier does not match.", "invalid_grant"),
    Reason.REDIRECT_MISMATCH: _denied(
        "The redirection URI provided does not match a pre-registered value.",
        "invalid_client",
    ),
    Reason.REDIRECT_MISMATCH_AT_CONSENT: _denied(
        "The redirection URI provided does not match a pre-registered value."
    ),
    Reason.RESOURCE_NOT_GRANTED: _denied("Resource was not granted.", "invalid_target"),
    Reason.SCOPE_NOT_GRANTED: _denied("Scope was not granted.", "invalid_scope"),
    Reason.SCOPE_ONLY: _denied("Allowed scopes for the token are {detail}."),
    Reason.SCOPE_TOO_LONG: _denied("Scope is too long.", "invalid_scope"),
    Reason.SETUP_MISSING: _denied("Invalid token type. Init factor at first"),
    Reason.SIGNERS_TOO_MANY: (
        400,
        "request_malformed",
        "document must be signed by 1 signer but contains {detail} signatures",
    ),
    Reason.SIGNER_UNKNOWN: _denied("Person with tax id from digital signature not found."),
    Reason.SMS_NOT_SENT: (503, "internal_error", "SMS not sent. Try later"),
    Reason.TAX_ID_MISMATCH: (
        403,
        "tax_id_invalid",
        "Tax id not matched with MPI person.",
    ),
    Reason.TOKEN_EXPIRED: _denied("Token expired.", "token_expired"),
    Reason.TOKEN_REUSED: _denied("Token expired.", "token_expired"),
    Reason.TOKEN_EXPIRED_AT_VERIFY: _denied(
        "Token expired or client approval was revoked.", "invalid_grant"
    ),
    Reason.TOKEN_INVALID: _denied("Invalid token.", "token_invalid"),
    Reason.TOKEN_INVALID_TYPE: _denied("Invalid token type.", "token_invalid_type"),
    Reason.TOKEN_NOT_OF_SECOND_FACTOR: _denied("Invalid token type"),
    Reason.TOKEN_OF_ANOTHER_CLIENT: _denied("Token not found or expired.", "invalid_grant"),
    Reason.TOKEN_UNKNOWN: _denied("Token not found.", "token_not_found"),
    Reason.USER_BLOCKED: _denied("User blocked.", "user_blocked"),
    Reason.USER_BLOCKED_AT_VERIFY: _denied("Authentication failed.", "invalid_user"),
    Reason.USER_UNKNOWN: _denied("User not found."),
}

_UNPROCESSABLE: Mapping[Reason, str] = {
    Reason.API_KEY_UNKNOWN: "API-KEY is invalid.",
    Reason.BROKER_KEY_REQUIRED: "API-KEY header required.",
    Reason.BROKER_KEY_UNKNOWN: "API-KEY header is invalid.",
    Reason.BROKER_SETTINGS: "Incorrect broker settings.",
    Reason.SCOPE_EMPTY: (
        "Requested scope is empty. Scope not passed or user has no roles or global roles."
    ),
    Reason.SCOPE_NOT_OF_CLIENT_TYPE: "Scope is not allowed by client type.",
    Reason.SCOPE_NOT_OF_ROLES: (
        "User requested scope that is not allowed by role based access policies."
    ),
    Reason.SIGNATURE_INVALID: "{detail}",
    Reason.SIGNER_WITHOUT_TAX_ID: "Digital signature signer does not contain drfo.",
}

_FORBIDDEN: Mapping[Reason, str | None] = {
    Reason.API_KEY_OF_ANOTHER: None,
    Reason.RECOVERY_OFF: "Password recovery is not available.",
    Reason.SECOND_FACTOR_REQUIRED: "Second factor is required.",
    Reason.STEP_UP_REQUIRED: "Step-up authentication required",
    Reason.USER_NOT_REGISTERED: "User is not registered",
}


_CONFLICT: Mapping[Reason, str] = {
    Reason.CLIENT_TYPE_IN_USE: "client type has clients",
    Reason.FACTOR_ALREADY_DISABLED: "user authentication factor already disabled",
    Reason.FACTOR_ALREADY_ENABLED: "user authentication factor already enabled",
    Reason.FACTOR_IS_LAST: "the last authentication factor cannot be removed",
    Reason.FACTOR_NOT_SET: "Factor not set",
    Reason.FACTOR_UNKNOWN: "Not found authentication factor for user.",
    Reason.PASSKEYS_TOO_MANY: "user has too many passkeys",
    Reason.USER_ALREADY_BLOCKED: "user already blocked",
    Reason.USER_ALREADY_UNBLOCKED: "user already unblocked",
}


def problem_of(refused: Refused) -> Problem:
    """What a refusal looks like outside."""
    problem = _problem_of(refused)
    if refused.retry_after is not None:
        problem.headers["Retry-After"] = str(refused.retry_after)
    return problem


def _problem_of(refused: Refused) -> Problem:
    reason = refused.reason
    if reason in _CONFLICT:
        return conflict(_CONFLICT[reason])
    if reason in _UNPROCESSABLE:
        return unprocessable(_UNPROCESSABLE[reason].replace("{detail}", refused.detail))
    if reason in _FORBIDDEN:
        return forbidden(_FORBIDDEN[reason])
    if reason is Reason.NOT_FOUND:
        return not_found()
    status, kind, message = _TABLE[reason]
    return Problem(status, kind, message.replace("{detail}", refused.detail))


def refuse(refused: Refused | Unfit | Clash) -> NoReturn:
    """Answer with a refusal."""
    match refused:
        case Unfit(fields=fields):
            raise validation_failed(fields)
        case Clash():
            raise problem_of_clash(refused)
        case Refused():
            raise problem_of(refused)
        case _:
            assert_never(refused)


def problem_of_clash(clash: Clash) -> Problem:
    """What a field that the database refused looks like outside: an entry without a rule."""
    text = "has already been taken" if clash.taken else "does not exist"
    entry = f"$.{clash.field}"
    return validation_failed([Invalid(entry=entry, rule=None, description=text)])
