"""The original request as a proxy tells of it; each proxy has its dialect, one is believed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

Dialect: TypeAlias = Literal["nginx", "traefik", "envoy"]

PREFIX = "/verify"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MOST_ARGUMENTS = 100
_URI_AND_METHOD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "nginx": ("X-Original-URI", "X-Original-Method"),
        "traefik": ("X-Forwarded-Uri", "X-Forwarded-Method"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The request that the proxy has before it; `path` and `query` are still as they came."""

    method: str
    path: str
    query: str = field(repr=False)

    def arguments(self) -> list[tuple[str, str]]:
        """The arguments of the query; none where it cannot be read."""
        try:
            return parse_qsl(
                self.query,
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MOST_ARGUMENTS,
            )
        except ValueError:
            return []


def original_of(
    dialect: Dialect,
    *,
    method: str,
    target: str,
    values_of: Callable[[str], Sequence[str]],
) -> Original | None:
    """What the proxy says the request is; none where it does not say, or says it twice.

    `method` and `target` are of the proxy's own request, `values_of` gives its headers.
    """
    if dialect == "envoy":  # ext_authz over HTTP: the path follows `path_prefix`
        if not target.startswith(PREFIX + "/"):
            return None
        uri = target[len(PREFIX) :]
    else:
        if target != PREFIX:
            return None
        uri_name, method_name = _URI_AND_METHOD[dialect]
        uris, methods = values_of(uri_name), values_of(method_name)
        if len(uris) != 1 or len(methods) != 1:
            return None
        uri, method = uris[0], methods[0]
    if method not in _METHODS or not uri.startswith("/"):
        return None
    path, _, query = uri.partition("?")
    return Original(method=method, path=path, query=query)
