"""How a client proves who it is where tokens are issued, and for whom they are made."""

from dataclasses import dataclass, field
from typing import Any

from shared.models.ids import ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A client proves who it is by a secret, which is looked up with everything else."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A client has proved before who it is."""

    connection_id: ConnectionId


def audience(resources: tuple[str, ...]) -> dict[str, Any]:
    """What an access token remembers of the resources that it is made for (RFC 8707)."""
    return {"aud": list(resources)} if resources else {}
