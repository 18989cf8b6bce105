"""Whether whoever shows a token is its holder: what it is bound to is proved beside it.

RFC 9449 §7, RFC 8705 §3. For everything of ours that takes access tokens.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from shared.models.confirmations import Confirmation
from shared.wire import dpop
from shared.wire.dpop import Proof, Unfit

Scheme: TypeAlias = Literal["Bearer", "DPoP"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A token as a request brings it, and what the request proves."""

    token: str = field(repr=False)
    scheme: Scheme = "Bearer"
    proofs: Sequence[str] = field(default=(), repr=False)  # the `DPoP` headers
    x5t: str | None = None  # the thumbprint of the certificate of mutual TLS


class NotHeld(Unfit):
    """The token is not shown as it must be. No proof is at fault."""

    __slots__ = ()


def judge(
    bound: Confirmation,
    shown: Shown,
    *,
    method: str,
    urls: Collection[str],
    now: datetime,
) -> Proof | Unfit | None:
    """None: the token is the caller's. A proof: it is, unless that proof came before.

    `Unfit`: the proof that was shown is at fault, and another one may do; `NotHeld`: it is not.

    A token that is bound to a key is no bearer token, and one that is not cannot be shown as if
    it were: both would hide from its owner that somebody else has it.
    """
    if bound.x5t is not None and bound.x5t != shown.x5t:
        return NotHeld("the token is bound to a certificate that was not shown")
    if bound.jkt is None:
        if shown.scheme == "DPoP":
            return NotHeld("the token is not bound to a key")
        return None
    if shown.scheme != "DPoP":
        return NotHeld("the token is bound to a key: show it by DPoP")
    return _proof(bound.jkt, shown, method=method, urls=urls, now=now)


def _proof(
    jkt: str, shown: Shown, *, method: str, urls: Collection[str], now: datetime
) -> Proof | Unfit:
    proof = dpop.read(shown.proofs)
    if proof is None:
        return NotHeld("the DPoP proof is missing")
    if isinstance(proof, Unfit):
        return proof
    unfit = dpop.judge(proof, method=method, urls=urls, now=now)
    if unfit is not None:
        return unfit
    if proof.jkt != jkt:
        return Unfit("the token is bound to another key than that of the DPoP proof")
    if not proof.is_for(shown.token):
        return Unfit("the `ath` of the DPoP proof is not that of the token")
    if not proof.is_signed():
        return Unfit("the DPoP proof is not signed by its `jwk`")
    return proof


def challenge(shown: Shown, *, proof_is_at_fault: bool = False) -> str:
    """What a refusal says in `WWW-Authenticate` (RFC 9449 §7.1, RFC 6750 §3).

    Of a token whose proof alone is at fault, which goes on working, `invalid_token` would have
    its holder throw it away.
    """
    if shown.scheme == "Bearer":
        return "Bearer"
    error = "invalid_dpop_proof" if proof_is_at_fault else "invalid_token"
    algorithms = " ".join(dpop.ALGORITHMS)
    return f'DPoP error="{error}", algs="{algorithms}"'
