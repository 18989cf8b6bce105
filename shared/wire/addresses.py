"""Addresses that somebody gives us, and that we or a browser are to go to."""

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_sound(uri: str) -> bool:
    """Whether everybody reads a URI in one way, and it is https, or http to this machine alone.

    Without user name, fragment, backslash, white space or control characters: what browsers
    read in one way and servers in another (RFC 9700 §4.1; loopback: RFC 8252 §7.3). Whether
    anybody may lead there is another question.
    """
    if not uri.isascii() or not uri.isprintable() or any(sign in uri for sign in " \\#"):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
