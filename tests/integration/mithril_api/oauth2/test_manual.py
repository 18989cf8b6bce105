"""The examples of docs/oauth2.md, run as they stand, at a server of this test's own."""

import asyncio
import json
import re
import shutil
from typing import Any

import pytest

from services.mithril_api.domain.grants import DEVICE_CODE, TOKEN_EXCHANGE
from shared.wire import dpop
from tests.builders import World
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    CHALLENGE,
    SECRETLESS,
    VERIFIER,
    a_client,
    a_code,
    bought,
    by_post,
    client_credentials,
    exchange,
    post,
    query_of,
    token,
)
from tests.integration.mithril_api.oauth2.proving import (
    a_client_by_key,
    a_key,
    issuer_of,
    nonce,
    proof,
)
from tests.manuals import blocks, commands, here, run

MANUAL = "oauth2.md"


async def known(api: Api, world: World) -> dict[str, str]:
    """What the reader of the manual has at hand."""
    tokens = await bought(api, world)
    code = await a_code(api, world, scope="openid email")
    openid = await exchange(api, world, code)
    form = {"scope": "episode:read", **by_post(world)}
    begun = await post(api, "/oauth2/device_authorization", form)
    service = await a_client(
        api,
        allowed_grant_types=[TOKEN_EXCHANGE],
        resource=["https://records.example"],
    )
    return {
        "SERVICE_ID": str(service.client_id),
        "SERVICE_SECRET": service.client_secret,
        "DEVICE_CODE": begun.body["device_code"],
        "ID_ACCESS_TOKEN": openid.body["access_token"],
        "CLIENT_ID": str(world.client_id),
        "CLIENT_SECRET": world.client_secret,
        "CODE": await a_code(api, world),
        "VERIFIER": VERIFIER,
        "ACCESS_TOKEN": tokens["access_token"],
        "REFRESH_TOKEN": tokens["refresh_token"],
        "PROOF": proof(api, nonce=await nonce(api)),
    }


def test_the_manual_shows_a_command_for_each_thing_to_do() -> None:
    text = " ".join(commands(MANUAL))
    wanted = ("client_credentials", "authorization_code", "refresh_token", "introspect")
    assert [name for name in (*wanted, "revoke") if name not in text] == []
    assert all(command.startswith("curl ") for command in commands(MANUAL))


async def command_answers(api: Api, number: int) -> None:
    world = await a_client(api, allowed_grant_types=["client_credentials", DEVICE_CODE])
    command = here(api, commands(MANUAL)[number])
    command = command.replace("https://mis.example/callback", world.redirect_uri)

    status, out = await run("sh", "-c", command, **await known(api, world))

    assert status == 0, out
    answer = json.loads(out) if out else {}
    if "$DEVICE_CODE" in command:  # whose user the manual has not asked
        assert answer["error"] == "authorization_pending"
        return
    assert "error" not in answer, out
    if "/oauth2/token" in command:
        assert answer["token_type"] == ("DPoP" if "$PROOF" in command else "Bearer")
    if "introspect" in command:
        assert answer["active"] is True


async def test_the_python_of_the_manual_goes_from_verifier_to_tokens(api: Api) -> None:
    world = await a_client(api)
    code = blocks(MANUAL, "python")[0]
    definitions, _, usage = here(api, code).partition("verifier = ")
    names: dict[str, Any] = {
        "CLIENT_ID": str(world.client_id),
        "CLIENT_SECRET": world.client_secret,
        "REDIRECT_URI": world.redirect_uri,
    }
    exec(compile(definitions, "oauth2.md", "exec"), names)  # noqa: S102 — the manual's own
    url = names["authorization_url"](
        str(world.client_id), world.redirect_uri, "a state", VERIFIER
    )
    asked = query_of(url)
    assert asked["code_challenge"] == CHALLENGE
    names["CODE"] = await a_code(api, world)
    fixed = re.sub(r"^.*\n", f"verifier = {VERIFIER!r}\n", usage, count=1)
    await asyncio.to_thread(exec, compile(fixed, "oauth2.md", "exec"), names)

    assert names["tokens"]["scope"] == "episode:read episode:write"


async def test_the_python_of_the_manual_proves_keys(api: Api) -> None:
    world = await a_client_by_key(api, dpop_bound_access_tokens=True)
    names: dict[str, Any] = {}
    for code in blocks(MANUAL, "python")[1:]:
        exec(compile(code, "oauth2.md", "exec"), names)  # noqa: S102 — the manual's own
    issuer, url = issuer_of(api), f"{issuer_of(api)}/oauth2/token"
    by = names["client_authentication"](str(world.client_id), issuer, a_key())
    made = names["proof"](a_key(), "POST", url, nonce=await nonce(api))

    answer = await token(api, client_credentials(**by), {"DPoP": made})

    assert (answer.status, answer.body["token_type"]) == (200, "DPoP")
    shown = names["proof"](a_key(), "GET", url, token=answer.body["access_token"])
    read = dpop.read([shown])
    assert isinstance(read, dpop.Proof)
    assert read.is_for(answer.body["access_token"])


async def javascript_exchanges_a_code(api: Api) -> None:
    world = await a_client(api, **SECRETLESS)
    (code,) = blocks(MANUAL, "javascript")
    arguments = [
        str(world.client_id),
        await a_code(api, world),
        world.redirect_uri,
        VERIFIER,
    ]
    script = here(api, code) + (
        f"challengeOf({json.dumps(VERIFIER)}).then(async (challenge) => console.log("
        f"JSON.stringify([challenge, await exchange(...{json.dumps(arguments)})])));"
    )

    status, out = await run("node", "--input-type=module", "-e", script)

    assert status == 0, out
    challenge, tokens = json.loads(out)
    assert challenge == CHALLENGE
    assert tokens["token_type"] == "Bearer"


# Python alone is promised to be there; what else the manual speaks of is tried where it is.
if shutil.which("curl"):

    @pytest.mark.parametrize("number", range(len(commands(MANUAL))))
    async def test_a_command_answers_what_the_manual_says(api: Api, number: int) -> None:
        await command_answers(api, number)


if shutil.which("node"):

    async def test_the_javascript_of_the_manual_exchanges_a_code(api: Api) -> None:
        await javascript_exchanges_a_code(api)
