"""The certificate that a client showed by mutual TLS, as an ingress hands it on.

RFC 8705; RFC 9440 for `Client-Cert`. It is public: what it proves, the ingress saw.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

_PEM = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate that can be read. `is_verified`: its chain ends at a CA of the ingress."""

    der: bytes = field(repr=False)
    is_verified: bool = False

    @property
    def thumbprint(self) -> str:
        """By which tokens are bound to it (`x5t#S256`, RFC 8705 §3.1)."""
        digest = hashlib.sha256(self.der).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_of(self, kind: str, wanted: str) -> bool:
        """Whether it names this subject (RFC 8705 §2.1.2), under one of `SUBJECTS`."""
        made = x509.load_der_x509_certificate(self.der)
        try:
            if kind == "subject_dn":
                return made.subject == x509.Name.from_rfc4514_string(wanted)
            return any(_is_same(kind, name, wanted) for name in _names(made, kind))
        except ValueError:
            return False


# What a client's certificate may be known by, as `tls_client_auth_…` spells it.
SUBJECTS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
_KINDS: dict[str, Any] = {
    "san_dns": x509.DNSName,
    "san_uri": x509.UniformResourceIdentifier,
    "san_ip": x509.IPAddress,
    "san_email": x509.RFC822Name,
}


def read(text: str, *, is_verified: bool = False) -> Certificate | None:
    """The certificate of a header, in one of three forms.

    That of RFC 9440; PEM that is percent-encoded, as nginx and Envoy write it; or bare base64,
    as Traefik does, with its chain behind commas.
    """
    try:
        if text.startswith(":"):
            der = base64.b64decode(text.removeprefix(":").removesuffix(":"), validate=True)
        elif "%" in text or text.startswith("-----"):
            pem = unquote(text, errors="strict").strip()
            if not pem.startswith(_PEM):
                return None
            made = x509.load_pem_x509_certificate(pem.encode())
            der = made.public_bytes(Encoding.DER)
        else:
            der = base64.b64decode(text.partition(",")[0], validate=True)
        return of_der(der, is_verified=is_verified)
    except (ValueError, binascii.Error):
        return None


def of_der(der: bytes, *, is_verified: bool = False) -> Certificate | None:
    """The same from its bytes."""
    try:
        made = x509.load_der_x509_certificate(der)
        if made.public_bytes(Encoding.DER) != der:
            return None
    except ValueError:
        return None
    return Certificate(der=der, is_verified=is_verified)


def key_of(certificate: Certificate) -> str | None:
    """The thumbprint of its public key (RFC 7638); none where no JWK of ours has its kind."""
    try:
        key = x509.load_der_x509_certificate(certificate.der).public_key()
        if isinstance(key, RSAPublicKey):
            return RSAKey.import_key(key).thumbprint()
        if isinstance(key, EllipticCurvePublicKey):
            return ECKey.import_key(key).thumbprint()
        if isinstance(key, Ed25519PublicKey):
            return OKPKey.import_key(key).thumbprint()
    except (ValueError, JoseError, KeyError):
        return None
    return None


def is_subject(kind: str, wanted: str) -> bool:
    """Whether a certificate could have such a subject."""
    try:
        match kind:
            case "subject_dn":
                return bool(list(x509.Name.from_rfc4514_string(wanted)))
            case "san_ip":
                return bool(str(ip_address(wanted)))
            case _:
                return bool(wanted) and wanted.isascii() and wanted.isprintable()
    except ValueError:
        return False


def _names(made: x509.Certificate, kind: str) -> list[Any]:
    try:
        found = made.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        ).value
    except x509.ExtensionNotFound:
        return []
    assert isinstance(found, x509.SubjectAlternativeName)  # noqa: S101 — by its OID
    return list(found.get_values_for_type(_KINDS[kind]))


def _is_same(kind: str, name: Any, wanted: str) -> bool:
    if kind == "san_ip":
        return bool(name == ip_address(wanted))
    if kind == "san_dns":
        return str(name).casefold() == wanted.casefold()
    return str(name) == wanted
