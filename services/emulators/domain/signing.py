"""Signed content without a signature: base64 of a JSON object, with a signer made up.

What was "signed" may say who signed it and how well: `signer` is an object with `drfo` (and
`edrpou`, `surname`, `given_name`), or a list of them for several signatures;
`signature_error` is a text that makes each signature invalid. Both are taken out of the
content.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

_NAMES = ("drfo", "edrpou", "surname", "given_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was signed, and each signature as the service's answer has it."""

    content: dict[str, Any]
    signatures: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBase64:
    """It is not base64 at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSigned:
    """It is base64, but of nothing that could have been signed here."""


Verdict: TypeAlias = Opened | NotBase64 | NotSigned


def opened(signed_content: str, *, default_drfo: str) -> Verdict:
    """Open signed content."""
    try:
        raw = base64.b64decode(signed_content, validate=True)
    except (binascii.Error, ValueError):
        return NotBase64()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return NotSigned()
    if not isinstance(content, dict):
        return NotSigned()
    signer = content.pop("signer", {"drfo": default_drfo})
    error = content.pop("signature_error", None)
    signers = signer if isinstance(signer, list) else [signer]
    if not all(isinstance(item, dict) for item in signers):
        return NotSigned()
    return Opened(content=content, signatures=[_signature(item, error) for item in signers])


def _signature(signer: dict[str, Any], error: object) -> dict[str, Any]:
    return {
        "is_valid": error is None,
        "is_stamp": False,
        "validation_error_message": "" if error is None else str(error),
        "signer": {
            name: str(signer[name]) for name in _NAMES if signer.get(name) is not None
        },
    }
