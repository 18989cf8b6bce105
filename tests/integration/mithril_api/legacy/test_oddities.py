"""Awkward data of the original: each oddity is found, told, and dealt with as the report says."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.mithril_api.domain.legacy.findings import RULES, Doing, Kind
from tests.integration.mithril_api.legacy.conftest import Move
from tests.integration.mithril_api.legacy.original import (
    REDIRECT,
    SYSTEM_USER,
    Original,
    Tenant,
)

Odd = Callable[[Original, Tenant], Awaitable[object]]


async def unconstrained(original: Original, statement: str) -> None:
    """Write what the original's constraints refuse, as a restore without them may have."""
    async with original.conn.transaction():
        await original.conn.execute("SET LOCAL session_replication_role = replica")
        await original.conn.execute(statement)


async def ahead(o: Original, t: Tenant) -> None:
    late = o.now + timedelta(hours=2)  # Kyiv's clock, perhaps
    await o.change("apps", t.app_id, inserted_at=late, updated_at=late)


async def odd_settings(o: Original, t: Tenant) -> None:
    odd = {"allowed_grant_types": "password", "theme": "dark"}
    await o.change("clients", t.client_id, settings=odd)


async def no_owner(o: Original, t: Tenant) -> None:
    await o.change("clients", t.client_id, user_id=None)


async def no_access_type(o: Original, t: Tenant) -> None:
    await o.change("clients", t.client_id, priv_settings={"access_type": "ANY"})


async def grant_of_nobody(o: Original, t: Tenant) -> None:
    await o.add("user_roles", user_id=None, role_id=t.role_id, client_id=t.client_id)


async def app_of_nobody(o: Original, t: Tenant) -> None:
    await o.add("apps", user_id=None, client_id=t.client_id, scope="person:read")


async def dangling_app(o: Original, t: Tenant) -> None:
    await unconstrained(
        o,
        "INSERT INTO apps VALUES (gen_random_uuid(), 'a:read', gen_random_uuid(), "  # noqa: S608 — ours
        f"'{t.client_id}', now(), now())",
    )


async def client_without_type(o: Original, t: Tenant) -> None:
    await unconstrained(o, f"DELETE FROM client_types WHERE id = '{t.client_type_id}'")  # noqa: S608 — ours


async def factor_by_mail(o: Original, t: Tenant) -> None:
    await o.add("authentication_factors", type="EMAIL", factor="x", user_id=t.user_id)


async def factor_neither(o: Original, t: Tenant) -> None:
    await o.add(
        "authentication_factors",
        type="SMS",
        factor="+380501234567",
        is_active=None,
        user_id=t.user_id,
    )


async def factor_number(o: Original, t: Tenant) -> None:
    await o.add("authentication_factors", type="SMS", factor="0501234", user_id=t.user_id)


async def two_with_a_tax_id(o: Original, t: Tenant) -> None:
    await o.change("users", t.user_id, tax_id="3126509816")
    await o.user(tax_id="3126509816")


def token(name: str, /, **columns: Any) -> Odd:
    async def add(o: Original, t: Tenant) -> None:
        said = {"user_id": t.user_id, "client_id": t.client_id, **columns}
        await o.token(name, said.pop("user_id"), said.pop("client_id"), **said)

    return add


def connection(**columns: Any) -> Odd:
    async def change(o: Original, t: Tenant) -> None:
        await o.change("connections", t.connection_id, **columns)

    return change


def user(**columns: Any) -> Odd:
    async def add(o: Original, _: Tenant) -> None:
        await o.user(**columns)

    return add


def limit(table: str, **columns: Any) -> Odd:
    async def add(o: Original, _: Tenant) -> None:
        await o.add(table, **{"name": str(uuid4()), **columns})

    return add


FORGED = "mthAAA" + "A" * 26  # our format, and not its checksum
LOOSE = {"redirect_uri": REDIRECT + "/deeper?state=s3cret"}


