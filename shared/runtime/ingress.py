"""Client certificates that an ingress of ours hands on, by mutual TLS (RFC 8705 §6.3).

Anybody can write a header. Whose is believed, and in which form it comes, is configured; where
nothing is, no certificate is ever seen.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.bearer import bearer_of, is_service_token
from shared.runtime.settings import Names, ProcessSettings
from shared.wire import certificates
from shared.wire.certificates import Certificate

_NAME = r"^[A-Za-z0-9-]{1,64}$"
SERVICE_AUTHORIZATION = "X-Service-Authorization"  # `Authorization` is the caller's


class IngressSettings(BaseSettings):
    """Mixed into the settings of a process that believes an ingress."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    client_certificate_header: str | None = Field(
        None,
        validation_alias="MITHRIL_CLIENT_CERTIFICATE_HEADER",
        pattern=_NAME,
        description="where an ingress puts the certificate of mutual TLS; none: it is off",
    )
    client_certificate_verified_header: str | None = Field(
        None,
        validation_alias="MITHRIL_CLIENT_CERTIFICATE_VERIFIED_HEADER",
        pattern=_NAME,
        description="where it says SUCCESS of one whose chain it verified; none: it never does",
    )
    trusted_ingresses: Names = Field(
        (),
        validation_alias="MITHRIL_TRUSTED_INGRESSES",
        description="networks whose word on certificates is taken without a service token",
    )

    @field_validator("trusted_ingresses")
    @classmethod
    def _ingresses_are_networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(name)) for name in names)


@dataclass(frozen=True, slots=True)
class Distrusted:
    """There is a certificate, and nothing may be made of it."""

    why: str


def certificate_of(
    request: web.Request, settings: IngressSettings, process: ProcessSettings
) -> Certificate | Distrusted | None:
    """The certificate that the client of a request showed to the ingress."""
    name = settings.client_certificate_header
    values = [] if name is None else [text for text in _values(request, name) if text]
    if not values:
        return None
    if not _is_trusted(request, settings, process):
        return Distrusted("a client certificate comes from an ingress of ours alone")
    verified = settings.client_certificate_verified_header
    said = [] if verified is None else _values(request, verified)
    read = certificates.read(values[0], is_verified=said == ["SUCCESS"])
    if read is None or len(values) > 1:
        return Distrusted("the client certificate cannot be read")
    return read


def _values(request: web.Request, name: str) -> list[str]:
    return [text.strip() for text in request.headers.getall(name, ())]


def _is_trusted(
    request: web.Request, settings: IngressSettings, process: ProcessSettings
) -> bool:
    bearer = bearer_of(request, header=SERVICE_AUTHORIZATION)
    if is_service_token(bearer, process.service_credentials):
        return True
    try:
        peer = ip_address(request.remote or "")
    except ValueError:
        return False
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    return any(peer in ip_network(name) for name in settings.trusted_ingresses)
