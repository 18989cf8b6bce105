"""What a client must be, and what a change makes of it (spec §1.4, §3.10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.mithril_api.domain.clients import (
    Client,
    ClientChange,
    changed,
    complaints,
    fields_between,
    new_client,
    told_of_change,
    told_of_creation,
)
from services.mithril_api.domain.refusals import Unfit
from shared.events.accounts import (
    ClientBlocked,
    ClientCreated,
    ClientUnblocked,
    ClientUpdated,
)
from shared.events.envelope import Event
from shared.models.ids import ClientId, UserId
from shared.wire.envelope import Invalid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
ID = ClientId(UUID(int=1))
USER, TYPE = UserId(UUID(int=2)), UUID(int=3)
FULL = ClientChange(name="Clinic", user_id=USER, client_type_id=TYPE)
CLINIC = Client(
    id=ID,
    name="Clinic",
    settings={},
    priv_settings={"access_type": "BROKER"},
    is_blocked=False,
    block_reason=None,
    user_id=USER,
    client_type_id=TYPE,
    inserted_at=NOON,
    updated_at=NOON,
)
BLOCKED = replace(CLINIC, is_blocked=True, block_reason="debts")


def required(name: str) -> Invalid:
    return Invalid(entry=f"$.{name}", rule="required", description="can't be blank")


@pytest.mark.parametrize(
    ("change", "made"),
    [
        pytest.param(FULL, CLINIC, id="brokered by default"),
        pytest.param(
            replace(FULL, priv_settings={"access_type": "DIRECT"}, settings={"a": 1}),
            replace(CLINIC, priv_settings={"access_type": "DIRECT"}, settings={"a": 1}),
            id="as it says",
        ),
        pytest.param(
            replace(FULL, is_blocked=True, block_reason="debts"), BLOCKED, id="blocked"
        ),
        pytest.param(replace(FULL, block_reason=""), CLINIC, id="an empty reason"),
        pytest.param(
            replace(FULL, user_id=None), Unfit((required("user_id"),)), id="no user"
        ),
        pytest.param(
            ClientChange(),
            Unfit(tuple(map(required, ("name", "user_id", "client_type_id")))),
            id="nothing",
        ),
    ],
)
def test_a_new_client(change: ClientChange, made: Client | Unfit) -> None:
    assert new_client(ID, change, now=NOON) == made


@pytest.mark.parametrize(
    ("before", "change", "after", "fields"),
    [
        pytest.param(CLINIC, ClientChange(), CLINIC, (), id="nothing said"),
        pytest.param(CLINIC, FULL, CLINIC, (), id="nothing new"),
        pytest.param(
            CLINIC,
            ClientChange(name="Other", settings={"a": 1}),
            replace(CLINIC, name="Other", settings={"a": 1}, updated_at=LATER),
            ("name", "settings"),
            id="two fields",
        ),
        pytest.param(
            CLINIC,
            ClientChange(is_blocked=True, block_reason="debts"),
            replace(BLOCKED, updated_at=LATER),
            ("is_blocked", "block_reason"),
            id="a block",
        ),
        pytest.param(
            BLOCKED,
            ClientChange(block_reason=""),
            replace(BLOCKED, block_reason=None, updated_at=LATER),
            ("block_reason",),
            id="a reason taken away",
        ),
    ],
)
def test_a_change(
    before: Client, change: ClientChange, after: Client, fields: tuple[str, ...]
) -> None:
    made = changed(before, change, now=LATER)

    assert (made, fields_between(before, made)) == (after, fields)


def updated(client: Client, *fields: str) -> ClientUpdated:
    return ClientUpdated(client_id=ID, name=client.name, client_type="MSP", fields=fields)


@pytest.mark.parametrize(
    ("after", "fields", "told"),
    [
        pytest.param(CLINIC, (), [], id="nothing"),
        pytest.param(CLINIC, ("name",), [updated(CLINIC, "name")], id="a name"),
        pytest.param(
            BLOCKED,
            ("is_blocked",),
            [updated(BLOCKED, "is_blocked"), ClientBlocked(client_id=ID, reason="debts")],
            id="a block",
        ),
        pytest.param(
            CLINIC,
            ("is_blocked",),
            [updated(CLINIC, "is_blocked"), ClientUnblocked(client_id=ID, reason=None)],
            id="its end",
        ),
        pytest.param(
            BLOCKED, ("block_reason",), [updated(BLOCKED, "block_reason")], id="a reason"
        ),
    ],
)
def test_what_is_told_of_a_change(
    after: Client, fields: tuple[str, ...], told: list[Event]
) -> None:
    assert told_of_change(after, fields, "MSP") == told


CREATED = ClientCreated(client_id=ID, name="Clinic", client_type="MSP")


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (CLINIC, [CREATED]),
        (BLOCKED, [CREATED, ClientBlocked(client_id=ID, reason="debts")]),
    ],
    ids=["open", "blocked"],
)
def test_what_is_told_of_a_new_client(client: Client, told: list[Event]) -> None:
    assert told_of_creation(client, "MSP") == told


@pytest.mark.parametrize(
    ("settings", "priv_settings", "entries"),
    [
        pytest.param(None, None, [], id="nothing said"),
        pytest.param("text", ["list"], [], id="no objects: named elsewhere"),
        pytest.param({}, {"access_type": "BROKER"}, [], id="the least"),
        pytest.param(
            {"refresh_token_policy": "rotate", "allowed_grant_types": ["password"]},
            {"access_type": "DIRECT", "broker_scope": "a:b"},
            [],
            id="everything",
        ),
        pytest.param(
            {"refresh_token_policy": {}, "allowed_grant_types": [1]},
            {"broker_scope": 1},
            [
                "$.settings.refresh_token_policy",
                "$.settings.allowed_grant_types",
                "$.priv_settings",
                "$.priv_settings.broker_scope",
            ],
            id="all wrong",
        ),
        pytest.param(
            {"allowed_grant_types": None},
            {"access_type": "direct"},
            ["$.settings.allowed_grant_types", "$.priv_settings"],
            id="near misses",
        ),
    ],
)
def test_what_is_wrong_inside_the_settings(
    settings: Any, priv_settings: Any, entries: list[str]
) -> None:
    assert [item.entry for item in complaints(settings, priv_settings)] == entries
