"""What a browser says of its request that no page can make it say (Fetch Metadata)."""

from aiohttp import web

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def wants_page(request: web.Request) -> bool:
    """Whether a person looks at what comes: a page, not what its scripts ask for."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def is_of_another_site(request: web.Request, *, origin: str) -> bool:
    """Whether something that changes state was begun by a page that is not ours.

    `Sec-Fetch-Site` where there is one; else `Origin`; without either it is no browser of
    today's, and the cookie's `SameSite` is what guards.
    """
    if request.method not in _UNSAFE:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    given = request.headers.get("Origin")
    return given is not None and given != origin


def is_own_doing(request: web.Request) -> bool:
    """Whether a person went to this address: by a link of ours, or by typing it.

    Not an image, a frame of another site, or a page fetched ahead of any wish to see it.
    """
    headers = request.headers
    if headers.get("Sec-Purpose") or headers.get("Purpose"):
        return False
    return (
        headers.get("Sec-Fetch-Site") in {"same-origin", "none"}
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest", "document") == "document"
    )
