"""Who is asking: the credentials that a client presents, and whether they prove it.

RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2. A request authenticates in one way or not at all.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import unquote_plus
from uuid import UUID

from services.mithril_api.domain.oauth2.client_metadata import ClientMetadata, Method
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_client,
    invalid_request,
)
from services.mithril_api.domain.oauth2.parameters import Parameters
from shared.models.ids import ClientId, ConnectionId, UserId
from shared.wire.casting import is_uuid

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate that the trusted ingress saw proved in its handshake with the caller."""

    subject_dn: str  # RFC 4514
    thumbprint: str  # x5t#S256, base64url
    public_jwk: str = field(default="", repr=False)  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A client secret, in each reading that it has.

    What is inside of Basic authentication should be form-encoded, and often is not.
    """

    client_id: ClientId
    secrets: tuple[str, ...] = field(repr=False)
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A JWT of the client's own (private_key_jwt). Its `sub` says who; `client_id` may, too."""

    client_id: ClientId | None
    assertion: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """An id alone, and the certificate of the connection where there is one."""

    client_id: ClientId
    certificate: ClientCertificate | None = None


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
class ProvedAssertion:
    """What a verified assertion leaves to do: its id may not be presented again."""

    jti: str = field(repr=False)
    issuer: ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """A client that is who it says; of a public one, only that it exists."""

    client: ClientFacts
    method: Method
    # Of a secret: the one it belongs to, whose redirect URI alone it may use.
    connection: KnownConnection | None
    certificate: ClientCertificate | None = None

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
    certificate: ClientCertificate | None = None,
) -> Presented | Fault:
    """The one way in which a request authenticates its client."""
    assertion = parameters.get("client_assertion")
    assertion_type = parameters.get("client_assertion_type")
    secret = parameters.get("client_secret")
    ways = [bool(authorization), secret is not None, assertion is not None]
    if len(authorization) > 1 or sum(ways) > 1:
        return invalid_request("the client authenticates in more than one way")
    if (assertion is None) is not (assertion_type is None):
        return invalid_request("`client_assertion` and its type come together")
    stated = parameters.get("client_id")
    if authorization:
        return _basic(authorization[0], stated)
    if assertion is not None:
        if assertion_type != JWT_BEARER:
            return invalid_client("the type of the client assertion is not supported")
        return Assertion(client_id=_id_of(stated), assertion=assertion)
    client_id = _id_of(stated)
    if client_id is None:
        return invalid_client() if stated else invalid_client("no client authentication")
    if secret is not None:
        return Secret(client_id=client_id, secrets=(secret,), method=Method.POST)
    return Bare(client_id=client_id, certificate=certificate)


def judge(
    facts: ClientFacts | None, by: Presented, *, proved: bool = False
) -> Authenticated | Fault:
    """Whether what was presented proves the client. `proved`: its assertion was verified."""
    if facts is None:
        return invalid_client()
    match by:
        case Secret(method=method):
            if method not in facts.metadata.methods or facts.by_secret is None:
                return invalid_client()
            who = Authenticated(client=facts, method=method, connection=facts.by_secret)
        case Assertion():
            if Method.PRIVATE_KEY_JWT not in facts.metadata.methods or not proved:
                return invalid_client()
            who = Authenticated(
                client=facts, method=Method.PRIVATE_KEY_JWT, connection=None
            )
        case Bare(certificate=certificate):
            method_of_certificate = _of_certificate(facts.metadata, certificate)
            if method_of_certificate is None:
                return invalid_client()
            who = Authenticated(
                client=facts,
                method=method_of_certificate,
                connection=None,
                certificate=certificate,
            )
    if facts.is_blocked:
        return Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client is blocked")
    return who


def _of_certificate(
    metadata: ClientMetadata, certificate: ClientCertificate | None
) -> Method | None:
    if metadata.is_public:
        return Method.NONE
    if certificate is None:
        return None
    if Method.SELF_SIGNED_TLS in metadata.methods:
        fits = certificate.thumbprint == metadata.tls_thumbprint
        return Method.SELF_SIGNED_TLS if fits else None
    if Method.TLS in metadata.methods and metadata.tls_subject_dn:
        fits = certificate.subject_dn == metadata.tls_subject_dn
        return Method.TLS if fits else None
    return None


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
