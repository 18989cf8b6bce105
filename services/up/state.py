"""What `mithril up` keeps in its state directory, beside PostgreSQL's data."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.runtime.entropy import Entropy

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def word(entropy: Entropy, length: int = 32) -> str:
    """A random word of letters and digits."""
    return "".join(_ALPHABET[entropy.below(len(_ALPHABET))] for _ in range(length))


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets of this set alone; made at the first start."""

    secret_key: str = field(repr=False)
    service_token: str = field(repr=False)
    audit_signing_key: str = field(repr=False)  # Ed25519, 32 bytes in hexadecimal
    cookie_key: str = field(repr=False)


class StateDirectory:
    """A directory that only its owner may read; files in it appear whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        self.logs = self.path / "logs"
        self.logs.mkdir(exist_ok=True)

    @property
    def endpoints(self) -> Path:
        """Where others find what runs (architecture.md §3); absent until all is ready."""
        return self.path / "endpoints.json"

    def secrets(self, entropy: Entropy) -> Secrets:
        """The secrets of this set."""
        kept = self.read("secrets.json") or {}
        made = {
            "secret_key": word(entropy, 43),
            "service_token": word(entropy),
            "audit_signing_key": f"{entropy.bits(256):064x}",
            "cookie_key": word(entropy, 43),
        } | kept
        if made != kept:
            self.write("secrets.json", made)
        return Secrets(**made)

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON object kept under a name, if there is one."""
        try:
            value = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None
        return dict(value)

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Keep a JSON object, readable by the owner alone, atomically."""
        temporary = self.path / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(value, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / name)
