"""Which paths rules are compared with, and which are refused before."""

import pytest

from services.gatekeeper.domain.paths import plain_path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", "/"),
        ("/api/persons/1", "/api/persons/1"),
        ("/api/a.b/..c/d..", "/api/a.b/..c/d.."),
        ("/api/%D0%86%D0%B2%D0%B0%D0%BD", "/api/Іван"),
        ("/api/a%20b", "/api/a b"),
        ("/api/~x!$&'()*+,=:@-_", "/api/~x!$&'()*+,=:@-_"),
    ],
)
def test_a_path_that_reads_in_one_way_is_compared_decoded(raw: str, path: str) -> None:
    assert plain_path(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "api",
        "*",
        "http://other.test/api",
        "//api",
        "/api//x",
        "/api/../admin",
        "/api/..",
        "/api/./x",
        "/api/.",
        "/api/%2e%2e/admin",
        "/api/.%2e/admin",
        "/api%2fadmin",
        "/api%2Fadmin",
        "/api%5cadmin",
        "/api\\admin",
        "/api/%252e%252e/admin",
        "/api%25",
        "/api/%61dmin",
        "/api/x;y=1",
        "/api/x%3by",
        "/api/x%3fy",
        "/api/x%23y",
        "/api/x#y",
        "/api/%00",
        "/api/%0d%0a",
        "/api/%7f",
        "/api/%zz",
        "/api/%d",
        "/api/%ff",
        "/api/%c0%ae",
        "/api/%e2%80%a8",
        "/api/ x",
        "/api/Іван",
        "/" + "a" * 8192,
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(raw: str) -> None:
    assert plain_path(raw) is None
