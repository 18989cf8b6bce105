"""How the access token of a request is made: for whom to take, bound to what, in which format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.mithril_api.domain.minting import Minted
from shared.models.ids import ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A client proves who it is by a secret, which is looked up with everything else."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A client has proved before who it is."""

    connection_id: ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """What an endpoint knows and a rule need not.

    `confirmation` is the key that a token is bound to (`cnf`, RFC 7800). `sign` turns a token
    whose value is opaque into one whose value is a JWT; none leaves it as it is. It must not
    wait for anything: keys are at hand when it is made.
    """

    confirmation: Mapping[str, str] = field(default_factory=dict)
    sign: Callable[[Minted], Minted] | None = field(default=None, repr=False)

    def details(self, resources: tuple[str, ...] = ()) -> dict[str, Any]:
        """What an access token remembers of it."""
        made: dict[str, Any] = {}
        if self.confirmation:
            made["cnf"] = dict(self.confirmation)
        if resources:
            made["aud"] = list(resources)
        return made

    def shaped(self, minted: Minted) -> Minted:
        """The token in the format of its client."""
        return minted if self.sign is None else self.sign(minted)


PLAIN = Issuance()  # of POST /oauth/tokens


def with_details(minted: Minted, details: Mapping[str, Any]) -> Minted:
    """A token that remembers more."""
    if not details:
        return minted
    token = replace(minted.token, details={**minted.token.details, **details})
    return replace(minted, token=token)
