"""The examples of docs/tokens.md, run as they stand, at a server of this test's own."""

import asyncio
import json
import shutil
from typing import Any

import pytest

from tests.builders import World
from tests.integration.mithril_api.asking import a_clinic
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.test_exchange_code import a_code
from tests.manuals import blocks, commands, here, run

MANUAL = "tokens.md"


def python_of_the_manual(api: Api) -> dict[str, Any]:
    names: dict[str, Any] = {}
    (code,) = blocks(MANUAL, "python")
    exec(compile(here(api, code), MANUAL, "exec"), names)  # noqa: S102 — the manual's own
    return names


def of(world: World) -> tuple[str, str, str]:
    return str(world.client_id), world.client_secret, world.refresh.value


def test_the_manual_shows_a_command_for_each_grant() -> None:
    grants = ("authorization_code", "refresh_token")
    assert [
        grant
        for grant, command in zip(grants, commands(MANUAL), strict=True)
        if f'grant_type\\": \\"{grant}' not in command
    ] == []


async def test_the_python_of_the_manual_refreshes_and_keeps_its_token(api: Api) -> None:
    names = python_of_the_manual(api)
    world = await a_clinic(api.deps)

    value, expires_at, kept = await asyncio.to_thread(names["refreshed"], *of(world))

    assert value.startswith("mth")
    assert expires_at > api.clock.now().timestamp()
    assert kept == world.refresh.value


async def test_the_python_of_the_manual_follows_a_client_that_rotates(api: Api) -> None:
    names = python_of_the_manual(api)
    world = await a_clinic(api.deps, client_settings={"refresh_token_policy": "rotate"})
    client_id, secret, first = of(world)

    _, _, second = await asyncio.to_thread(names["refreshed"], client_id, secret, first)
    _, _, third = await asyncio.to_thread(names["refreshed"], client_id, secret, second)

    assert len({first, second, third}) == 3


async def test_the_python_of_the_manual_tells_why_it_was_refused(api: Api) -> None:
    names = python_of_the_manual(api)
    client_id, secret, _ = of(await a_clinic(api.deps))

    with pytest.raises(names["Refused"]) as refused:
        await asyncio.to_thread(names["refreshed"], client_id, secret, "unknown")

    assert refused.value.args[0]["type"] == "token_not_found"


async def command_answers(api: Api, command: str) -> None:
    a_sign_in = "$CODE" in command
    world, code = await a_code(api) if a_sign_in else (await a_clinic(api.deps), "")
    client_id, secret, refresh_token = of(world)

    status, out = await run(
        *("sh", "-c", here(api, command)),
        CLIENT_ID=client_id,
        CLIENT_SECRET=secret,
        REFRESH_TOKEN=refresh_token,
        REDIRECT_URI=world.redirect_uri,
        CODE=code,
    )

    assert status == 0, out
    answer = json.loads(out)
    assert answer["meta"]["code"] == 201, answer
    assert answer["data"]["name"] == "access_token"


async def javascript_refreshes(api: Api) -> None:
    world = await a_clinic(api.deps)
    (code,) = blocks(MANUAL, "javascript")
    arguments = ", ".join(map(json.dumps, of(world)))
    script = (
        f"{here(api, code)}\nconsole.log(JSON.stringify(await refreshed({arguments})));"
    )

    status, out = await run("node", "--input-type=module", "-e", script)

    assert status == 0, out
    answer = json.loads(out)
    assert answer["accessToken"].startswith("mth")
    assert answer["refreshToken"] == world.refresh.value


# Python alone is promised to be there; what else the manual speaks of is tried where it is.
if shutil.which("curl"):

    @pytest.mark.parametrize("number", range(len(commands(MANUAL))))
    async def test_a_command_answers_201(api: Api, number: int) -> None:
        await command_answers(api, commands(MANUAL)[number])


if shutil.which("node"):

    async def test_the_javascript_of_the_manual_refreshes(api: Api) -> None:
        await javascript_refreshes(api)
