"""Certificates of clients for tests, and the authority that signs them."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc.jwk import ECKey


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def escaped(self) -> str:
        """As nginx hands it on."""
        return quote(self.pem.decode(), safe="")

    def jwk(self) -> dict[str, Any]:
        """Its key with the certificate, as a client registers it."""
        key = ECKey.import_key(self.key.public_key())
        return {**key.as_dict(), "x5c": [base64.b64encode(self.der).decode()]}


@cache
def a_certificate(
    subject: str = "CN=clinic,O=Clinic,C=UA", *, by: str | None = None, names: Any = ()
) -> Made:
    """A certificate for a subject; it signs itself unless an authority does, by its subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = a_certificate(by) if by else None
    name = x509.Name.from_rfc4514_string(subject)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), False)
    signer = key if issuer is None else issuer.key
    return Made(builder.sign(signer, hashes.SHA256()), key)
