"""The path of a request in the one form that rules are compared with.

What the service behind the gateway might read in another way than the rules did is refused:
empty and dot segments, backslashes, parameters, and escapes of what needs none (RFC 3986
§6.2.2, §6.2.3).
"""

import re
from urllib.parse import unquote

_LONGEST = 8192
# Unreserved characters and those sub-delimiters that no server splits a segment at.
_PLAIN = re.compile(r"^/[A-Za-z0-9/._~!$&'()*+,=:@-]*\Z")
_ESCAPED = re.compile(r"^/(?:[A-Za-z0-9/._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*\Z")
_ODD_SEGMENT = re.compile(r"//|/\.{1,2}(?:/|\Z)")
# Of ASCII, these alone cannot be written without an escape and mean nothing to a server.
_MAY_BE_ESCAPED = frozenset(' "<>[]^`{|}')
_ASCII_ESCAPE = re.compile(r"%([0-7][0-9A-Fa-f])")


def plain_path(raw: str) -> str | None:
    """The path, decoded; none where it could be read in two ways."""
    if _PLAIN.match(raw) is not None and len(raw) <= _LONGEST:
        return None if _ODD_SEGMENT.search(raw) else raw
    if len(raw) > _LONGEST or _ESCAPED.match(raw) is None or _ODD_SEGMENT.search(raw):
        return None
    for digits in _ASCII_ESCAPE.findall(raw):
        if chr(int(digits, 16)) not in _MAY_BE_ESCAPED:
            return None
    try:
        path = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return None
    return path if path.isprintable() else None
