"""What kinds of token there are, and how long a scope list is written."""

from enum import StrEnum


class TokenName(StrEnum):
    """The `name` of a token on the wire and at rest (spec legacy-mithril §2.1)."""

    ACCESS = "access_token"
    REFRESH = "refresh_token"
    CODE = "authorization_code"
    SECOND_FACTOR = "2fa_access_token"
    CHANGE_PASSWORD = "change_password_token"  # noqa: S105 — a kind, no secret


class RefreshPolicy(StrEnum):
    """What one use of a refresh token does to it (decision D3)."""

    REUSE = "reuse"
    ROTATE = "rotate"


class AccessType(StrEnum):
    """Whether a client's tokens need a broker's api-key beside them (spec §3.10)."""

    DIRECT = "DIRECT"
    BROKER = "BROKER"
