"""Redirect URIs: compared as exact strings (RFC 9700 §2.1; decision D14)."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def is_registered(sent: str, registered: Iterable[str]) -> bool:
    """Whether a URI is one of those registered, to the letter.

    One that was registered though it cannot be read as a URI leads nowhere: it never matches.
    """
    return sent in set(registered) and _is_readable(sent)


def with_parameters(uri: str, **parameters: str | None) -> str:
    """The URI with response parameters added; `code` comes first, as the original wrote it."""
    parts = urlsplit(uri)
    given = {name: value for name, value in parameters.items() if value is not None}
    kept = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in given
    )
    query = urlencode([*given.items(), *kept])
    return urlunsplit(parts._replace(query=query))


def _is_readable(uri: str) -> bool:
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True
