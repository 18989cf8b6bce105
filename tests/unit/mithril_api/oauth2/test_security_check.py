"""The security check: each point from what it rests on."""

from dataclasses import replace
from typing import Any

import pytest

from services.mithril_api.domain import security_check
from services.mithril_api.domain.security_check import Deployment, Level, Registered

GOOD = Deployment(
    issuer="https://mithril.test",
    auth_web_url="https://id.mithril.test",
    database_host="db.test",
    database_ssl="verify-full",
    internal_network=False,
    access_lifetime=3600,
    refresh_lifetime=1_209_600,
    absolute_lifetime=7_776_000,
    code_lifetime=120,
    secrets=("k" * 32, "s" * 40),
    token_quota=True,
    second_factors=True,
    breach_list=True,
    password_memory_kib=65_536,
    password_passes=3,
    trusted_clients=0,
    proxies=("10.0.0.0/8",),
    api_page=False,
)
CLEAN = Registered()


def levels(deployment: Deployment, registered: Registered) -> dict[str, Level]:
    found = security_check.check(deployment, registered)
    return {item.point: item.level for item in found if item.level is not Level.OK}


def test_a_good_deployment_has_nothing_to_do() -> None:
    assert levels(GOOD, CLEAN) == {}


@pytest.mark.parametrize(
    ("but", "point", "level"),
    [
        ({"issuer": None}, "MITHRIL_ISSUER", "failure"),
        ({"issuer": "http://mithril.test"}, "MITHRIL_ISSUER", "failure"),
        ({"issuer": "http://127.0.0.1:8080"}, "MITHRIL_ISSUER", "warning"),
        ({"auth_web_url": "http://id.test"}, "MITHRIL_AUTH_WEB_URL", "failure"),
        ({"database_ssl": "require"}, "DATABASE_URL", "warning"),
        ({"database_ssl": None}, "DATABASE_URL", "warning"),
        ({"access_lifetime": 3601}, "AUTH_ACCESS_TOKEN_LIFETIME", "warning"),
        ({"access_lifetime": 86_401}, "AUTH_ACCESS_TOKEN_LIFETIME", "failure"),
        ({"code_lifetime": 601}, "AUTH_CODE_GRANT_LIFETIME", "failure"),
        ({"absolute_lifetime": None}, "MITHRIL_REFRESH_ABSOLUTE_LIFETIME", "warning"),
        ({"secrets": ("dev-only-key",)}, "secrets", "failure"),
        ({"secrets": ("short",)}, "secrets", "warning"),
        ({"password_memory_kib": 64}, "passwords", "failure"),
        ({"internal_network": True}, "MITHRIL_INTERNAL_AUTH", "warning"),
        ({"token_quota": False}, "MITHRIL_LIMIT_TOKEN_CLIENT", "warning"),
        ({"second_factors": False}, "USER_2FA_ENABLED", "warning"),
        ({"breach_list": False}, "BREACH_LIST_ENDPOINT", "warning"),
        ({"proxies": ("0.0.0.0/0",)}, "MITHRIL_TRUSTED_PROXIES", "failure"),
        (
            {"certificates": True, "ingresses": ("::/0",)},
            "MITHRIL_TRUSTED_INGRESSES",
            "failure",
        ),
        ({"trusted_clients": 1}, "TRUSTED_CLIENT_IDS", "warning"),
    ],
)
def test_a_setting_that_falls_short_is_named(
    but: dict[str, Any], point: str, level: str
) -> None:
    assert levels(replace(GOOD, **but), CLEAN) == {point: Level(level)}


@pytest.mark.parametrize(
    ("but", "point", "level"),
    [
        ({"plain_redirects": ["http://a.test"]}, "redirect URIs: TLS", "failure"),
        ({"loose_redirects": ["https://a.test/*"]}, "redirect URIs: shape", "failure"),
        ({"unreadable": ["a"]}, "clients: settings", "failure"),
        ({"reusing": 1}, "refresh tokens of /oauth/tokens", "warning"),
        ({"bearing": 1}, "RFC 9700 §2.2.1 sender-constrained tokens", "warning"),
        ({"by_secret": 1}, "RFC 9700 §2.5 client authentication", "warning"),
        ({"half_bound": ["a"]}, "clients by key: /oauth/tokens", "warning"),
        ({"old_secrets": 1}, "client secrets: age", "warning"),
        ({"unused_secrets": 1}, "client secrets: use", "warning"),
    ],
)
def test_a_client_that_falls_short_is_named(
    but: dict[str, Any], point: str, level: str
) -> None:
    assert levels(GOOD, replace(CLEAN, **but)) == {point: Level(level)}


def test_no_secret_is_shown() -> None:
    deployment = replace(GOOD, secrets=("dev-only-secret",))

    assert "dev-only-secret" not in str(security_check.check(deployment, CLEAN))
    assert "dev-only-secret" not in repr(deployment)
