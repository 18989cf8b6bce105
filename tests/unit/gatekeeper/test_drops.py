"""Each event drops the verdicts that it may have made untrue."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.gatekeeper.domain.drops import Drop, DropAll, DropOf, Keep, drop_of
from shared.events import accounts, tokens
from shared.events.envelope import Event

USER, CLIENT, TOKEN, FAMILY, OTHER = (UUID(int=number) for number in range(1, 6))
REVOKED = tokens.TokensRevoked(
    selector="family",
    reason="logout",
    user_id=USER,
    client_id=CLIENT,
    family_id=FAMILY,
    count=2,
)


def dropped(event: Event) -> Drop:
    return drop_of(event.type, event.payload())


def of(*ids: UUID) -> DropOf:
    return DropOf(frozenset(ids))


@pytest.mark.parametrize(
    ("event", "drop"),
    [
        pytest.param(REVOKED, of(USER), id="a family: all of its user"),
        pytest.param(replace(REVOKED, selector="user"), of(USER), id="a user"),
        pytest.param(replace(REVOKED, selector="app", app_id=OTHER), of(USER), id="an app"),
        pytest.param(
            replace(REVOKED, selector="token", token_id=TOKEN),
            of(USER, TOKEN),
            id="a token",
        ),
        pytest.param(
            replace(REVOKED, selector="token", token_id=TOKEN, user_id=None),
            of(TOKEN),
            id="a token of nobody known",
        ),
        pytest.param(
            replace(REVOKED, selector="client", user_id=None), of(CLIENT), id="a client"
        ),
        pytest.param(
            replace(REVOKED, user_id=None, client_id=None), DropAll(), id="of nobody at all"
        ),
        pytest.param(
            accounts.UserBlocked(user_id=USER, reason=None), of(USER), id="user blocked"
        ),
        pytest.param(
            accounts.PasswordChanged(user_id=USER, by="user"),
            of(USER),
            id="password changed",
        ),
        pytest.param(
            accounts.ClientBlocked(client_id=CLIENT, reason=None),
            of(CLIENT),
            id="client blocked",
        ),
        pytest.param(
            accounts.ConnectionSecretRotated(
                client_id=CLIENT, connection_id=OTHER, consumer_id=OTHER
            ),
            of(CLIENT, OTHER),
            id="secret rotated",
        ),
        pytest.param(
            accounts.RoleChanged(role_id=OTHER, name="DOCTOR", scope=(), change="updated"),
            DropAll(),
            id="role changed",
        ),
        pytest.param(
            accounts.UserUnblocked(user_id=USER, reason=None), Keep(), id="user unblocked"
        ),
    ],
)
def test_an_event_drops_what_it_is_about(event: Event, drop: Drop) -> None:
    assert dropped(event) == drop


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (None, b"{}"),
        ("mithril.something.new.v1", b"{}"),
        ("mithril.user.blocked.v2", b"{}"),
        (accounts.UserBlocked.type, None),
        (accounts.UserBlocked.type, b"no JSON"),
        (accounts.UserBlocked.type, b"[]"),
        (accounts.UserBlocked.type, b'{"user_id": "nobody"}'),
        (tokens.TokensRevoked.type, b"{}"),
    ],
)
def test_what_cannot_be_understood_drops_everything(kind: Any, payload: Any) -> None:
    assert drop_of(kind, payload) == DropAll()


def test_a_changed_token_is_dropped_by_its_id_and_by_its_user() -> None:
    event = tokens.TokenChanged(
        token_id=TOKEN,
        name="access_token",
        user_id=USER,
        client_id=CLIENT,
        fields=("scope",),
        scope=(),
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert dropped(event) == of(TOKEN, USER)
