"""Where a browser may be sent after it signed in: to a page of this site and nowhere else."""

from urllib.parse import unquote

_LONGEST = 1024
_HOME = "/"


def is_own_path(address: str) -> bool:
    r"""Whether an address is a path of this site, however often a browser decodes it.

    `//host`, `/\host`, a scheme, userinfo and control characters are what makes it another
    site's (WHATWG URL §4.4: a backslash is a slash, tabs and line ends are dropped). The
    path alone is looked at so: what a query holds cannot change the host.
    """
    if len(address) > _LONGEST or not address.startswith("/"):
        return False
    if not address.isascii() or not address.isprintable() or " " in address:
        return False
    path = address.partition("?")[0].partition("#")[0]
    for _ in range(4):
        if path.startswith("//") or "\\" in path or "@" in path or ":" in path:
            return False
        if not path.isprintable():
            return False
        decoded = unquote(path)
        if decoded == path:
            return True
        path = decoded
    return False  # encoded again and again: nobody means that


def own_path(address: str, *, home: str = _HOME) -> str:
    """The address if it is a path of this site, else `home`."""
    return address if is_own_path(address) else home
