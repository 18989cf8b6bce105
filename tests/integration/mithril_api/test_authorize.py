"""Consent over HTTP: contract, order of checks, races (spec §1.3 O3, decisions D14, D17)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

import pytest
from sqlalchemy import select, update

from services.mithril_api.actions.authorize_app import ConsentAsked
from services.mithril_api.actions.authorize_app import authorize as authorize_app
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import apps, tokens
from shared.models.ids import ClientId, UserId
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import SCOPE, World
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    authorize,
    bearer,
    entry,
    events_of,
    exchange,
    execute,
    live_tokens,
    required,
)
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api
from tests.races import until_waiting

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
NO_SCOPE = (
    "Requested scope is empty. Scope not passed or user has no roles or global roles."
)
NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"


async def a_signed_in(api: Api, **but: Any) -> tuple[World, str]:
    world = await a_clinic(api.deps, **but)
    session = await a_session(api, world, scope="app:authorize")
    return world, session.value


def refused(answered: Answered) -> tuple[int, str, str]:
    status, body = answered
    return status, body["error"]["type"], body["error"].get("message")


async def approvals(api: Api) -> list[tuple[UUID, list[str]]]:
    async with api.deps.db.begin() as conn:
        rows = (await conn.execute(select(tables.apps.c.id, tables.apps.c.scope))).all()
    return [(row.id, row.scope) for row in rows]


async def test_a_consent_answers_the_documented_code_and_where_to_take_it(api: Api) -> None:
    world, session = await a_signed_in(api)
    app = {
        "client_id": str(world.client_id),
        "redirect_uri": world.redirect_uri,
        "scope": "episode:read person:read",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "xyz",
    }

    response = await api.public.post(
        "/oauth/apps/authorize", json={"app": app}, headers=bearer(session)
    )
    body = await response.json()

    code = body["data"]["value"]
    issuer = quote_plus(str(api.public.make_url("")).rstrip("/"))
    location = f"{world.redirect_uri}?code={code}&state=xyz&iss={issuer}"
    expires = api.clock.now() + timedelta(seconds=120)
    assert response.status == 201
    assert response.headers["Location"] == location
    assert response.headers["Cache-Control"] == "no-store"
    assert body == {
        "meta": {
            "code": 201,
            "type": "object",
            "url": str(response.url),
            "request_id": response.headers["X-Request-ID"],
        },
        "data": {
            "id": body["data"]["id"],
            "name": "authorization_code",
            "value": code,
            "expires_at": int(expires.timestamp()),
            "user_id": str(world.user_id),
            "details": {
                "client_id": str(world.client_id),
                "grant_type": "password",
                "redirect_uri": world.redirect_uri,
                "scope_request": "episode:read person:read",
            },
        },
        "urgent": {"redirect_uri": location},
    }


async def test_the_events_of_a_consent_tell_of_the_approval_and_of_the_code(
    api: Api,
) -> None:
    world, session = await a_signed_in(api)

    _, body = await authorize(api, world, session, scope="user:read episode:read")

    user_id, client_id, app_id = (
        str(item) for item in (world.user_id, world.client_id, world.app_id)
    )
    expires = api.clock.now() + timedelta(seconds=120)
    others = [s for s in (await approvals(api))[0][1] if s != "user:read"]
    assert await events_of(api) == [
        (
            "mithril.app.approved.v1",
            {
                "user_id": user_id,
                "app_id": app_id,
                "client_id": client_id,
                "scope": ["user:read", *others],
            },
        ),
        (
            "mithril.token.issued.v1",
            {
                "token_id": body["data"]["id"],
                "name": "authorization_code",
                "user_id": user_id,
                "client_id": client_id,
                "app_id": app_id,
                "family_id": body["data"]["id"],
                "grant_type": "password",
                "scope": ["user:read", "episode:read"],
                "expires_at": expires.isoformat(),
            },
        ),
    ]


async def test_an_approval_only_grows_and_new_scopes_come_first(api: Api) -> None:
    world, session = await a_signed_in(api)
    await execute(api, update(tables.apps).values(scope=["person:read", "old:scope"]))

    await authorize(api, world, session, scope="episode:read person:read")

    scope = ["episode:read", "person:read", "old:scope"]
    assert await approvals(api) == [(world.app_id, scope)]


async def test_a_first_consent_makes_the_approval(api: Api) -> None:
    world, session = await a_signed_in(api)
    await execute(api, tables.apps.delete())

    await authorize(api, world, session, scope="episode:read episode:read")

    assert [scope for _, scope in await approvals(api)] == [["episode:read"]]


@pytest.mark.parametrize(
    ("registered", "state", "added"),
    [
        ("https://clinic.test/cb?z=1&a=%D1%97", None, "?code={code}&a=%D1%97&z=1"),
        ("https://clinic.test/cb?state=own", None, "?code={code}&state=own"),
        ("https://clinic.test/cb", "a b&c=d", "?code={code}&state=a+b%26c%3Dd&iss={iss}"),
    ],
)
async def test_the_location_keeps_what_the_address_had_and_echoes_state(
    api: Api, registered: str, state: str | None, added: str
) -> None:
    world, session = await a_signed_in(api)
    await execute(api, update(tables.connections).values(redirect_uri=registered))

    status, body = await authorize(
        api, world, session, redirect_uri=registered, state=state
    )

    issuer = quote_plus(str(api.public.make_url("")).rstrip("/"))
    expected = "https://clinic.test/cb" + added.format(
        code=body["data"]["value"], iss=issuer
    )
    assert (status, body["urgent"]["redirect_uri"]) == (201, expected)


@pytest.mark.parametrize(
    "near",
    [
        "https://clinic.test/callback/",
        "https://clinic.test/callback/deeper",
        "https://clinic.test/callback?a=b",
        "https://evil.test/?u=https://clinic.test/callback",
        "javascript:alert(1)//https://clinic.test/callback",
    ],
)
async def test_an_address_is_taken_to_the_letter(api: Api, near: str) -> None:
    world, session = await a_signed_in(api)

    answered = await authorize(api, world, session, redirect_uri=near)

    text = "The redirection URI provided does not match a pre-registered value."
    assert refused(answered) == (401, "access_denied", text)


async def test_a_registered_address_that_is_no_uri_leads_nowhere(api: Api) -> None:
    world, session = await a_signed_in(api)
    broken = "https://[clinic.test/"
    await execute(api, update(tables.connections).values(redirect_uri=broken))

    status, _ = await authorize(api, world, session, redirect_uri=broken)

    assert status == 401


@pytest.mark.parametrize(
    ("asked", "change", "expected"),
    [
        pytest.param(
            {"client_id": NOBODY},
            None,
            (401, "access_denied", "Invalid client id."),
            id="no such client",
        ),
        pytest.param(
            {"scope": ...},
            None,
            (
                422,
                "request_malformed",
                NO_SCOPE,
            ),
            id="no scope",
        ),
        pytest.param(
            {"scope": "episode:read never:heard-of"},
            None,
            (422, "request_malformed", "Scope is not allowed by client type."),
            id="a scope the client type has not",
        ),
        pytest.param(
            {"scope": "episode:read"},
            update(tables.roles).values(scope=["person:read"]),
            (
                422,
                "request_malformed",
                "User requested scope that is not allowed by role based access policies.",
            ),
            id="a scope the roles have not",
        ),
    ],
)
async def test_a_refusal_has_its_documented_answer(
    api: Api, asked: dict[str, Any], change: Any, expected: tuple[int, str, str]
) -> None:
    world, session = await a_signed_in(api)
    if change is not None:
        await execute(api, change)

    assert refused(await authorize(api, world, session, **asked)) == expected
    assert await events_of(api) == []


async def test_a_blocked_client_is_told_so(api: Api) -> None:
    (world, _), (_, session) = await a_signed_in(api), await a_signed_in(api)
    mine = tables.clients.c.id == world.client_id
    await execute(api, update(tables.clients).where(mine).values(is_blocked=True))

    answered = await authorize(api, world, session)

    assert refused(answered) == (401, "access_denied", "Client is blocked.")


async def test_a_blocked_user_is_told_so(api: Api) -> None:
    world, session = await a_signed_in(api)
    await execute(api, update(tables.users).values(is_blocked=True))

    answered = await authorize(api, world, session)

    assert refused(answered) == (401, "user_blocked", "User blocked.")


async def test_roles_count_in_their_client_and_global_ones_everywhere(api: Api) -> None:
    world, session = await a_signed_in(api)
    elsewhere, _ = await a_signed_in(api)
    roles = tables.user_roles
    move = update(roles).where(roles.c.user_id == world.user_id)
    await execute(api, move.values(client_id=elsewhere.client_id))

    without, _ = await authorize(api, world, session)
    row = {"id": api.deps.entropy.uuid(), "user_id": world.user_id}
    everywhere = tables.global_user_roles.insert().values(role_id=world.role_id, **row)
    await execute(api, everywhere)
    with_one, _ = await authorize(api, world, session)

    assert (without, with_one) == (422, 201)


async def test_a_trusted_client_gets_what_the_roles_hold(api: Api) -> None:
    world, _ = await a_signed_in(api)
    await execute(api, update(tables.roles).values(scope=["person:read", "episode:read"]))
    row = {"id": api.deps.entropy.uuid(), "user_id": world.user_id}
    everywhere = tables.global_user_roles.insert().values(role_id=world.role_id, **row)
    await execute(api, everywhere)
    trusted = {"trusted_client_ids": (str(world.client_id),)}
    settings = api.deps.settings.model_copy(update=trusted)
    deps = replace(api.deps, settings=settings)

    code = await authorize_app(
        deps,
        ConsentAsked(
            user_id=world.user_id,
            client_id=world.client_id,
            redirect_uri=world.redirect_uri,
        ),
    )

    assert not isinstance(code, Refused)
    assert code.token.scope == ("person:read", "episode:read")


async def test_a_user_that_a_gateway_invents_is_not_found(api: Api) -> None:
    world, _ = await a_signed_in(api)

    outcome = await authorize_app(
        api.deps,
        ConsentAsked(
            user_id=UserId(UUID(NOBODY)),
            client_id=ClientId(world.client_id),
            redirect_uri=world.redirect_uri,
            scope=("episode:read",),
        ),
    )

    assert outcome == Refused(Reason.USER_UNKNOWN)


class TestCaller:
    """Whoever the bearer says; a gateway's header only beside a service token (D17)."""

    async def ask(self, api: Api, world: World, headers: dict[str, str]) -> Answered:
        app = {
            "client_id": str(world.client_id),
            "redirect_uri": world.redirect_uri,
            "scope": "episode:read",
            "user_id": NOBODY,  # what a body says of the user is not heard
        }
        response = await api.public.post(
            "/oauth/apps/authorize", json={"app": app}, headers=headers
        )
        return response.status, await response.json()

    async def test_a_header_alone_is_not_believed(self, api: Api) -> None:
        world, _ = await a_signed_in(api)

        answered = await self.ask(api, world, {"x-consumer-id": str(world.user_id)})

        expected = (401, "access_denied", "Missing header x-consumer-id")
        assert refused(answered) == expected

    async def test_a_header_beside_a_bearer_changes_nothing(self, api: Api) -> None:
        world, session = await a_signed_in(api)
        other, _ = await a_signed_in(api)
        headers = {**bearer(session), "x-consumer-id": str(other.user_id)}

        status, body = await self.ask(api, world, headers)

        assert (status, body["data"]["user_id"]) == (201, str(world.user_id))

    async def test_a_gateway_with_a_service_token_is_believed(self, api: Api) -> None:
        world, _ = await a_signed_in(api)
        headers = {**bearer(SERVICE_TOKEN), "x-consumer-id": str(world.user_id)}

        status, body = await self.ask(api, world, headers)

        assert (status, body["data"]["user_id"]) == (201, str(world.user_id))

    async def test_a_gateway_that_names_nobody_is_refused(self, api: Api) -> None:
        world, _ = await a_signed_in(api)

        answered = await self.ask(api, world, bearer(SERVICE_TOKEN))

        expected = (401, "access_denied", "Missing header x-consumer-id")
        assert refused(answered) == expected

    async def test_a_header_that_is_no_uuid_is_named_with_the_rest(self, api: Api) -> None:
        headers = {**bearer(SERVICE_TOKEN), "x-consumer-id": "nobody"}

        response = await api.public.post(
            "/oauth/apps/authorize", json={"app": {"client_id": 7}}, headers=headers
        )
        body = await response.json()

        cast = {"rule": "cast", "params": ["uuid"], "description": "is invalid"}
        assert response.status == 422
        assert body["error"]["invalid"] == [
            entry("user_id", cast),
            entry("client_id", cast),
            *required("redirect_uri"),
        ]

    @pytest.mark.parametrize("value", ["never-issued", "mth" + "0" * 29])
    async def test_an_unknown_bearer_is_invalid(self, api: Api, value: str) -> None:
        world, _ = await a_signed_in(api)

        answered = await self.ask(api, world, bearer(value))

        assert refused(answered) == (401, "access_denied", "Invalid access token")

    @pytest.mark.parametrize("name", [TokenName.SECOND_FACTOR, TokenName.REFRESH])
    async def test_only_an_access_token_may(self, api: Api, name: TokenName) -> None:
        world, _ = await a_signed_in(api)
        other = await a_session(api, world, name, scope="app:authorize")

        answered = await self.ask(api, world, bearer(other.value))

        assert refused(answered) == (401, "access_denied", "Invalid access token")

    async def test_a_session_without_the_scope_may_not(self, api: Api) -> None:
        world, _ = await a_signed_in(api)
        narrow = await a_session(api, world, scope="user:read")

        answered = await self.ask(api, world, bearer(narrow.value))

        text = "Your scope does not allow to access this resource. Missing allowances: "
        assert refused(answered) == (403, "forbidden", text + "app:authorize")


