"""Signing in with a digital signature: every text and its order, bad days (spec §3.4)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.store import users
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_world
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import (
    LOGIN_SCOPE,
    Answered,
    a_session,
    entry,
    events_of,
    execute,
    live_tokens,
    log_in,
    required,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import DRFO, Town, a_town, count, signed
from tests.races import until_waiting

PERSON = "0193a5e0-0000-7000-8000-000000000007"
JWT_INVALID = (401, {"type": "jwt_invalid", "message": "JWT is invalid."})
BOTH = ["password", "digital_signature"]


async def a_patient(town: Town, *, status: str = "active", tax_id: str = DRFO) -> World:
    """Somebody with a tax id, whom the patient index has."""
    world = await a_world(
        town.deps, scope=LOGIN_SCOPE, client_settings={"allowed_grant_types": BOTH}
    )
    await execute(town, change_user(world, tax_id=DRFO, person_id=PERSON))
    person = {"status": status, "tax_id": tax_id}
    answer = await town.emulated.put(f"/mpi/persons/{PERSON}", json=person)
    assert answer.status == 200
    return world


def change_user(world: World, **values: Any) -> Any:
    return update(tables.users).where(tables.users.c.id == world.user_id).values(values)


async def a_nonce(town: Town, client_id: object) -> str:
    response = await town.public.post("/oauth/nonce", json={"client_id": str(client_id)})
    assert response.status == 200
    return str((await response.json())["data"]["token"])


async def sign_in(api: Api, world: World, content: Any, **but: Any) -> Answered:
    """Ask POST /auth/login; `...` leaves a field out."""
    token: dict[str, Any] = {
        "grant_type": "digital_signature",
        "signed_content": signed(content),
        "signed_content_encoding": "base64",
        "client_id": str(world.client_id),
        "scope": "app:authorize",
        **but,
    }
    given = {name: value for name, value in token.items() if value is not ...}
    headers = {"drfo": DRFO}  # which means nothing
    response = await api.public.post("/auth/login", json={"token": given}, headers=headers)
    return response.status, await response.json()


async def sign_in_as(town: Town, world: World, **but: Any) -> Answered:
    """The whole way: a nonce, signed."""
    nonce = await a_nonce(town, world.client_id)
    return await sign_in(town, world, {"jwt": nonce, **but})


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body.get("error")


def denied(message: str, kind: str = "access_denied", status: int = 401) -> Any:
    return status, {"type": kind, "message": message}


def unprocessable(message: str) -> Any:
    json_rule = [{"entry_type": "request", "rules": [{"rule": "json"}]}]
    return 422, {"type": "request_malformed", "message": message, "invalid": json_rule}


async def test_a_signature_gives_a_session(town: Town) -> None:
    world = await a_patient(town)

    status, body = await sign_in_as(town, world)

    assert (status, body["urgent"]) == (201, {"next_step": "REQUEST_APPS"})
    assert (body["data"]["name"], body["data"]["details"]) == (
        "access_token",
        {
            "client_id": str(world.client_id),
            "grant_type": "digital_signature",
            "scope": "app:authorize",
            "scope_request": "app:authorize",
            "amr": ["swk"],
            "auth_time": int(town.clock.now().timestamp()),
        },
    )
    assert await verify(town, body["data"]["value"]) == 200


async def test_whatever_is_asked_the_session_may_give_consents_and_no_more(
    town: Town,
) -> None:
    world = await a_patient(town)
    nonce = await a_nonce(town, world.client_id)

    status, body = await sign_in(town, world, {"jwt": nonce}, scope="user:read")

    details = body["data"]["details"]
    assert status == 201
    assert (details["scope"], details["scope_request"]) == ("app:authorize", "user:read")


async def test_it_ends_the_former_session_and_says_what_happened(town: Town) -> None:
    world = await a_patient(town)
    await a_session(town, world, scope="app:authorize")
    await a_session(town, world, TokenName.SECOND_FACTOR, scope="")

    _, body = await sign_in_as(town, world)

    assert await live_tokens(town, world.user_id) == ["access_token", "refresh_token"]
    events = await events_of(town)
    assert [kind for kind, _ in events] == [
        "mithril.token.revoked.v1",
        "mithril.token.issued.v1",
        "mithril.login.succeeded.v1",
    ]
    assert events[2][1] == {
        "user_id": str(world.user_id),
        "client_id": str(world.client_id),
        "grant_type": "digital_signature",
        "token_id": body["data"]["id"],
    }


class TestTheNonce:
    """What was signed serves one sign-in of one client."""

    async def test_a_signed_nonce_serves_once(self, town: Town) -> None:
        world = await a_patient(town)
        content = {"jwt": await a_nonce(town, world.client_id)}

        first, _ = await sign_in(town, world, content)
        again = await sign_in(town, world, content)

        assert (first, refused(again)) == (201, JWT_INVALID)

    async def test_of_many_replays_at_once_one_passes(self, town: Town) -> None:
        world = await a_patient(town)
        content = {"jwt": await a_nonce(town, world.client_id)}

        answers = await asyncio.gather(*(sign_in(town, world, content) for _ in range(10)))

        assert sorted(status for status, _ in answers) == [201] + [401] * 9

    async def test_a_nonce_of_another_client_is_refused_and_left_to_it(
        self, town: Town
    ) -> None:
        world, other = await a_patient(town), await a_world(town.deps)
        theirs = {"jwt": await a_nonce(town, other.client_id)}

        answer = await sign_in(town, world, theirs)

        assert refused(answer) == JWT_INVALID
        assert await count(town.deps, tables.nonces) == 1

    async def test_a_nonce_expires(self, town: Town) -> None:
        world = await a_patient(town)
        content = {"jwt": await a_nonce(town, world.client_id)}
        town.clock.advance(timedelta(minutes=15))

        assert refused(await sign_in(town, world, content)) == JWT_INVALID

    async def test_a_refusal_spends_it_too(self, town: Town) -> None:
        world = await a_patient(town)
        content = {"jwt": await a_nonce(town, world.client_id)}
        await execute(town, change_user(world, is_blocked=True))
        await sign_in(town, world, content)
        await execute(town, change_user(world, is_blocked=False))

        assert refused(await sign_in(town, world, content)) == JWT_INVALID

    @pytest.mark.parametrize("value", ["nonsense", "a.b.c", "x" * 9000])
    async def test_an_invented_one_is_invalid(self, town: Town, value: str) -> None:
        world = await a_patient(town)

        assert refused(await sign_in(town, world, {"jwt": value})) == JWT_INVALID

    async def test_nothing_signed_is_said_to_be_missing(self, town: Town) -> None:
        world = await a_patient(town)

        assert refused(await sign_in(town, world, {"other": 1})) == denied(
            "Signed content does not contain field jwt.", "jwt_invalid"
        )


class TestRefusals:
    """Each check has its text; of several that fail, the first speaks."""

    async def test_it_is_off_unless_the_service_is_configured(self, api: Api) -> None:
        world = await a_world(api.deps, client_settings={"allowed_grant_types": BOTH})

        answer = await sign_in(api, world, {"jwt": "x"}, scope=...)

        assert refused(answer) == denied("Grant type not allowed.", "invalid_grant")

    @pytest.mark.parametrize(
        "but", [{"digital_signature_enabled": False}, {"mpi_endpoint": None}]
    )
    async def test_nor_when_only_half_of_it_is(
        self, mithril_database: str, clock: SteppingClock, but: dict[str, Any]
    ) -> None:
        async with a_town(mithril_database, clock, **but) as town:
            world = await a_patient(town)
            answer = await sign_in_as(town, world)

        assert refused(answer) == denied("Grant type not allowed.", "invalid_grant")

    async def test_all_missing_fields_are_named_at_once(self, town: Town) -> None:
        world = await a_patient(town)
        blank = {"signed_content": "", "signed_content_encoding": ..., "scope": " "}

        status, body = await sign_in(town, world, {}, client_id=None, **blank)

        names = ("signed_content", "signed_content_encoding", "client_id", "scope")
        assert (status, body["error"]["invalid"]) == (422, required(*names))

    async def test_what_is_no_base64_or_in_another_encoding_is_named(
        self, town: Town
    ) -> None:
        world = await a_patient(town)
        wrong = {
            "signed_content": "é!",
            "signed_content_encoding": "hex",
            "client_id": "7",
        }

        status, body = await sign_in(town, world, {}, **wrong)

        def fault(rule: str, *params: str) -> dict[str, Any]:
            return {"rule": rule, "params": list(params), "description": "is invalid"}

        assert (status, body["error"]["invalid"]) == (
            422,
            [
                entry("signed_content", fault("cast", "base64")),
                entry("signed_content_encoding", fault("inclusion", "base64")),
                entry("client_id", fault("cast", "uuid")),
            ],
        )

    async def test_the_services_own_refusal_is_relayed(self, town: Town) -> None:
        world = await a_patient(town)

        answer = await sign_in(town, world, {}, signed_content="bm90IGpzb24=")

        text = "Malformed encoded content. Probably, it is not signed."
        assert refused(answer) == unprocessable(text)

    async def test_several_signers_are_one_too_many(self, town: Town) -> None:
        world = await a_patient(town)
        signers = [{"drfo": DRFO}, {"drfo": "1"}, {}]

        answer = await sign_in_as(town, world, signer=signers, signature_error="bad")

        assert refused(answer) == (
            400,
            {
                "type": "request_malformed",
                "message": "document must be signed by 1 signer but contains 3 signatures",
            },
        )

    async def test_a_bad_signature_is_told_in_the_services_words(self, town: Town) -> None:
        world = await a_patient(town)

        answer = await sign_in(town, world, {"jwt": "x", "signature_error": "OCSP says no"})

        assert refused(answer) == unprocessable("OCSP says no")

    async def test_a_signer_without_a_tax_id_is_refused_after_the_nonce(
        self, town: Town
    ) -> None:
        world = await a_patient(town)

        invented = await sign_in(town, world, {"jwt": "x", "signer": {}})
        real = await sign_in_as(town, world, signer={"surname": "x"})

        assert refused(invented) == JWT_INVALID
        text = "Digital signature signer does not contain drfo."
        assert refused(real) == unprocessable(text)

    async def test_the_header_drfo_is_nobody(self, town: Town) -> None:
        world = await a_patient(town)

        answer = await sign_in_as(town, world, signer={})  # `sign_in` sends the header

        assert answer[0] == 422

    async def test_the_client_must_have_the_grant(self, town: Town) -> None:
        world = await a_patient(town)
        grants = {"allowed_grant_types": ["password"]}
        await execute(town, update(tables.clients).values(settings=grants))

        answer = await sign_in_as(town, world)

        assert refused(answer) == denied("Client is not allowed to issue login token.")

    async def test_a_client_deleted_meanwhile_is_unknown(self, town: Town) -> None:
        world, other = await a_patient(town), await a_world(town.deps)
        content = {"jwt": await a_nonce(town, other.client_id)}
        await execute(
            town, tables.clients.delete().where(tables.clients.c.id == other.client_id)
        )

        answer = await sign_in(town, world, content, client_id=str(other.client_id))

        assert refused(answer) == denied("Invalid client id.", "invalid_client")

    async def test_the_scope_must_be_the_client_types(self, town: Town) -> None:
        world = await a_patient(town)
        nonce = await a_nonce(town, world.client_id)

        answer = await sign_in(town, world, {"jwt": nonce}, scope="never:heard-of")

        assert refused(answer) == unprocessable("Scope is not allowed by client type.")

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"is_blocked": True}, denied("User blocked.", "user_blocked")),
            (
                {"person_id": ""},
                denied("Person with tax id from digital signature not found."),
            ),
            ({"person_id": "no uuid"}, denied("Person not found.")),
            (
                {"person_id": "0193a5e0-0000-7000-8000-00000000dead"},
                denied("Person not found."),
            ),
        ],
    )
    async def test_an_account_that_will_not_do_is_told_why(
        self, town: Town, values: dict[str, Any], expected: Any
    ) -> None:
        world = await a_patient(town)
        await execute(town, change_user(world, **values))

        answer = await sign_in_as(town, world)

        assert refused(answer) == expected
        (kind, event), *_ = await events_of(town)
        assert (kind, event["user_id"]) == (
            "mithril.login.failed.v1",
            str(world.user_id),
        )

    async def test_a_signer_without_an_account_is_not_found(self, town: Town) -> None:
        world = await a_patient(town)

        answer = await sign_in_as(town, world, signer={"drfo": "9999999999"})

        text = "Person with tax id from digital signature not found."
        assert refused(answer) == denied(text)
        assert await events_of(town) == []

    async def test_a_person_who_is_inactive_is_not_found(self, town: Town) -> None:
        world = await a_patient(town, status="INACTIVE")

        assert refused(await sign_in_as(town, world)) == denied("Person not found.")

    async def test_a_person_with_another_tax_id_is_somebody_else(self, town: Town) -> None:
        world = await a_patient(town, tax_id="1111111111")

        assert refused(await sign_in_as(town, world)) == denied(
            "Tax id not matched with MPI person.", "tax_id_invalid", 403
        )


class TestBadDays:
    """Neighbours away, and people changed in the middle."""

    @pytest.mark.parametrize("system", ["signatures", "mpi"])
    async def test_a_system_that_is_away_lets_nobody_in(
        self, town: Town, system: str
    ) -> None:
        world = await a_patient(town)
        await town.fault(system, status=503)

        status, body = await sign_in_as(town, world)

        assert (status, body["error"]["type"]) == (503, "service_unavailable")
        assert await live_tokens(town, world.user_id) == ["refresh_token"]

    async def test_and_back_again_it_does(self, town: Town) -> None:
        world = await a_patient(town)
        await town.fault("mpi", status=503)
        await sign_in_as(town, world)
        await town.fault("mpi")

        assert (await sign_in_as(town, world))[0] == 201

    async def test_a_block_under_way_is_waited_for(self, town: Town) -> None:
        world = await a_patient(town)
        async with town.deps.db.begin() as conn:
            await users.hold(conn, world.user_id)
            await conn.execute(change_user(world, is_blocked=True))
            signing_in = asyncio.create_task(sign_in_as(town, world))
            await until_waiting(town.deps)

        assert refused(await signing_in) == denied("User blocked.", "user_blocked")

    async def test_the_password_of_a_patient_is_as_good_as_before(self, town: Town) -> None:
        world = await a_patient(town)
        await sign_in_as(town, world)

        assert (await log_in(town, world))[0] == 201
