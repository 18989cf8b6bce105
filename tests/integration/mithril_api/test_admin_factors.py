"""Second factors of users, and the codes that were sent (spec §1.4)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.models.schema import mithril as tables
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    a_user,
    ask,
    conflict,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api

NUMBER = "+380901234533"


async def a_factor(api: Api, **but: Any) -> tuple[str, dict[str, Any]]:
    """The path of a factor, and the factor."""
    user = await a_user(api)
    path = f"/users/{user['id']}/authentication_factors"
    form = {"type": "SMS", "factor": NUMBER, **but}
    status, body = await ask(api, "POST", path, form)
    assert status == 201, body
    return f"{path}/{body['data']['id']}", body["data"]


async def test_a_factor_is_answered_with_its_user_and_a_masked_number(api: Api) -> None:
    user = await a_user(api)
    path = f"/users/{user['id']}/authentication_factors"

    response = await api.internal.post(
        f"/admin{path}", json={"type": "SMS", "factor": NUMBER}
    )

    data = (await response.json())["data"]
    now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert response.status == 201
    assert response.headers["Location"] == f"/admin{path}/{data['id']}"
    assert data == {
        "id": data["id"],
        "type": "SMS",
        "factor": "+38090*****33",
        "name": None,
        "is_active": True,
        "user_id": user["id"],
        "user": user,
        "inserted_at": now,
        "updated_at": now,
    }
    _, one = await ask(api, "GET", f"{path}/{data['id']}")
    _, every = await ask(api, "GET", path)
    assert (one["data"], every["data"]) == (data, [data])
    assert (await events_of(api))[-1] == (
        "mithril.user.factor-changed.v1",
        {
            "user_id": user["id"],
            "factor_id": data["id"],
            "factor_type": "SMS",
            "change": "created",
        },
    )


async def test_a_number_may_be_set_up_later(api: Api) -> None:
    _, factor = await a_factor(api, factor=None)

    assert factor["factor"] is None


@pytest.mark.parametrize(
    ("form", "invalid"),
    [
        pytest.param({}, [unfit("type", "required", "can't be blank")], id="nothing"),
        pytest.param(
            {"type": "EMAIL", "factor": "doctor@clinic.test"},
            [
                unfit("type", "inclusion", "is invalid", ("SMS",)),
                unfit("factor", "format", "invalid phone", (r"^\+380[0-9]{9}$",)),
            ],
            id="another kind",
        ),
        pytest.param(
            {"type": 1, "factor": 2},
            [
                unfit("type", "inclusion", "is invalid", ("SMS",)),
                unfit("factor", "cast", "is invalid", ("string",)),
            ],
            id="wrong types",
        ),
    ],
)
async def test_unfit_fields_are_named(
    api: Api, form: dict[str, Any], invalid: list[dict[str, Any]]
) -> None:
    path = f"/users/{NOBODY}/authentication_factors"

    assert await refused(api, "POST", path, form) == validation(*invalid)


async def test_a_user_has_one_factor_of_a_kind(api: Api) -> None:
    user = await a_user(api)
    path = f"/users/{user['id']}/authentication_factors"

    answers = await asyncio.gather(
        *(ask(api, "POST", path, {"type": "SMS"}) for _ in range(2))
    )

    (late,) = ((status, body["error"]) for status, body in answers if status != 201)
    assert late == validation(unfit("type", None, "has already been taken"))
    assert len(await ids_of(api, path)) == 1


async def test_nobody_has_no_factors(api: Api) -> None:
    path = f"/users/{NOBODY}/authentication_factors"

    assert await refused(api, "GET", path) == NOT_FOUND
    assert await refused(api, "POST", path, {"type": "SMS"}) == NOT_FOUND
    assert await refused(api, "GET", "/users/1/authentication_factors") == MALFORMED


async def test_filters_choose_what_has_all_of_them(api: Api) -> None:
    path, factor = await a_factor(api)
    every = path.removesuffix(f"/{factor['id']}")
    await ask(api, "PATCH", f"{path}/actions/disable")

    assert await ids_of(api, every, type="SMS") == [factor["id"]]
    assert await ids_of(api, every, type="EMAIL") == []
    assert await ids_of(api, every, is_active="false") == [factor["id"]]
    assert await ids_of(api, every, type="SMS", is_active="true") == []
    answer = await refused(api, "GET", every, query={"is_active": "2"})
    assert answer == validation(unfit("is_active", "cast", "is invalid", ("boolean",)))


@pytest.mark.parametrize(
    ("action", "change", "told"),
    [
        ("reset", {"factor": None}, "reset"),
        ("disable", {"is_active": False}, "disabled"),
    ],
)
async def test_an_active_factor_is_reset_or_disabled(
    api: Api, action: str, change: dict[str, Any], told: str
) -> None:
    path, factor = await a_factor(api)
    api.clock.advance(timedelta(seconds=1))

    status, body = await ask(api, "PATCH", f"{path}/actions/{action}")

    now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert (status, body["data"]) == (200, {**factor, **change, "updated_at": now})
    kind, data = (await events_of(api))[-1]
    assert (kind, data["change"]) == ("mithril.user.factor-changed.v1", told)


async def test_a_disabled_factor_is_enabled(api: Api) -> None:
    path, factor = await a_factor(api)
    await ask(api, "PATCH", f"{path}/actions/disable")

    status, body = await ask(api, "PATCH", f"{path}/actions/enable")

    assert (status, body["data"]) == (200, factor)
    assert (await events_of(api))[-1][1]["change"] == "enabled"


async def test_what_is_so_already_is_a_conflict(api: Api) -> None:
    path, _ = await a_factor(api)

    enabled = await refused(api, "PATCH", f"{path}/actions/enable")
    await ask(api, "PATCH", f"{path}/actions/disable")
    disabled = await refused(api, "PATCH", f"{path}/actions/disable")
    reset = await refused(api, "PATCH", f"{path}/actions/reset")

    assert enabled == conflict("user authentication factor already enabled")
    assert disabled == conflict("user authentication factor already disabled")
    assert reset == NOT_FOUND


async def test_of_two_alike_at_once_one_is_done(api: Api) -> None:
    path, _ = await a_factor(api)

    answers = await asyncio.gather(
        *(ask(api, "PATCH", f"{path}/actions/disable") for _ in range(2))
    )

    assert sorted(status for status, _ in answers) == [200, 409]


@pytest.mark.parametrize("action", ["reset", "disable", "enable"])
async def test_another_users_factor_is_not_found(api: Api, action: str) -> None:
    path, factor = await a_factor(api)
    other = await a_user(api, "other@clinic.test")
    theirs = f"/users/{other['id']}/authentication_factors/{factor['id']}"
    nothing = path.replace(factor["id"], "1")

    assert await refused(api, "GET", theirs) == NOT_FOUND
    assert await refused(api, "PATCH", f"{theirs}/actions/{action}") == NOT_FOUND
    assert await refused(api, "PATCH", f"{nothing}/actions/{action}") == MALFORMED


class TestSentCodes:
    async def sent(self, api: Api, key: str, **but: Any) -> str:
        code: dict[str, Any] = {
            "id": api.deps.entropy.uuid(),
            "key": key,
            "code_digest": b"digest",
            "code_expired_at": api.clock.now() + timedelta(minutes=5),
            "status": "NEW",
            "inserted_at": api.clock.now(),
            **but,
        }
        async with api.deps.db.begin() as conn:
            await conn.execute(tables.one_time_codes.insert().values(code))
        return str(code["id"])

    async def test_a_code_is_listed_without_the_code(self, api: Api) -> None:
        code_id = await self.sent(api, "token===+380901234533")

        status, body = await ask(api, "GET", "/otps")

        moment = "%Y-%m-%dT%H:%M:%S.%f"
        expired_at = api.clock.now() + timedelta(minutes=5)
        assert (status, body["data"]) == (
            200,
            [
                {
                    "id": code_id,
                    "key": "token===+38090*****33",
                    "code_expired_at": expired_at.strftime(moment),
                    "status": "NEW",
                    "active": True,
                    "attempts_count": 0,
                    "inserted_at": api.clock.now().strftime(moment),
                }
            ],
        )
        assert body["paging"]["total_entries"] == 1

    async def test_filters_choose_what_has_all_of_them(self, api: Api) -> None:
        fresh = await self.sent(api, "Doctor@clinic.test===+380901234533")
        api.clock.advance(timedelta(seconds=1))
        old = await self.sent(api, "100%===x", status="EXPIRED", active=False)

        assert await ids_of(api, "/otps") == [fresh, old]
        assert await ids_of(api, "/otps", key="doctor@") == [fresh]
        assert await ids_of(api, "/otps", key="0%=") == [old]
        assert await ids_of(api, "/otps", key="_") == []
        assert await ids_of(api, "/otps", status="EXPIRED") == [old]
        assert await ids_of(api, "/otps", active="true") == [fresh]
        assert await ids_of(api, "/otps", status="NEW", active="false") == []
