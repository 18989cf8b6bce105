"""Why a request is refused: the closed list of reasons, without their texts.

What each looks like outside is one table in `handlers/problems.py`.
"""

from dataclasses import dataclass
from enum import Enum, auto

from shared.wire.envelope import Invalid


class Reason(Enum):
    """A reason to refuse; the comments of the spec's sections name the checks."""

    API_KEY_OF_ANOTHER = auto()
    API_KEY_UNKNOWN = auto()
    API_KEY_UNKNOWN_AT_REFRESH = auto()
    API_KEY_UNSET = auto()
    APPROVAL_MISSING = auto()
    AUTHENTICATION_TOO_OLD = auto()  # the client wants a fresher sign-in (max_age, prompt)
    AUTHORIZATION_REQUEST_UNKNOWN = auto()
    BROKER_SETTINGS = auto()
    BROKER_KEY_REQUIRED = auto()
    BROKER_KEY_UNKNOWN = auto()
    ACCESS_TYPE_MISSING = auto()
    CLIENT_BLOCKED = auto()
    CLIENT_BLOCKED_AT_NONCE = auto()
    CLIENT_BLOCKED_AT_VERIFY = auto()
    CLIENT_GRANT_FORBIDDEN = auto()
    CLIENT_SECRET_WRONG = auto()
    CLIENT_TYPE_IN_USE = auto()
    CLIENT_UNKNOWN = auto()
    CLIENT_UNKNOWN_AT_LOGIN = auto()
    CODE_REUSED = auto()  # a theft: what it bought is revoked
    CODE_USED = auto()
    FACTOR_ALREADY_DISABLED = auto()
    FACTOR_ALREADY_ENABLED = auto()
    FACTOR_IS_LAST = auto()
    FACTOR_NOT_SET = auto()
    FACTOR_UNKNOWN = auto()
    GRANT_FORBIDDEN = auto()
    JWT_INVALID = auto()
    JWT_MISSING = auto()
    KEY_NOT_PROVED = auto()  # the code, the family or the token is bound to one
    LOGIN_LIMIT = auto()
    NOT_FOUND = auto()
    OTP_ATTEMPTS = auto()
    OTP_EXPIRED = auto()
    OTP_INVALID = auto()
    OTP_TIMEOUT = auto()
    PASSKEYS_TOO_MANY = auto()
    PASSKEY_CLONED = auto()  # its counter went back: two devices hold the same key
    PASSKEY_INVALID = auto()
    PASSWORD_EXPIRED = auto()
    PASSWORD_WRONG = auto()
    PERSON_UNKNOWN = auto()
    PKCE_FAILED = auto()
    RECOVERY_OFF = auto()
    REDIRECT_MISMATCH = auto()
    REDIRECT_MISMATCH_AT_CONSENT = auto()
    RESOURCE_NOT_GRANTED = auto()
    SCOPE_EMPTY = auto()
    SCOPE_NOT_GRANTED = auto()
    SCOPE_NOT_OF_CLIENT_TYPE = auto()
    SCOPE_NOT_OF_ROLES = auto()
    SCOPE_ONLY = auto()
    SCOPE_TOO_LONG = auto()  # for a token that says all of it
    SECOND_FACTOR_REQUIRED = auto()
    SETUP_MISSING = auto()
    SIGNATURE_INVALID = auto()
    SIGNERS_TOO_MANY = auto()
    SIGNER_UNKNOWN = auto()
    SIGNER_WITHOUT_TAX_ID = auto()
    SMS_NOT_SENT = auto()
    STEP_UP_REQUIRED = auto()
    TAX_ID_MISMATCH = auto()
    TOKEN_EXPIRED = auto()
    TOKEN_EXPIRED_AT_VERIFY = auto()
    TOKEN_INVALID = auto()
    TOKEN_INVALID_TYPE = auto()
    TOKEN_NOT_OF_SECOND_FACTOR = auto()
    TOKEN_OF_ANOTHER_CLIENT = auto()
    TOKEN_REUSED = auto()  # a theft: its family is revoked
    TOKEN_UNKNOWN = auto()
    USER_ALREADY_BLOCKED = auto()
    USER_ALREADY_UNBLOCKED = auto()
    USER_BLOCKED = auto()
    USER_BLOCKED_AT_VERIFY = auto()
    USER_NOT_REGISTERED = auto()
    USER_UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer is no. `detail` completes the text where the text has a gap."""

    reason: Reason
    detail: str = ""
    retry_after: int | None = None  # seconds after which asking again makes sense


@dataclass(frozen=True, slots=True)
class Unfit:
    """The answer is no, and these fields of the request are why."""

    fields: tuple[Invalid, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """The database refused a field: what it names is taken, or is not there."""

    field: str
    taken: bool
