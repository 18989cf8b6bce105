"""Passkeys (WebAuthn): set up, used, and every trick that must not work."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shared.models.schema import mithril as tables
from tests.integration.mithril_api.asking import events_of, log_in
from tests.integration.mithril_api.second_factors.authenticator import Authenticator
from tests.integration.mithril_api.second_factors.steps import Phones, refused
from tests.races import until_waiting

INVALID = (401, "webauthn_invalid", "Passkey was not accepted.")


async def register(
    phones: Phones, key: Authenticator, session: str, name: str | None = None
) -> str:
    """Set a passkey up; the session afterwards."""
    _, begun = await phones.init(session, "WEBAUTHN", name=name)
    answer = key.create(begun["urgent"]["webauthn"])
    status, body = await phones.approve(begun["data"]["value"], webauthn=answer)
    assert status == 201, body
    return str(body["data"]["value"])


async def options(phones: Phones, token: str) -> dict[str, Any]:
    status, body = await phones.post("webauthn_options", {}, token)
    assert status == 200, body
    return dict(body["data"])


async def counter(phones: Phones) -> int:
    async with phones.api.deps.db.begin() as conn:
        query = select(tables.passkeys.c.sign_count)
        return int((await conn.execute(query)).scalar_one())


@pytest.fixture
def key() -> Authenticator:
    return Authenticator()


async def test_a_passkey_is_set_up_and_signs_in(phones: Phones, key: Authenticator) -> None:
    session = await phones.session()
    status, begun = await phones.init(session, "WEBAUTHN", name="key ring")
    asked = begun["urgent"]["webauthn"]
    assert (status, begun["urgent"]["next_step"]) == (201, "APPROVE_FACTOR")
    assert asked["rp"] == {"id": "localhost", "name": "Mithril"}
    assert asked["user"]["name"] == phones.world.email
    assert asked["authenticatorSelection"]["userVerification"] == "preferred"

    status, body = await phones.approve(begun["data"]["value"], webauthn=key.create(asked))

    assert (status, body["data"]["details"]["amr"]) == (201, ["hwk", "pwd"])
    status, body = await log_in(phones.api, phones.world)
    (known,) = body["urgent"]["factors"]
    assert body["urgent"]["next_step"] == "REQUEST_WEBAUTHN"
    assert body["urgent"]["factor_id"] == known["id"]
    assert (known["type"], known["name"]) == ("WEBAUTHN", "key ring")
    token = body["data"]["value"]
    question = await options(phones, token)
    assert (question["rpId"], question["userVerification"]) == ("localhost", "preferred")
    assert question["allowCredentials"][0]["transports"] == ["internal"]
    status, body = await phones.authorize(token, webauthn=key.get(question))
    assert (status, body["data"]["details"]["amr"]) == (201, ["hwk", "pwd"])
    assert await counter(phones) == 1


async def test_a_synced_passkey_is_no_hardware(phones: Phones) -> None:
    key = Authenticator(synced=True, counts=False)
    await register(phones, key, await phones.session())
    for _ in range(2):  # it has no counter, which is no sign of a clone
        token = await phones.pending()
        answer = key.get(await options(phones, token))
        status, body = await phones.authorize(token, webauthn=answer)
        assert (status, body["data"]["details"]["amr"]) == (201, ["pwd", "swk"])


async def test_a_user_may_have_several_by_name(phones: Phones, key: Authenticator) -> None:
    spare = Authenticator(credential_id=b"another credential")
    session = await register(phones, key, await phones.session(), "one")
    _, begun = await phones.init(session, "WEBAUTHN", name="two")
    excluded = begun["urgent"]["webauthn"]["excludeCredentials"]
    assert len(excluded) == 1
    answer = spare.create(begun["urgent"]["webauthn"])
    status, body = await phones.approve(begun["data"]["value"], webauthn=answer)
    session = body["data"]["value"]

    _, listed = await phones.factors(session)
    assert (status, [item["name"] for item in listed["data"]]) == (201, ["one", "two"])
    assert (await phones.remove(session, listed["data"][0]["id"]))[0] == 204
    token = await phones.pending()
    question = await options(phones, token)
    assert refused(await phones.authorize(token, webauthn=key.get(question))) == INVALID
    answer = spare.get(await options(phones, token))
    assert (await phones.authorize(token, webauthn=answer))[0] == 201


@pytest.mark.parametrize(
    "but",
    [
        {"origin": "http://localhost:8085.evil.example"},
        {"origin": "https://localhost:8085"},
        {"rp_id": "evil.example"},
        {"user_handle": b"somebody else"},
        {"credential_id": b"not registered here"},
    ],
)
async def test_what_another_page_or_key_signed_is_worth_nothing(
    phones: Phones, key: Authenticator, but: dict[str, Any]
) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    for name, value in but.items():
        setattr(key, name, value)

    answer = key.get(await options(phones, token))

    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID


async def test_nor_is_what_was_made_on_another_page(
    phones: Phones, key: Authenticator
) -> None:
    key.origin = "https://evil.example"
    _, begun = await phones.init(await phones.session(), "WEBAUTHN")
    answer = key.create(begun["urgent"]["webauthn"])

    refusal = refused(await phones.approve(begun["data"]["value"], webauthn=answer))

    assert refusal == INVALID


async def test_another_key_under_the_same_name_is_no_key(
    phones: Phones, key: Authenticator
) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()

    answer = Authenticator(user_handle=key.user_handle).get(await options(phones, token))

    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID


async def test_a_challenge_serves_once(phones: Phones, key: Authenticator) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    question = await options(phones, token)
    key.origin = "http://evil.example"
    assert refused(await phones.authorize(token, webauthn=key.get(question))) == INVALID
    key.origin = "http://localhost:8085"

    assert refused(await phones.authorize(token, webauthn=key.get(question))) == INVALID


async def test_an_answer_that_was_seen_is_worth_nothing(
    phones: Phones, key: Authenticator
) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    answer = key.get(await options(phones, token))
    assert (await phones.authorize(token, webauthn=answer))[0] == 201

    token = await phones.pending()
    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID
    await options(phones, token)
    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID


async def test_an_answer_in_two_tabs_at_once_completes_one(
    phones: Phones, key: Authenticator
) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    answer = key.get(await options(phones, token))
    async with phones.api.deps.db.begin() as conn:
        await conn.execute(tables.users.select().with_for_update())
        tabs = [
            asyncio.create_task(phones.authorize(token, webauthn=answer)) for _ in range(2)
        ]
        await until_waiting(phones.api.deps, 2)

    answers = await asyncio.gather(*tabs)

    assert sorted(status for status, _ in answers) == [201, 401]


async def test_a_copied_key_is_found_by_its_counter(
    phones: Phones, key: Authenticator
) -> None:
    await register(phones, key, await phones.session())
    copy = key.clone()
    token = await phones.pending()
    answer = key.get(await options(phones, token))
    assert (await phones.authorize(token, webauthn=answer))[0] == 201
    token = await phones.pending()

    answer = copy.get(await options(phones, token))

    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID
    kind, data = (await events_of(phones.api))[-1]
    assert (kind, data["reason"]) == ("mithril.login.failed.v1", "passkey_cloned")
    assert await counter(phones) == 1


async def test_a_challenge_ends(phones: Phones, key: Authenticator) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    answer = key.get(await options(phones, token))
    phones.api.clock.advance(timedelta(minutes=5))

    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID


@pytest.mark.parametrize(
    "answer",
    [
        {"id": None},
        {"id": "ä"},
        {"id": "AAAA", "rawId": 1},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": []},
    ],
)
async def test_nonsense_is_refused_and_breaks_nothing(
    phones: Phones, key: Authenticator, answer: dict[str, Any]
) -> None:
    await register(phones, key, await phones.session())
    token = await phones.pending()
    await options(phones, token)

    assert refused(await phones.authorize(token, webauthn=answer)) == INVALID


@pytest.mark.parametrize("cbor", ["", "AAAA", "o2NmbXRkbm9uZQ", "_____w"])
async def test_nonsense_registers_nothing(
    phones: Phones, key: Authenticator, cbor: str
) -> None:
    _, begun = await phones.init(await phones.session(), "WEBAUTHN")
    answer = key.create(begun["urgent"]["webauthn"])
    answer["response"]["attestationObject"] = cbor

    refusal = refused(await phones.approve(begun["data"]["value"], webauthn=answer))

    assert refusal == INVALID


async def test_a_key_that_is_registered_already_is_refused(
    phones: Phones, key: Authenticator
) -> None:
    session = await register(phones, key, await phones.session())
    _, begun = await phones.init(session, "WEBAUTHN")
    answer = key.create(begun["urgent"]["webauthn"])

    refusal = refused(await phones.approve(begun["data"]["value"], webauthn=answer))

    assert refusal == INVALID


async def test_nobody_without_a_passkey_is_asked_for_one(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending()

    answer = await phones.post("webauthn_options", {}, token)
    assert refused(answer) == (409, "request_conflict", "Factor not set")
    answer = await phones.post("webauthn_options", {}, "unknown")
    assert refused(answer) == (401, "token_invalid", "Invalid token.")


async def test_an_operator_sees_resets_and_switches_it_off(
    phones: Phones, key: Authenticator
) -> None:
    await register(phones, key, await phones.session(), "key ring")
    internal = phones.api.internal
    path = f"/admin/users/{phones.world.user_id}/authentication_factors"
    (listed,) = (await (await internal.get(path)).json())["data"]
    assert (listed["type"], listed["name"]) == ("WEBAUTHN", "key ring")
    one = f"{path}/{listed['id']}"

    assert (await internal.patch(f"{one}/actions/disable")).status == 200
    assert (await log_in(phones.api, phones.world))[1]["data"]["name"] == "access_token"
    assert (await internal.patch(f"{one}/actions/enable")).status == 200
    assert (await internal.patch(f"{one}/actions/reset")).status == 200

    # Not one factor less: another has to be set up before anything is authorised.
    _, body = await log_in(phones.api, phones.world)
    assert body["urgent"] == {
        "next_step": "REQUEST_FACTOR",
        "factors": [],
        "factor_id": None,
    }
    await register(phones, Authenticator(), body["data"]["value"], "new")
    listed = (await (await internal.get(path)).json())["data"]
    assert [item["name"] for item in listed] == ["new"]
