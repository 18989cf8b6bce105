"""Where a browser may be sent after signing in."""

import pytest

from services.gatekeeper.domain.returning import is_own_path, own_path


@pytest.mark.parametrize(
    "address",
    ["/", "/users", "/users/1?tab=apps&x=http://other.test", "/a%20b", "/a/b#c", "/a/../b"],
)
def test_a_path_of_this_site_is_gone_back_to(address: str) -> None:
    assert own_path(address, home="/home") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "users",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%5cevil.test",
        "/%2fevil.test",
        "/%252fevil.test",
        "/%25252fevil.test",
        "/%2525252525252fevil.test",
        "https://evil.test",
        "javascript:alert(1)",
        "/javascript:alert(1)",
        "/user@evil.test",
        "/x%40evil.test",
        "/\tevil",
        "/\nevil",
        "/%09/evil.test",
        "/%0d%0aSet-Cookie:x",
        "/ evil",
        "/Іван",
        "/" + "a" * 1024,
    ],
)
def test_whatever_may_lead_elsewhere_leads_home(address: str) -> None:
    assert not is_own_path(address)
    assert own_path(address, home="/home") == "/home"
