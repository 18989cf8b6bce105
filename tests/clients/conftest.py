"""Client libraries of the world, used as their manuals say, and one set for all of them.

What each does. A blank is what a library cannot do; nothing else is left out.

====================================  =======  =========  ========  ======  ============  ====
What                                  Authlib  requests-  oauthlib  openid  oauth4webapi  oidc
                                               oauthlib             client                  ts
====================================  =======  =========  ========  ======  ============  ====
Discovery                             yes                           yes     yes           yes
Code with PKCE, refresh               yes      yes        yes       yes     yes           yes
`iss` of the answer (RFC 9207)                                      yes     yes
ID token: signature, nonce, `at_hash`  yes                          yes     yes           read
Userinfo                              yes                           yes     yes           yes
Sign-out                              yes                           yes                   yes
Client credentials                    yes      yes        yes       yes     yes
Client without a secret               yes      yes        yes       yes     yes           yes
`private_key_jwt`                     yes                           yes     yes
DPoP, with the server's nonce                                       yes     yes           yes
Pushed requests                                                     yes     yes
All of FAPI 2.0 together                                            yes     yes
Introspection                         yes                           yes     yes
The same, signed (RFC 9701)                                         yes     yes
JWT access token at a resource                                              yes
Revocation                            yes                 yes       yes     yes           yes
====================================  =======  =========  ========  ======  ============  ====

Only Authlib compares `at_hash`. The library of browsers reads an ID token that came straight
from the server without a look at its signature (OpenID Connect Core §3.1.3.7, point 6), and
cannot show a bound token to userinfo.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.standing import Standing, standing
from tests.integration.conftest import mithril_template
from tests.neighbours.databases import clone, drop
from tests.neighbours.ready import run_aside

__all__ = ["mithril_template"]  # a fixture that ours asks for


@pytest.fixture(scope="session")
def server(
    postgres_url: str, mithril_template: str, database_name: Callable[[str], str]
) -> Iterator[Standing]:
    """mithril-api, auth-web and their database, on loopback."""
    name = database_name("clients")
    url = run_aside(lambda: clone(postgres_url, mithril_template, name))
    with standing(url) as made:
        yield made
    run_aside(lambda: drop(postgres_url, name))


@pytest.fixture(autouse=True)
def _http_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oauthlib, and what rests on it, speak HTTP to loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
