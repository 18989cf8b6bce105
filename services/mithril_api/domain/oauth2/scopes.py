"""Scopes as RFC 6749 §3.3 writes them: printable ASCII, one space between, nothing alike."""

import re

from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault

OPENID = "openid"
# Scopes of OpenID Connect (Core §5.4, §11): no role and no client type has to hold them, since
# they let a client know its user, and do nothing.
OF_OPENID = frozenset({OPENID, "email", "offline_access", "phone", "profile"})
# Asked for by habit, and there is nothing here that it could mean: ignored (Core §3.1.2.1).
_NOT_UNDERSTOOD = "address"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def read(text: str | None) -> tuple[str, ...] | Fault:
    """The scopes of a request, each once; empty where it names none.

    A letter of another alphabet that looks like one of ours is refused, not taken for it.
    """
    if text is None:
        return ()
    if _SCOPE.fullmatch(text) is None:
        return Fault(ErrorCode.INVALID_SCOPE, "`scope` is malformed")
    asked = dict.fromkeys(text.split(" "))
    if OPENID in asked:
        asked.pop(_NOT_UNDERSTOOD, None)
    return tuple(asked)
