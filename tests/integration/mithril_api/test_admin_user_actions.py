"""/admin/users/{id}/actions: change a password, block, unblock (spec §1.4)."""

import asyncio
from typing import Any

import pytest

from services.mithril_api.store import passwords, users
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    PASSWORD,
    a_user,
    ask,
    conflict,
    refused,
    tokens_revoked,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, live_tokens, verify
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

NEW = "Another-Horse-9"
WRONG = unfit(
    "current_password",
    "password",
    "password does not match password in field current_password",
)
USED = unfit(
    "password",
    "password_used",
    "This password has been used recently. Try another one",
)
UNCHANGED = unfit("password", "required", "is not changed")


def path_of(user: dict[str, Any] | World, action: str) -> str:
    user_id = user.user_id if isinstance(user, World) else user["id"]
    return f"/users/{user_id}/actions/{action}"


class TestChangingAPassword:
    async def test_the_present_password_is_replaced_and_every_session_ends(
        self, api: Api
    ) -> None:
        user = await a_user(api)
        session = a_token(api.deps, TokenName.ACCESS, user["id"], None)
        await store(api.deps, session)
        form = {"password": NEW, "current_password": PASSWORD}

        status, body = await ask(
            api, "PATCH", path_of(user, "change_password"), {"user": form}
        )

        assert (status, body["data"]) == (200, user)
        assert await live_tokens(api, user["id"]) == []
        assert (await events_of(api))[1:] == [
            (
                "mithril.user.password-changed.v1",
                {"user_id": user["id"], "by": "user"},
            ),
            tokens_revoked("user", "password_changed", user_id=user["id"]),
        ]

    @pytest.mark.parametrize(
        ("form", "invalid"),
        [
            pytest.param(
                {},
                [unfit("current_password", "required", "can't be blank"), UNCHANGED],
                id="nothing",
            ),
            pytest.param(
                {"password": NEW},
                [unfit("current_password", "required", "can't be blank")],
                id="no present password",
            ),
            pytest.param({"current_password": PASSWORD}, [UNCHANGED], id="no new password"),
            pytest.param(
                {"current_password": PASSWORD, "password": PASSWORD},
                [UNCHANGED],
                id="the same password",
            ),
            pytest.param(
                {"current_password": NEW, "password": "Third-Horse-03"},
                [WRONG],
                id="a wrong present password",
            ),
            pytest.param(
                {"current_password": PASSWORD, "password": "Short-1"},
                [
                    unfit(
                        "password",
                        "length",
                        "should be at least 12 character(s)",
                        {"min": 12},
                    )
                ],
                id="a new password against the policy",
            ),
            pytest.param(
                {"current_password": 1, "password": True},
                [
                    unfit("current_password", "cast", "is invalid", ("string",)),
                    unfit("password", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
        ],
    )
    async def test_what_is_unfit_is_named_and_nothing_changes(
        self, api: Api, form: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        user = await a_user(api)
        path = path_of(user, "change_password")

        answer = await refused(api, "PATCH", path, {"user": form})

        assert answer == validation(*invalid)
        assert len(await events_of(api)) == 1

    async def test_a_former_password_is_told_to_be_used(self, api: Api) -> None:
        user = await a_user(api)
        path = path_of(user, "change_password")
        await ask(
            api, "PATCH", path, {"user": {"password": NEW, "current_password": PASSWORD}}
        )

        back = {"password": PASSWORD, "current_password": NEW}
        answer = await refused(api, "PATCH", path, {"user": back})

        assert answer == validation(USED)

    async def test_of_two_changes_at_once_the_second_no_longer_knows_the_password(
        self, api: Api
    ) -> None:
        user = await a_user(api)
        path = path_of(user, "change_password")
        forms = [
            {"password": new, "current_password": PASSWORD}
            for new in (NEW, "Third-Horse-3")
        ]
        async with api.deps.db.begin() as conn:
            await users.hold(conn, user["id"])
            changes = [
                asyncio.create_task(ask(api, "PATCH", path, {"user": form}))
                for form in forms
            ]
            await until_waiting(api.deps, 2)

        answers = await asyncio.gather(*changes)

        assert sorted(status for status, _ in answers) == [200, 422]
        (late,) = (body["error"] for status, body in answers if status == 422)
        assert late["invalid"] == [WRONG]

    async def test_a_password_remembered_meanwhile_counts(self, api: Api) -> None:
        user = await a_user(api)
        new_hash = await api.deps.passwords.hash(NEW)
        form = {"password": NEW, "current_password": PASSWORD}
        path = path_of(user, "change_password")
        async with api.deps.db.begin() as conn:
            await users.hold(conn, user["id"])
            change = asyncio.create_task(refused(api, "PATCH", path, {"user": form}))
            await until_waiting(api.deps)
            await passwords.remember(conn, user["id"], new_hash, at=api.clock.now())

        assert await change == validation(USED)

    async def test_an_account_deleted_meanwhile_is_not_found(self, api: Api) -> None:
        user = await a_user(api)
        form = {"password": NEW, "current_password": PASSWORD}
        path = path_of(user, "change_password")
        async with api.deps.db.begin() as conn:
            await users.remove(conn, user["id"])
            change = asyncio.create_task(refused(api, "PATCH", path, {"user": form}))
            await until_waiting(api.deps)

        assert await change == NOT_FOUND

    async def test_an_unknown_account_is_not_found(self, api: Api) -> None:
        form = {"password": NEW, "current_password": PASSWORD}
        path = path_of({"id": NOBODY}, "change_password")

        assert await refused(api, "PATCH", path, {"user": form}) == NOT_FOUND


class TestBlocking:
    async def test_a_block_ends_every_token_in_the_same_breath(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
        code = a_token(api.deps, TokenName.CODE, world.user_id, world.client_id)
        await store(api.deps, access, code)
        form = {"user": {"block_reason": "left the clinic"}}

        status, body = await ask(api, "PATCH", path_of(world, "block"), form)

        data = body["data"]
        assert (status, data["is_blocked"], data["block_reason"]) == (
            200,
            True,
            "left the clinic",
        )
        assert await live_tokens(api, world.user_id) == []
        assert await verify(api, access.value) == 401
        user_id = str(world.user_id)
        assert await events_of(api) == [
            (
                "mithril.user.blocked.v1",
                {"user_id": user_id, "reason": "left the clinic"},
            ),
            tokens_revoked("user", "user_blocked", user_id=user_id, count=3),
        ]

    async def test_what_was_revoked_stays_revoked_after_an_unblock(self, api: Api) -> None:
        world = await a_world(api.deps)
        await ask(api, "PATCH", path_of(world, "block"))

        status, body = await ask(api, "PATCH", path_of(world, "unblock"))

        assert (status, body["data"]["is_blocked"]) == (200, False)
        assert await live_tokens(api, world.user_id) == []

    @pytest.mark.parametrize(
        ("action", "is_blocked", "message"),
        [
            ("block", True, "user already blocked"),
            ("unblock", False, "user already unblocked"),
        ],
    )
    async def test_what_is_so_already_is_a_conflict(
        self, api: Api, action: str, is_blocked: bool, message: str
    ) -> None:
        user = await a_user(api, is_blocked=is_blocked)
        before = await events_of(api)

        answer = await refused(api, "PATCH", path_of(user, action))

        assert answer == conflict(message)
        assert await events_of(api) == before

    @pytest.mark.parametrize("action", ["block", "unblock"])
    async def test_of_two_at_once_one_is_done_and_one_is_a_conflict(
        self, api: Api, action: str
    ) -> None:
        user = await a_user(api, is_blocked=action == "unblock")
        async with api.deps.db.begin() as conn:
            await users.hold(conn, user["id"])
            both = [
                asyncio.create_task(ask(api, "PATCH", path_of(user, action))) for _ in "12"
            ]
            await until_waiting(api.deps, 2)

        answers = await asyncio.gather(*both)

        assert sorted(status for status, _ in answers) == [200, 409]

    async def test_an_unblock_forgets_failed_sign_ins(self, api: Api) -> None:
        user = await a_user(api, is_blocked=True)
        f = tables.login_failures
        async with api.deps.db.begin() as conn:
            await conn.execute(f.insert().values(user_id=user["id"]))

        await ask(api, "PATCH", path_of(user, "unblock"), {"user": {}})

        async with api.deps.db.read() as conn:
            assert (await conn.execute(f.select())).all() == []
        assert (await events_of(api))[-1] == (
            "mithril.user.unblocked.v1",
            {"user_id": user["id"], "reason": None},
        )

    @pytest.mark.parametrize("action", ["block", "unblock"])
    @pytest.mark.parametrize(
        ("body", "answer"),
        [
            pytest.param({"user": []}, MALFORMED, id="a wrapper that is none"),
            pytest.param([], MALFORMED, id="no object"),
            pytest.param(
                {"user": {"block_reason": 1}},
                validation(unfit("block_reason", "cast", "is invalid", ("string",))),
                id="a reason that is no text",
            ),
            pytest.param(
                {"user": {"block_reason": "x" * 256}},
                validation(
                    unfit(
                        "block_reason",
                        "length",
                        "should be at most 255 character(s)",
                        {"max": 255},
                    )
                ),
                id="a reason too long",
            ),
        ],
    )
    async def test_an_unfit_body_is_refused(
        self, api: Api, action: str, body: Any, answer: tuple[int, Any]
    ) -> None:
        user = await a_user(api)

        assert await refused(api, "PATCH", path_of(user, action), body) == answer

    @pytest.mark.parametrize("action", ["block", "unblock"])
    async def test_who_is_not_there_is_not_found(self, api: Api, action: str) -> None:
        nobody = path_of({"id": NOBODY}, action)
        nothing = path_of({"id": "1"}, action)

        assert await refused(api, "PATCH", nobody) == NOT_FOUND
        assert await refused(api, "PATCH", nothing) == MALFORMED
