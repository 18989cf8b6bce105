"""Whether the token that came in an Authorization header serves its purpose (spec §1.3 O7)."""

from datetime import datetime

from services.mithril_api.domain.grants import DEVICE_CODE, TOKEN_EXCHANGE
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.confirmations import confirmation_of
from shared.models.tokens import TokenName

_OF_A_CLIENT = frozenset(
    {"authorization_code", "client_credentials", "refresh_token", DEVICE_CODE}
    | {TOKEN_EXCHANGE}
)


def is_session(token: Token) -> bool:
    """Whether a user signed in for this token, rather than a client got it by a consent."""
    return token.app_id is None and token.grant_type not in _OF_A_CLIENT


def is_of_a_user(token: Token) -> bool:
    """Whether a user stands behind a token, rather than the client alone."""
    return token.grant_type != "client_credentials"


def judge(token: Token | None, *, wanted: TokenName, now: datetime) -> Token | Refused:
    """The token, if it is live, unused and of the wanted kind."""
    if token is None:
        return Refused(Reason.TOKEN_INVALID)
    if token.used_at is not None or not token.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED)
    if token.name is not wanted or confirmation_of(token.details).is_bound:
        # No session is bound to a key: what is bound is a client's, which has to prove it.
        return Refused(Reason.TOKEN_INVALID_TYPE)
    return token
