"""The sample client: what a medical information system does to sign a doctor in (RFC 6749 §4.1)."""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlencode

_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleClient:
    """Who it is, and where it asks."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scope: str
    sign_in_url: str
    token_url: str

    def sign_in_at(self, *, state: str, verifier: str) -> str:
        """The address that starts a sign-in, bound to this browser and to this client."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.sign_in_url}?{urlencode(query)}"


class SignIns:
    """The sign-ins under way: the verifier of each state, used once; the oldest go first."""

    def __init__(self) -> None:
        self._verifiers: OrderedDict[str, str] = OrderedDict()

    def begin(self, *, state: str, verifier: str) -> None:
        """Remember one."""
        self._verifiers[state] = verifier
        if len(self._verifiers) > _MOST:
            self._verifiers.popitem(last=False)

    def knows(self, state: str) -> bool:
        """Whether this state was given by us and not used yet."""
        return state in self._verifiers

    def end(self, state: str) -> str | None:
        """The verifier of a state; never again."""
        return self._verifiers.pop(state, None)
