"""An authenticator in software: ES256, attestation `none`, a counter (WebAuthn Level 2 §6)."""

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

_PRESENT, _VERIFIED, _SYNCABLE, _SYNCED, _ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """A key that a user holds. `origin` and `rp_id` are what its browser says."""

    credential_id: bytes = b"a credential of sixteen bytes+"
    origin: str = "http://localhost:8085"
    rp_id: str = "localhost"
    synced: bool = False
    counts: bool = True
    counter: int = 0
    user_handle: bytes | None = None
    key: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )

    def clone(self) -> "Authenticator":
        """What a thief who copied the key has."""
        copied = deepcopy({k: v for k, v in vars(self).items() if k != "key"})
        return Authenticator(**copied, key=self.key)

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.create` answers."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id
        data = self._data(_ATTESTED) + attested + self._public_key()
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
            "attestationObject": bytes_to_base64url(cbor2.dumps(statement)),
            "transports": ["internal", "smoke-signals"],
        }
        return self._credential(response)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.get` answers."""
        if self.counts:
            self.counter += 1
        data = self._data(0)
        client_data = self._client_data("webauthn.get", options["challenge"])
        digest = hashlib.sha256(base64url_to_bytes(client_data)).digest()
        signature = self.key.sign(data + digest, ECDSA(SHA256()))
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
        }
        if self.user_handle is not None:
            response["userHandle"] = bytes_to_base64url(self.user_handle)
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        named = bytes_to_base64url(self.credential_id)
        kind = {"type": "public-key", "clientExtensionResults": {}}
        return {"id": named, "rawId": named, "response": response, **kind}

    def _client_data(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin}
        return bytes_to_base64url(json.dumps(said).encode())

    def _data(self, more: int) -> bytes:
        flags = _PRESENT | _VERIFIED | more
        flags |= _SYNCABLE | _SYNCED if self.synced else 0
        digest = hashlib.sha256(self.rp_id.encode()).digest()
        return digest + bytes([flags]) + self.counter.to_bytes(4)

    def _public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