CASES: tuple[tuple[Kind, str, Odd], ...] = (
    (Kind.TIME_AHEAD, "apps", ahead),
    (Kind.SETTINGS_ODD, "clients", odd_settings),
    (Kind.SETTINGS_ODD, "users", user(settings=["a", "list"])),
    (Kind.REFERENCE_MISSING, "user_roles", grant_of_nobody),
    (Kind.REFERENCE_MISSING, "apps", app_of_nobody),
    (Kind.REFERENCE_MISSING, "apps", dangling_app),
    (Kind.NAME_MISSING, "roles", limit("roles", name=None, scope="a:read")),
    (Kind.SCOPE_REPEATED, "roles", limit("roles", scope="a:read  b:read a:read")),
    (
        Kind.SCOPE_UNREADABLE,
        "client_types",
        limit("client_types", scope="user:request_factorlegal_entity:merge a:read"),
    ),
    (Kind.EMAIL_MISSING, "users", user(email=None)),
    (Kind.EMAIL_FOLDED, "users", user(email="Nurse@Clinic.test")),
    (Kind.PASSWORD_MISSING, "users", user(password=None)),
    (Kind.PASSWORD_NOT_BCRYPT, "users", user(password="in-the-clear-7")),
    (Kind.TAX_ID_SHARED, "users", two_with_a_tax_id),
    (Kind.OWNER_MISSING, "clients", no_owner),
    (Kind.CLIENT_TYPE_UNKNOWN, "clients", client_without_type),
    (Kind.ACCESS_TYPE_MISSING, "clients", no_access_type),
    (Kind.SECRET_SHORT, "connections", connection(secret="short")),
    (
        Kind.REDIRECT_NOT_HTTPS,
        "connections",
        connection(redirect_uri="http://mis.clinic.test/callback"),
    ),
    (
        Kind.REDIRECT_UNUSABLE,
        "connections",
        connection(redirect_uri="javascript:alert(1)"),
    ),
    (Kind.REDIRECT_UNUSABLE, "connections", connection(redirect_uri="http://[")),
    (Kind.REDIRECT_LOOSE, "tokens", token("access_token", details=LOOSE)),
    (Kind.FACTOR_KIND_UNKNOWN, "authentication_factors", factor_by_mail),
    (Kind.FACTOR_STATE_MISSING, "authentication_factors", factor_neither),
    (Kind.FACTOR_NUMBER_ODD, "authentication_factors", factor_number),
    (Kind.TOKEN_KIND_UNKNOWN, "tokens", token("session_token")),
    (Kind.TOKEN_KIND_UNKNOWN, "tokens", token("", name=None)),
    (Kind.TOKEN_VALUE_UNUSABLE, "tokens", token("access_token", value=FORGED)),
    (Kind.TOKEN_WITHOUT_USER, "tokens", token("access_token", user_id=None)),
    (Kind.TOKEN_WITHOUT_CLIENT, "tokens", token("access_token", client_id=uuid4())),
    (Kind.TOKEN_WITHOUT_CLIENT, "tokens", token("access_token", client_id="none")),
    (
        Kind.TOKEN_WITHOUT_CLIENT,
        "tokens",
        token("access_token", details={"client_id": 7}),
    ),
)


async def test_each_oddity_is_told_before_and_dealt_with_as_told(
    original: Original, move: Move
) -> None:
    for _, _, make in CASES:
        await make(original, await original.tenant())

    told = await move(dry_run=True)
    done = await move()

    assert told.tally.rendered() == done.tally.rendered()
    found = Counter(done.tally.counts)
    made = Counter((table, kind) for kind, table, _ in CASES)
    assert made <= found
    # What hangs on a client that was left out is left out with it.
    followed = {(table, Kind.REFERENCE_MISSING) for table in ("connections", "user_roles")}
    assert set(found) - set(made) == followed - set(made)
    for (table, kind), count in found.items():
        if RULES[kind].doing is Doing.LEFT_OUT:
            assert done.of(table).left_out >= count
    assert done.status(frozenset()) == 1
    assert done.status(frozenset(Kind)) == 0
    assert (await move()).changes() == 0


def test_every_oddity_is_among_the_cases_or_has_a_test_of_its_own() -> None:
    tried = {kind for kind, _, _ in CASES}
    assert set(Kind) - tried == {Kind.NAME_SEEDED, Kind.TAKEN_HERE}
    assert set(RULES) == set(Kind)


async def column(url: str, query: str, *arguments: object) -> Any:
    conn = await asyncpg.connect(url)
    try:
        return await conn.fetchval(query, *arguments)
    finally:
        await conn.close()


async def test_what_is_mended_is_there_and_harms_nobody(
    original: Original, move: Move, mithril_database: str
) -> None:
    tenant = await original.tenant(password="in-the-clear-7", email=None)
    await odd_settings(original, tenant)
    await no_owner(original, tenant)
    await original.change("connections", tenant.connection_id, redirect_uri="data:x")

    await move()

    url = mithril_database
    client = "SELECT {} FROM clients WHERE id = $1"
    settings = await column(url, client.format("settings"), tenant.client_id)
    assert json.loads(settings) == {"theme": "dark"}
    assert await column(url, client.format("user_id"), tenant.client_id) == SYSTEM_USER
    hashes = "SELECT password_hash FROM users WHERE id = $1"
    assert await column(url, hashes, tenant.user_id) == "!"
    emails = "SELECT email FROM users WHERE id = $1"
    assert await column(url, emails, tenant.user_id) == f"{tenant.user_id}@moved.invalid"
    history = "SELECT count(*) FROM password_history WHERE user_id = $1"
    assert await column(url, history, tenant.user_id) == 0
    uris = "SELECT redirect_uri FROM connections WHERE id = $1"
    assert await column(url, uris, tenant.connection_id) == ""