class TestFields:
    """What is wrong with a body is named field by field."""

    async def test_missing_ones(self, api: Api) -> None:
        world, session = await a_signed_in(api)

        status, body = await authorize(api, world, session, client_id="", redirect_uri=None)

        assert (status, body["error"]["invalid"]) == (
            422,
            required("client_id", "redirect_uri"),
        )

    @pytest.mark.parametrize(
        ("asked", "field", "rule"),
        [
            pytest.param(
                {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
                "code_challenge_method",
                {"rule": "inclusion", "params": ["S256"], "description": "is invalid"},
                id="a method that proves nothing",
            ),
            pytest.param(
                {"code_challenge": CHALLENGE},
                "code_challenge_method",
                {"rule": "required", "params": [], "description": "can't be blank"},
                id="no method",
            ),
            pytest.param(
                {"code_challenge_method": "S256"},
                "code_challenge",
                {"rule": "required", "params": [], "description": "can't be blank"},
                id="a method of nothing",
            ),
            pytest.param(
                {"code_challenge": "short", "code_challenge_method": "S256"},
                "code_challenge",
                {
                    "rule": "format",
                    "params": ["^[A-Za-z0-9_-]{43}$"],
                    "description": "has invalid format",
                },
                id="what is no challenge",
            ),
        ],
    )
    async def test_of_the_challenge(
        self, api: Api, asked: dict[str, str], field: str, rule: dict[str, Any]
    ) -> None:
        world, session = await a_signed_in(api)

        status, body = await authorize(api, world, session, **asked)

        assert (status, body["error"]["invalid"]) == (422, [entry(field, rule)])


class TestRaces:
    """Consents at once, and consents beside what ends them."""

    async def test_two_consents_at_once_make_one_approval(self, api: Api) -> None:
        world, session = await a_signed_in(api)
        await execute(api, tables.apps.delete())
        async with api.deps.db.begin() as holder:
            await apps.approve(
                holder,
                new_id=api.deps.entropy.uuid(),
                user_id=world.user_id,
                client_id=world.client_id,
                scope=["user:read"],
                now=api.clock.now(),
            )
            both = [
                asyncio.create_task(authorize(api, world, session, scope=scope))
                for scope in SCOPE[:2]
            ]
            await until_waiting(api.deps, 2)
        answers = await asyncio.gather(*both)

        assert [status for status, _ in answers] == [201, 201]
        (approval,) = await approvals(api)
        assert sorted(approval[1]) == sorted(["user:read", *SCOPE[:2]])

    async def test_a_consent_beside_the_deletion_of_its_approval_makes_a_new_one(
        self, api: Api
    ) -> None:
        world, session = await a_signed_in(api)
        async with api.deps.db.begin() as deleter:
            await deleter.execute(tables.apps.delete())
            chosen = tokens.of_app(world.user_id, world.client_id, world.app_id)
            waiting = asyncio.create_task(
                authorize(api, world, session, scope="episode:read")
            )
            await until_waiting(api.deps)
            await tokens.revoke(deleter, chosen, at=api.clock.now())
        status, body = await waiting

        assert status == 201
        ((app_id, scope),) = await approvals(api)
        assert (app_id != world.app_id, scope) == (True, ["episode:read"])
        assert (await exchange(api, world, body["data"]["value"]))[0] == 201

    async def test_a_block_under_way_is_not_escaped(self, api: Api) -> None:
        world, _ = await a_signed_in(api)
        asked = ConsentAsked(
            user_id=world.user_id,
            client_id=world.client_id,
            redirect_uri=world.redirect_uri,
            scope=("episode:read",),
        )
        async with api.deps.db.begin() as blocker:
            await blocker.execute(update(tables.users).values(is_blocked=True))
            waiting = asyncio.create_task(authorize_app(api.deps, asked))
            await until_waiting(api.deps)
        outcome = await waiting

        assert outcome == Refused(Reason.USER_BLOCKED)
        assert "authorization_code" not in await live_tokens(api, world.user_id)
