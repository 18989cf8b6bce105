"""Who is asking: the credentials that a client presents, and whether they prove it.

RFC 6749 §2.3. A request authenticates in one way or not at all.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from urllib.parse import unquote_plus
from uuid import UUID

from services.mithril_api.domain.oauth2 import client_assertions, mutual_tls
from services.mithril_api.domain.oauth2.client_assertions import Assertion
from services.mithril_api.domain.oauth2.client_metadata import ClientMetadata, Method
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_client,
    invalid_dpop_proof,
    invalid_request,
)
from services.mithril_api.domain.oauth2.parameters import Parameters
from shared.models.confirmations import UNBOUND, Confirmation
from shared.models.ids import ClientId, ConnectionId, UserId
from shared.wire.casting import is_uuid
from shared.wire.certificates import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A client secret, in each reading that it has.

    What is inside of Basic authentication should be form-encoded, and often is not.
    """

    client_id: ClientId
    secrets: tuple[str, ...] = field(repr=False)
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """An id alone, and perhaps a certificate that was shown before anything was said."""

    client_id: ClientId
    certificate: Certificate | None = None


Presented: TypeAlias = Secret | Assertion | Bare


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConnection:
    """A connection of the client, and where it leads."""

    id: ConnectionId
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFacts:
    """All that the database knows about a client that asks."""

    client_id: ClientId
    name: str
    metadata: ClientMetadata
    is_blocked: bool
    owner_id: UserId
    owner_is_blocked: bool
    type_scope: tuple[str, ...]
    by_secret: KnownConnection | None  # whose secret was presented
    connections: tuple[KnownConnection, ...]  # its own first


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """A client that is who it says; of a public one, only that it exists."""

    client: ClientFacts
    method: Method
    # Of a secret: the one it belongs to, whose redirect URI alone it may use.
    connection: KnownConnection | None
    confirmation: Confirmation = UNBOUND  # what it proved to hold beside that

    @property
    def client_id(self) -> ClientId:
        """Its id."""
        return self.client.client_id

    @property
    def metadata(self) -> ClientMetadata:
        """As it is registered."""
        return self.client.metadata

    def connection_for(self, redirect_uri: str) -> KnownConnection | None:
        """The connection with this redirect URI, to the letter; that of the secret, if one."""
        known = self.client.connections if self.connection is None else (self.connection,)
        return next((item for item in known if item.redirect_uri == redirect_uri), None)

    def connection_id(self) -> ConnectionId | None:
        """The connection that stands for the client where no redirect says which."""
        if self.connection is not None:
            return self.connection.id
        return self.client.connections[0].id if self.client.connections else None


def presented(
    authorization: Sequence[str],
    parameters: Parameters,
    *,
    audiences: tuple[str, ...] = (),
    certificate: Certificate | None = None,
) -> Presented | Fault:
    """The one way in which a request authenticates its client.

    `audiences`: for whom an assertion may be made, our issuer first. `certificate`: what an
    ingress saw. It may come with any way, and proves a client that comes with no other.
    """
    assertion = parameters.get("client_assertion")
    secret = parameters.get("client_secret")
    ways = [bool(authorization), secret is not None, assertion is not None]
    if len(authorization) > 1 or sum(ways) > 1:
        return invalid_request("the client authenticates in more than one way")
    stated = parameters.get("client_id")
    if authorization:
        return _basic(authorization[0], stated)
    if assertion is not None or "client_assertion_type" in parameters:
        return _assertion(assertion, parameters, audiences)
    client_id = _id_of(stated)
    if client_id is None:
        return invalid_client() if stated else invalid_client("no client authentication")
    if secret is not None:
        return Secret(client_id=client_id, secrets=(secret,), method=Method.POST)
    return Bare(client_id=client_id, certificate=certificate)


def judge(
    facts: ClientFacts | None, by: Presented, *, now: datetime
) -> Authenticated | Fault:
    """Whether what was presented proves the client."""
    if facts is None:
        return invalid_client()
    match by:
        case Secret(method=method):
            if method not in facts.metadata.methods or facts.by_secret is None:
                return invalid_client()
            who = Authenticated(client=facts, method=method, connection=facts.by_secret)
        case Assertion(method=method):
            if method not in facts.metadata.methods:
                return invalid_client()
            fault = client_assertions.judge(by, facts.metadata, now=now)
            if fault is not None:
                return fault
            who = Authenticated(client=facts, method=method, connection=None)
        case Bare(certificate=shown):
            is_public = facts.metadata.is_public
            found = Method.NONE if is_public else mutual_tls.proved(facts.metadata, shown)
            if found is None:
                return invalid_client()
            who = Authenticated(client=facts, method=found, connection=None)
    if facts.is_blocked:
        return Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client is blocked")
    return who


def withheld(who: Authenticated) -> Fault | None:
    """Why a client that has proved who it is gets no tokens nevertheless."""
    if who.metadata.dpop_bound and who.confirmation.jkt is None:
        return invalid_dpop_proof("the client must send a DPoP proof")
    if who.metadata.certificate_bound and who.confirmation.x5t is None:
        return invalid_request("the client must show its certificate (mutual TLS)")
    return unkept(who.metadata)


def unkept(metadata: ClientMetadata) -> Fault | None:
    """Why a client gets no tokens that would be weaker than what it was registered for."""
    if not metadata.unkept:
        return None
    names = ", ".join(metadata.unkept)
    return Fault(
        ErrorCode.UNAUTHORIZED_CLIENT,
        f"the client is registered with what is not supported: {names}",
    )


def _assertion(
    assertion: str | None, parameters: Parameters, audiences: tuple[str, ...]
) -> Assertion | Fault:
    if assertion is None:
        return invalid_request("`client_assertion` is missing")
    if parameters.get("client_assertion_type") != client_assertions.TYPE:
        return invalid_client(f"`client_assertion_type` must be {client_assertions.TYPE}")
    made = client_assertions.read(assertion, audiences=audiences)
    if isinstance(made, Fault):
        return made
    stated = parameters.get("client_id")
    if stated is not None and _id_of(stated) != made.client_id:
        return invalid_client("`client_id` is not that of the assertion")
    return made


def _basic(header: str, stated: str | None) -> Secret | Fault:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return invalid_client("the authentication scheme is not supported")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return invalid_client("the authorization header cannot be read")
    user, colon, password = text.partition(":")
    client_id = _id_of(unquote_plus(user))
    readings = tuple(dict.fromkeys((unquote_plus(password), password)))
    if not colon or client_id is None or not password:
        return invalid_client()
    if stated is not None and _id_of(stated) != client_id:
        return invalid_request("`client_id` is not that of the authorization header")
    return Secret(client_id=client_id, secrets=readings, method=Method.BASIC)


def _id_of(text: str | None) -> ClientId | None:
    return ClientId(UUID(text)) if text is not None and is_uuid(text) else None