async def test_an_account_made_here_keeps_its_email_and_the_original_stays_out_with_its_own(
    original: Original, move: Move, mithril_database: str
) -> None:
    tenant = await original.tenant()
    mine = uuid4()
    conn = await asyncpg.connect(mithril_database)
    await conn.execute(
        "INSERT INTO users (id, email, password_hash) VALUES ($1, $2, '!')",
        mine,
        tenant.email,
    )

    told = await move(dry_run=True)
    done = await move()

    assert told.tally.rendered() == done.tally.rendered()
    assert done.tally.counts["users", Kind.TAKEN_HERE] == 1
    assert done.tally.counts["apps", Kind.REFERENCE_MISSING] == 1
    assert done.tally.counts["clients", Kind.OWNER_MISSING] == 1
    assert done.tally.counts["tokens", Kind.TOKEN_WITHOUT_USER] == 2
    query = "SELECT id FROM users WHERE email = $1"
    assert await conn.fetchval(query, tenant.email) == mine
    await conn.close()


async def test_a_value_that_was_given_here_stays_that_of_its_token_here(
    original: Original, move: Move, mithril_database: str
) -> None:
    tenant = await original.tenant()
    await move()
    conn = await asyncpg.connect(mithril_database)
    await conn.execute("UPDATE tokens SET id = gen_random_uuid(), moved_in_at = NULL")

    done = await move()

    assert done.tally.counts["tokens", Kind.TAKEN_HERE] == 2
    assert done.changes() == 0
    assert await conn.fetchval("SELECT count(*) FROM tokens WHERE revoked_at IS NULL") == 2
    assert tenant.access not in str(done.rendered())
    await conn.close()


async def test_what_has_no_place_here_is_listed(original: Original, move: Move) -> None:
    tenant = await original.tenant()
    await original.conn.execute("CREATE TABLE event_log (id int)")
    await original.conn.execute("ALTER TABLE users ADD COLUMN nickname text")
    await original.change("clients", tenant.client_id, secret="of-old")
    await original.remove("users", await original.user())
    past = original.second(-timedelta(hours=1))
    await original.token("access_token", tenant.user_id, tenant.client_id, expires_at=past)
    await original.conn.execute(
        "INSERT INTO otp VALUES (gen_random_uuid(), 'k', 1234, now(), 'NEW')"
    )

    report = await move(dry_run=True)

    assert report.unknown_tables == ["event_log"]
    assert report.unknown_columns == ["users.nickname"]
    assert report.aside == {
        "expired tokens": 1,
        "one-time codes": 1,
        "former passwords of users who are gone": 1,
        "secrets of clients from before connections": 1,
    }
    assert report.status(frozenset()) == 0
    assert "  unknown column: users.nickname" in list(report.lines())


async def test_a_report_shows_a_few_places_and_no_secret(
    original: Original, move: Move
) -> None:
    tenants = [await original.tenant(password=f"in-the-clear-{n}") for n in range(7)]
    for tenant in tenants:
        await original.token(
            "access_token", tenant.user_id, tenant.client_id, details=LOOSE
        )

    report = await move(dry_run=True)

    item = next(
        item for item in report.tally.rendered() if item["problem"] == "redirect-loose"
    )
    assert item["count"] == 7
    assert len(item["examples"]) == 5
    shown = "\n".join(report.lines()) + str(report.rendered())
    secrets = [tenant.secret for tenant in tenants] + [tenant.access for tenant in tenants]
    for secret in [*secrets, "in-the-clear", "s3cret", *(t.email for t in tenants)]:
        assert secret not in shown


async def test_a_dry_run_writes_nothing(
    original: Original, move: Move, mithril_database: str
) -> None:
    await original.tenant()

    await move(dry_run=True)

    conn = await asyncpg.connect(mithril_database)
    for table in ("users", "clients", "tokens", "token_expiries"):
        query = f"SELECT count(*) FROM {table} WHERE $1::uuid IS NOT NULL"  # noqa: S608 — ours
        expected = 1 if table == "users" else 0  # the system user
        assert await conn.fetchval(query, UUID(int=0)) == expected
    assert await conn.fetchval("SELECT count(*) FROM legacy_imports") == 0
    await conn.close()
