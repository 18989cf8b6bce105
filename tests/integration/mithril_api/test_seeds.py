"""What a fresh database holds: the system user, client types and roles (spec §10)."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

import services.mithril_api
from shared.models.schema import mithril as tables
from shared.runtime import migrate
from tests.integration.mithril_api.conftest import Api

PACKAGE = Path(services.mithril_api.__file__).parent
SYSTEM_USER_ID = "4261eacf-8008-4e62-899f-de1e2f7065f0"

# Counts as the specification gives them; NHS ADMIN has one more, since the original fused two
# of its scopes into one by a missing space.
CLIENT_TYPES = {
    "MSP": 55,
    "PHARMACY": 44,
    "MIS": 9,
    "NHS ADMIN": 43 + 1,
    "MSP_LIMITED": 30,
    "Mithril ADMIN": 20,
    "MITHRIL ADMIN": 24 + 4,  # the console's: jobs, and auditors who sign in to it
    "UADDRESSES ADMIN": 4,
    "Auth_FE": 6,
    "CABINET": 12,
    "AUDIT": 2,
}
ROLES = {
    "DOCTOR": 37,
    "OWNER": 31,
    "ADMIN": 16,
    "PHARMACIST": 12,
    "PHARMACY_OWNER": 31,
    "NHS ADMIN": 33,
    "HR": 14,
    "MIS USER": 12,
    "MITHRIL ADMIN": 24 + 2,  # the console's: jobs
    "NHS_ADMIN_ADMIN": 5,
    "NHS ADMIN MANAGE": 3,
    "NHS ADMIN SUPPORT": 5,
    "NHS ADMIN VERIFIER": 8,
    "NHS ADMIN SIGNER": 8,
    "UADDRESSES ADMIN": 4,
    "CABINET": 12,
    "AUDIT": 2,
}


async def scopes_of(api: Api, table: sa.Table) -> dict[str, list[str]]:
    async with api.deps.db.read() as conn:
        rows = await conn.execute(sa.select(table.c.name, table.c.scope))
        return {row.name: row.scope for row in rows}


async def ids_of(api: Api, table: sa.Table, *names: str) -> dict[str, str]:
    async with api.deps.db.read() as conn:
        query = sa.select(table.c.name, table.c.id).where(table.c.name.in_(names))
        return {row.name: str(row.id) for row in await conn.execute(query)}


@pytest.mark.parametrize(
    ("table", "counts"),
    [(tables.client_types, CLIENT_TYPES), (tables.roles, ROLES)],
    ids=["client types", "roles"],
)
async def test_a_fresh_database_has_them_with_their_scopes(
    api: Api, table: sa.Table, counts: dict[str, int]
) -> None:
    scopes = await scopes_of(api, table)

    assert {name: len(scope) for name, scope in scopes.items()} == counts
    assert all(len(set(scope)) == len(scope) for scope in scopes.values())


async def test_scopes_that_the_original_fused_are_two(api: Api) -> None:
    scope = (await scopes_of(api, tables.client_types))["NHS ADMIN"]

    assert {"user:request_factor", "legal_entity:merge"} <= set(scope)
    assert not [item for item in scope if item.count(":") != 1]


async def test_sign_in_pages_may_have_passwords_changed(api: Api) -> None:
    scope = (await scopes_of(api, tables.client_types))["Auth_FE"]

    assert "user:change_password" in scope


async def test_auditors_have_a_client_type_and_a_role(api: Api) -> None:
    expected = ["abac_log:export", "abac_log:read"]

    assert (await scopes_of(api, tables.client_types))["AUDIT"] == expected
    assert (await scopes_of(api, tables.roles))["AUDIT"] == expected


async def test_what_other_systems_name_by_id_has_that_id(api: Api) -> None:
    assert await ids_of(api, tables.client_types, "MSP_LIMITED", "CABINET") == {
        "MSP_LIMITED": "3770c4b3-05cd-42d9-8e15-233b193aee86",
        "CABINET": "b6c956a2-a400-45ca-9966-f0030a968eec",
    }
    assert await ids_of(api, tables.roles, "CABINET") == {
        "CABINET": "b9994457-a40a-4eae-b73c-120502d4aaa4"
    }


@pytest.mark.parametrize("password", ["", "!", "system", "Correct-Horse-9"])
async def test_no_password_is_the_system_users(api: Api, password: str) -> None:
    async with api.deps.db.read() as conn:
        query = sa.select(tables.users.c.password_hash).where(
            tables.users.c.id == SYSTEM_USER_ID
        )
        stored = (await conn.execute(query)).scalar_one()

    assert await api.deps.passwords.matches(stored, password) is False


async def test_seeding_again_leaves_alone_what_an_operator_changed(
    api: Api, mithril_database: str
) -> None:
    mine = ["only:mine"]
    async with api.deps.db.begin() as conn:
        await conn.execute(
            tables.roles.update().where(tables.roles.c.name == "HR").values(scope=mine)
        )
        await conn.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))

    await asyncio.to_thread(migrate.upgrade, PACKAGE, mithril_database, to="0002")

    roles = await scopes_of(api, tables.roles)
    assert roles["HR"] == mine
    assert {name: len(scope) for name, scope in roles.items()} == {**ROLES, "HR": 1}
