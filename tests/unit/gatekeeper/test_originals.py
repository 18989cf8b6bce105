"""Of the original request one proxy's account is believed, and no other."""

import pytest

from services.gatekeeper.domain.originals import Dialect, Original, original_of

NGINX = {"X-Original-URI": ["/a?b=c"], "X-Original-Method": ["DELETE"]}
TRAEFIK = {"X-Forwarded-Uri": ["/t?u=v"], "X-Forwarded-Method": ["PUT"]}


def read(
    dialect: Dialect,
    headers: dict[str, list[str]],
    *,
    method: str = "GET",
    target: str = "/verify",
) -> Original | None:
    return original_of(
        dialect, method=method, target=target, values_of=lambda name: headers.get(name, [])
    )


def test_nginx_says_it_in_its_headers() -> None:
    found = read("nginx", NGINX | TRAEFIK)
    assert found == Original(method="DELETE", path="/a", query="b=c")


def test_traefik_says_it_in_its_headers() -> None:
    found = read("traefik", NGINX | TRAEFIK)
    assert found == Original(method="PUT", path="/t", query="u=v")


def test_envoy_says_it_in_the_request_line_alone() -> None:
    found = read("envoy", NGINX | TRAEFIK, method="POST", target="/verify/e?f")
    assert found == Original(method="POST", path="/e", query="f")


@pytest.mark.parametrize(
    ("dialect", "headers", "target"),
    [
        ("nginx", TRAEFIK, "/verify"),
        ("nginx", {}, "/verify"),
        ("nginx", NGINX, "/verify/a"),
        ("nginx", NGINX | {"X-Original-URI": ["/a", "/b"]}, "/verify"),
        ("nginx", NGINX | {"X-Original-Method": ["GET", "PUT"]}, "/verify"),
        ("nginx", NGINX | {"X-Original-Method": ["TRACE"]}, "/verify"),
        ("nginx", NGINX | {"X-Original-Method": ["get"]}, "/verify"),
        ("nginx", NGINX | {"X-Original-URI": ["http://x/a"]}, "/verify"),
        ("nginx", NGINX | {"X-Original-URI": [""]}, "/verify"),
        ("traefik", NGINX, "/verify"),
        ("envoy", NGINX, "/verify"),
        ("envoy", NGINX, "/verifying"),
    ],
)
def test_what_the_proxy_does_not_say_is_not_guessed(
    dialect: Dialect, headers: dict[str, list[str]], target: str
) -> None:
    assert read(dialect, headers, target=target) is None


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("", []),
        ("a=1&a=2&b=", [("a", "1"), ("a", "2"), ("b", "")]),
        ("a=%ff", []),
        ("&".join(["a=1"] * 101), []),
    ],
)
def test_a_query_that_cannot_be_read_has_no_arguments(
    query: str, arguments: list[tuple[str, str]]
) -> None:
    assert Original(method="GET", path="/", query=query).arguments() == arguments
