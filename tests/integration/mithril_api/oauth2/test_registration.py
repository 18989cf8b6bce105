"""Clients that register themselves: RFC 7591, and RFC 7592."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from services.mithril_api import cli_registration
from services.mithril_api.actions.oauth2 import initial_tokens
from services.mithril_api.domain.limits import Limit
from services.mithril_api.domain.oauth2 import registration
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.store import registrations
from shared.models.schema import mithril as tables
from tests.builders import World, a_world, give_keys
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import bearer
from tests.integration.mithril_api.conftest import Api, an_api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    CHALLENGE,
    VERIFIER,
    Answered,
    a_session,
    allow,
    authorize,
    query_of,
    token,
)
from tests.integration.mithril_api.oauth2.proving import a_key, public
from tests.races import until_waiting

PATH = "/oauth2/register"
CALLBACK = "https://app.test/callback"
APP = {"client_name": "An app", "redirect_uris": [CALLBACK]}


@asynccontextmanager
async def registering(
    database_url: str, clock: SteppingClock, who: str = "token", **but: Any
) -> AsyncIterator[tuple[Api, World]]:
    """A server that lets clients register, of the type and for the user of a world."""
    async with an_api(database_url, clock) as before:
        world = await a_world(before.deps)
    settings = {
        "dynamic_registration": who,
        "registration_client_type": world.client_type,
        "registration_owner": UUID(str(world.user_id)),
        **but,
    }
    async with an_api(database_url, clock, **settings) as api:
        yield api, world


@pytest.fixture
async def town(
    mithril_database: str, clock: SteppingClock
) -> AsyncIterator[tuple[Api, World]]:
    async with registering(mithril_database, clock) as made:
        yield made


async def a_token(api: Api, *, uses: int = 1) -> str:
    """What an operator makes."""
    week = timedelta(days=7)
    return await initial_tokens.make(api.deps, "for a test", uses=uses, lives=week)


async def ask(
    api: Api, method: str, path: str, value: str | None, body: Any = None
) -> Answered:
    headers = {} if value is None else bearer(value)
    response = await api.public.request(method, path, json=body, headers=headers)
    said = await response.json() if response.content_type == "application/json" else {}
    return Answered(response.status, said, response.headers)


async def register(api: Api, **but: Any) -> dict[str, Any]:
    """A client that has registered."""
    answer = await ask(api, "POST", PATH, await a_token(api), {**APP, **but})
    assert answer.status == 201, answer.body
    return answer.body


def managed(told: dict[str, Any]) -> tuple[str, str]:
    return f"{PATH}/{told['client_id']}", told["registration_access_token"]


def described(told: dict[str, Any], **but: Any) -> dict[str, Any]:
    return {"client_id": told["client_id"], **APP, **but}


async def test_a_client_registers_and_its_user_signs_in(town: tuple[Api, World]) -> None:
    api, world = town
    told = await register(api)
    asked = {
        "response_type": "code",
        "client_id": told["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    _, location, _ = await authorize(api, asked)
    registered = replace(world, client_id=told["client_id"])
    request_uri = query_of(location)["request_uri"]
    answer = await allow(api, registered, request_uri, await a_session(api, world))
    code = query_of(answer.headers["Location"])["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": told["client_id"],
        "client_secret": told["client_secret"],
    }

    assert told["client_secret_expires_at"] == 0
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["scope"] == "episode:read episode:write person:read"
    assert told["registration_client_uri"].endswith(managed(told)[0])
    wide = {**asked, "scope": "person:everything"}
    _, refused, _ = await authorize(api, wide)
    assert query_of(refused)["error"] == "invalid_scope"
    await give_keys(api.deps, Alg.RS256)
    given = await token(api, form)
    assert (given.status, given.body["scope"]) == (200, "openid email")


async def test_of_tokens_and_secrets_nothing_but_digests_is_kept(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    told = await register(api)

    async with api.deps.db.read() as conn:
        rows = [
            str((await conn.execute(select(table))).all())
            for table in (
                tables.client_registrations,
                tables.registration_tokens,
                tables.connection_secrets,
                tables.outbox,
            )
        ]

    for secret in (told["registration_access_token"], told["client_secret"]):
        assert secret not in "".join(rows)


async def test_an_event_says_who_registered_by_which_token(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    told = await register(api)

    o = tables.outbox
    query = select(o.c.payload).where(o.c.type == "mithril.client.registered.v1")
    async with api.deps.db.read() as conn:
        (payload,) = (await conn.execute(query)).scalars()
        (made,) = await registrations.tokens(conn)

    assert payload == {
        "client_id": told["client_id"],
        "name": "An app",
        "registration_token_id": str(made.id),
    }


async def test_a_token_of_an_operator_serves_as_often_as_it_says(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    value = await a_token(api, uses=2)
    digest = (await _row(api)).digest
    async with api.deps.db.begin() as conn:
        await registrations.use_token(conn, digest, now=api.clock.now())
        both = [asyncio.create_task(ask(api, "POST", PATH, value, APP)) for _ in "ab"]
        await until_waiting(api.deps, 2)

    statuses = sorted([(await answer).status for answer in both])

    assert statuses == [201, 401]


async def _row(api: Api) -> Any:
    async with api.deps.db.read() as conn:
        return (await conn.execute(select(tables.registration_tokens))).one()


async def test_an_operator_makes_tokens_sees_them_and_takes_them_back(
    mithril_database: str,
) -> None:
    settings = settings_for(mithril_database)
    week = timedelta(days=7)
    value = await cli_registration.make(settings, "for an app", uses=3, lives=week)

    (made,) = await cli_registration.known(settings)
    gone = [await cli_registration.remove(settings, made.id) for _ in "ab"]

    assert len(value) == 32
    assert (made.note, made.uses_left) == ("for an app", 3)
    assert made.expires_at - made.inserted_at == week
    assert gone == [True, False]


async def test_without_a_good_token_nobody_registers(town: tuple[Api, World]) -> None:
    api, _ = town
    late = await a_token(api)
    bare = await ask(api, "POST", PATH, None, APP)
    wrong = await ask(api, "POST", PATH, "x" * 32, APP)
    api.clock.advance(timedelta(days=7))
    expired = await ask(api, "POST", PATH, late, APP)

    assert {answer.status for answer in (bare, wrong, expired)} == {401}
    assert bare.headers["WWW-Authenticate"] == 'Bearer realm="mithril"'
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


async def test_a_token_is_not_used_up_by_what_is_refused(town: tuple[Api, World]) -> None:
    api, _ = town
    value = await a_token(api)

    refused = await ask(api, "POST", PATH, value, {**APP, "redirect_uris": []})
    made = await ask(api, "POST", PATH, value, APP)

    assert (refused.status, made.status) == (400, 201)


async def test_a_client_reads_changes_and_ends_its_registration(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    told = await register(api)
    path, value = managed(told)

    shown = await ask(api, "GET", path, value)
    moved = {"redirect_uris": ["https://app.test/new"], "client_name": "The app"}
    changed = await ask(api, "PUT", path, value, described(told, **moved))
    former = await ask(api, "GET", path, value)
    renewed = changed.body["registration_access_token"]
    again = await ask(api, "GET", path, renewed)
    ended = await ask(api, "DELETE", path, renewed)
    gone = await ask(api, "GET", path, renewed)

    kept = {name: item for name, item in told.items() if "secret" not in name}
    assert shown.body == kept
    assert changed.body["redirect_uris"] == ["https://app.test/new"]
    assert "client_secret" not in changed.body
    assert renewed != value
    assert former.refusal == gone.refusal == (401, "invalid_token")
    assert again.body["client_name"] == "The app"
    assert ended.status == 204
    async with api.deps.db.read() as conn:
        c = tables.clients
        left = await conn.execute(select(c.c.id).where(c.c.id == UUID(told["client_id"])))
        assert left.all() == []


async def test_of_two_changes_at_once_with_one_token_one_passes(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    told = await register(api)
    path, value = managed(told)
    r = tables.client_registrations
    async with api.deps.db.begin() as conn:
        await conn.execute(select(r).with_for_update())
        both = [
            asyncio.create_task(ask(api, "PUT", path, value, described(told))) for _ in "ab"
        ]
        await until_waiting(api.deps, 2)

    assert sorted([(await answer).status for answer in both]) == [200, 401]


async def test_who_needs_no_secret_has_none_until_one_is_needed(
    town: tuple[Api, World],
) -> None:
    api, _ = town
    told = await register(api, token_endpoint_auth_method="none")
    path, value = managed(told)

    changed = await ask(api, "PUT", path, value, described(told))

    assert "client_secret" not in told
    assert changed.body["client_secret"]


async def test_a_client_registers_its_key(town: tuple[Api, World]) -> None:
    api, _ = town
    keys = {"jwks": public(a_key()), "token_endpoint_auth_method": "private_key_jwt"}

    told = await register(api, **keys)

    assert told["jwks"] == keys["jwks"]
    assert "client_secret" not in told


async def test_nobody_manages_the_registration_of_another(
    town: tuple[Api, World],
) -> None:
    api, world = town
    one, other = await register(api), await register(api)
    value = managed(one)[1]

    for client_id in (other["client_id"], world.client_id, "no-id"):
        for method in ("GET", "PUT", "DELETE"):
            path = f"{PATH}/{client_id}"
            body = {**APP, "client_id": str(client_id)} if method == "PUT" else None
            answer = await ask(api, method, path, value, body)
            assert answer.refusal == (401, "invalid_token")


METADATA, REDIRECT = "invalid_client_metadata", "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("but", "error"),
    [
        ({"redirect_uris": ...}, REDIRECT),
        ({"redirect_uris": "https://app.test"}, REDIRECT),
        ({"redirect_uris": [CALLBACK, CALLBACK + "2"]}, REDIRECT),
        ({"redirect_uris": [7]}, REDIRECT),
        ({"redirect_uris": ["http://app.test/"]}, REDIRECT),
        ({"redirect_uris": ["javascript:alert(1)"]}, REDIRECT),
        ({"redirect_uris": ["app://callback"]}, REDIRECT),
        ({"redirect_uris": ["https://app.test/#x"]}, REDIRECT),
        ({"redirect_uris": ["https://app.test@evil.test/"]}, REDIRECT),
        ({"redirect_uris": ["https://*.app.test/"]}, REDIRECT),
        ({"redirect_uris": ["https://арр.test/"]}, REDIRECT),
        ({"redirect_uris": ["https://[::1/"]}, REDIRECT),
        ({"client_name": "An\u202eapp"}, METADATA),
        ({"client_name": 7}, METADATA),
        ({"grant_types": ["client_credentials"]}, METADATA),
        ({"grant_types": "authorization_code"}, METADATA),
        ({"response_types": ["token"]}, METADATA),
        ({"token_endpoint_auth_method": "tls_client_auth"}, METADATA),
        ({"token_endpoint_auth_method": ["none"]}, METADATA),
        ({"token_endpoint_auth_method": "private_key_jwt"}, METADATA),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, METADATA),
        ({"jwks_uri": "http://169.254.169.254/"}, METADATA),
        ({"backchannel_logout_uri": "https://app.test/logout"}, METADATA),
        ({"post_logout_redirect_uris": ["http://app.test/"]}, METADATA),
        ({"post_logout_redirect_uris": "https://app.test/"}, METADATA),
        ({"resource": ["https://records.test"]}, METADATA),
        ({"subject_type": "pairwise"}, METADATA),
        ({"dpop_bound_access_tokens": "yes"}, METADATA),
        ({"software_statement": "eyJ"}, "unapproved_software_statement"),
    ],
)
def test_what_a_client_may_not_say_of_itself_is_refused(
    but: dict[str, Any], error: str
) -> None:
    body = {name: item for name, item in {**APP, **but}.items() if item is not ...}

    found = registration.read(body)

    assert isinstance(found, Fault)
    assert found.code == error


@pytest.mark.parametrize("body", ["[]", "{", "\x00", '{"client_name": "\\u0000"}'])
async def test_what_is_no_object_is_refused(town: tuple[Api, World], body: str) -> None:
    api, _ = town
    headers = {**bearer(await a_token(api)), "Content-Type": "application/json"}

    response = await api.public.post(PATH, data=body, headers=headers)

    assert (response.status, (await response.json())["error"]) == (400, "invalid_request")


async def test_what_only_shows_a_client_is_left_out(town: tuple[Api, World]) -> None:
    api, _ = town
    shown = {"logo_uri": "https://app.test/logo", "contacts": ["x@app.test"], "made_up": 1}

    told = await register(api, **shown)

    assert not set(shown) & set(told)


async def test_anybody_may_register_where_that_is_open_as_often_as_it_says(
    mithril_database: str, clock: SteppingClock
) -> None:
    few = {"limit_registration_address": Limit(2, 3600)}
    async with registering(mithril_database, clock, "open", **few) as (api, _):
        answers = [await ask(api, "POST", PATH, None, APP) for _ in range(3)]
        wrong = await ask(api, "GET", f"{PATH}/x", "x")

    assert [answer.status for answer in answers] == [201, 201, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert wrong.status == 429


async def test_it_is_promised_where_it_is_there(town: tuple[Api, World]) -> None:
    api, _ = town
    path = "/.well-known/oauth-authorization-server"

    told = await (await api.public.get(path)).json()

    assert told["registration_endpoint"] == told["issuer"] + PATH


async def test_it_is_not_there_unless_it_is_wanted(api: Api) -> None:
    assert (await ask(api, "POST", PATH, None, APP)).status == 404


async def test_what_the_settings_name_and_is_not_there_is_said(
    mithril_database: str, clock: SteppingClock
) -> None:
    for but in (
        {"registration_client_type": "NOBODY"},
        {"registration_owner": UUID(int=7)},
    ):
        async with registering(mithril_database, clock, "open", **but) as (api, _):
            answer = await ask(api, "POST", PATH, None, APP)
        assert answer.refusal == (503, "temporarily_unavailable")
        assert "MITHRIL_REGISTRATION" in answer.body["error_description"]


def test_settings_that_let_clients_register_say_what_they_get() -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"

    with pytest.raises(ValidationError, match="MITHRIL_REGISTRATION_OWNER"):
        settings_for(url, dynamic_registration="open")
