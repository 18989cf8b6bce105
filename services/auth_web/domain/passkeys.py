"""Passkeys, as far as a page deals with them (WebAuthn Level 3)."""

import json
from typing import Any
from urllib.parse import urlsplit

_LONGEST = 32_768


def works_at(host: str, rp_id: str) -> bool:
    """Whether a page at `host` may use passkeys of a relying party id (WebAuthn §5.1.3).

    The host is the id or a name under it; an address of numbers never is.
    """
    name = (urlsplit(f"//{host}").hostname or "").lower()
    return name == rp_id or name.endswith(f".{rp_id}")


def credential_of(text: str) -> dict[str, Any] | None:
    """The credential that the script put into the form; what is in it mithril-api judges."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
