"""A client proves who it is by its certificate (RFC 8705 §2)."""

from services.mithril_api.domain.oauth2 import client_keys
from services.mithril_api.domain.oauth2.client_metadata import ClientMetadata, Method
from shared.wire.certificates import Certificate


def proved(metadata: ClientMetadata, shown: Certificate | None) -> Method | None:
    """How a certificate proves the client; none: it does not.

    For a subject the ingress must have verified the chain; one that signed itself is registered.
    """
    if shown is None:
        return None
    subject = metadata.tls_subject
    if Method.TLS in metadata.methods and subject is not None:
        return Method.TLS if shown.is_verified and shown.is_of(*subject) else None
    if Method.SELF_SIGNED_TLS in metadata.methods:
        known = [client_keys.certificate_of(key) for key in metadata.keys]
        if any(item is not None and item.der == shown.der for item in known):
            return Method.SELF_SIGNED_TLS
    return None
