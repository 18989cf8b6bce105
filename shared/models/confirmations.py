"""The key that the holder of a token must prove to have (`cnf`, RFC 7800)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JKT, X5T = "jkt", "x5t#S256"  # RFC 9449 §6.1, RFC 8705 §3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a token is bound to; nothing: it is a bearer token."""

    jkt: str | None = None  # the thumbprint of a key, shown by a DPoP proof
    x5t: str | None = None  # that of a certificate, shown by mutual TLS

    @property
    def is_bound(self) -> bool:
        """Whether the token is worth nothing to who only has it."""
        return self != UNBOUND

    @property
    def token_type(self) -> str:
        """How the token is presented (RFC 9449 §5; RFC 8705 changes nothing)."""
        return "Bearer" if self.jkt is None else "DPoP"

    def details(self) -> dict[str, Any]:
        """What a token remembers of it: the claim, where there is one."""
        told = {JKT: self.jkt, X5T: self.x5t}
        known = {name: value for name, value in told.items() if value is not None}
        return {"cnf": known} if known else {}


UNBOUND = Confirmation()
_NOBODYS = Confirmation(jkt="")


def confirmation_of(details: Mapping[str, Any]) -> Confirmation:
    """What a token is bound to. A claim that is not understood is met by nobody."""
    cnf = details.get("cnf")
    if cnf is None:
        return UNBOUND
    if not isinstance(cnf, Mapping) or not cnf or not {JKT, X5T}.issuperset(cnf):
        return _NOBODYS
    if not all(isinstance(value, str) for value in cnf.values()):
        return _NOBODYS
    return Confirmation(jkt=cnf.get(JKT), x5t=cnf.get(X5T))
