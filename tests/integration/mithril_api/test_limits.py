"""Limits on what anybody may try: exact under any crowd, told by 429 (issue 4, item 5)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from services.mithril_api.actions.take_turn import TurnAsked, take_turn
from services.mithril_api.domain.limits import (
    Exceeded,
    Holder,
    Limit,
    Purpose,
    after,
    wait,
)
from services.mithril_api.settings import Settings
from services.mithril_api.store import limits
from services.mithril_api.store.limits import Share
from shared.models.schema import mithril as tables
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import a_clinic, log_in
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api, settings_for
from tests.integration.mithril_api.town import a_town, an_api, count

TOO_MANY = {"type": "too_many_requests", "message": "Too many requests. Try again later"}
NOTHING: dict[str, str] = {}
OURS = {"X-Service-Authorization": f"Bearer {SERVICE_TOKEN}"}


async def attempt(api: Api, world: World, **headers: str) -> tuple[int, str | None, Any]:
    """A sign-in: its status, `Retry-After` and error."""
    token = {
        "grant_type": "password",
        "email": world.email,
        "password": world.password,
        "client_id": str(world.client_id),
        "scope": "app:authorize",
    }
    response = await api.public.post("/auth/login", json={"token": token}, headers=headers)
    body = await response.json()
    return response.status, response.headers.get("Retry-After"), body.get("error")


def forwarded(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def test_a_thousand_at_once_never_pass_more_than_the_limit(api: Api) -> None:
    asked = TurnAsked(purpose=Purpose.LOGIN, address="192.0.2.7", user="doctor@x.test")

    other = TurnAsked(purpose=Purpose.LOGIN, address="192.0.2.8")
    await asyncio.gather(*(take_turn(api.deps, other) for _ in range(2)))  # connects

    outcomes = await asyncio.gather(*(take_turn(api.deps, asked) for _ in range(1000)))

    assert outcomes.count(None) == 60
    assert {type(outcome) for outcome in outcomes} == {type(None), Exceeded}


@pytest.mark.parametrize(
    ("but", "holder"),
    [
        ({"limit_login_address": Limit(7, 60)}, Holder.ADDRESS),
        ({"limit_login_client": Limit(7, 60)}, Holder.CLIENT),
        ({"limit_login_user": Limit(7, 60)}, Holder.USER),
    ],
)
async def test_each_holder_has_a_limit_of_its_own(
    mithril_database: str, clock: SteppingClock, but: dict[str, Any], holder: Holder
) -> None:
    asked = TurnAsked(purpose=Purpose.LOGIN, address="a", client="c", user="u")
    async with an_api(mithril_database, clock, **but) as api:
        outcomes = await asyncio.gather(*(take_turn(api.deps, asked) for _ in range(50)))

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 43
    assert {outcome.holder for outcome in refused} == {holder}


async def test_who_is_turned_away_uses_up_nothing_of_those_behind(
    mithril_database: str, clock: SteppingClock
) -> None:
    flood = TurnAsked(purpose=Purpose.LOGIN, address="flood", client="c", user="u")
    victim = TurnAsked(purpose=Purpose.LOGIN, address="home", client="c", user="u")
    but = {"limit_login_address": Limit(2, 60), "limit_login_user": Limit(3, 60)}
    async with an_api(mithril_database, clock, **but) as api:
        await asyncio.gather(*(take_turn(api.deps, flood) for _ in range(50)))
        first, second = [await take_turn(api.deps, victim) for _ in range(2)]

    assert first is None  # the flood used up two of three, not fifty
    assert second is not None
    assert second.holder is Holder.USER


@given(
    st.integers(1, 5),
    st.integers(1, 20),
    st.lists(st.integers(0, 30_000), min_size=1, max_size=25),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_statement_says_what_the_rule_says(
    rule_runner: "Runner", count: int, seconds: int, pauses: list[int]
) -> None:
    by_rule, by_statement = rule_runner.run(Limit(count, seconds), pauses)

    assert by_statement == by_rule


class Runner:
    """Runs a sequence of requests through the rule and through the statement."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._runs = 0

    def run(self, limit: Limit, pauses: Sequence[int]) -> tuple[list[bool], list[bool]]:
        self._runs += 1
        key = f"run {self._runs}".encode()
        return asyncio.run(self._run(Share(key, limit), pauses))

    async def _run(
        self, share: Share, pauses: Sequence[int]
    ) -> tuple[list[bool], list[bool]]:
        clock = SteppingClock()
        by_rule, by_statement, moment = [], [], None
        async with an_api(self._url, clock) as api, api.deps.db.read() as conn:
            for pause in pauses:
                now = clock.now()
                by_rule.append(not wait(moment, share.limit, now=now))
                if by_rule[-1]:
                    moment = after(moment, share.limit, now=now)
                turned = await limits.take_turn(conn, {Holder.USER: share}, now=now)
                by_statement.append(turned is None)
                clock.advance(timedelta(milliseconds=pause))
        return by_rule, by_statement


@pytest.fixture
def rule_runner(mithril_database: str) -> Runner:
    return Runner(mithril_database)


async def test_a_sign_in_too_many_is_answered_429_and_passes_when_told_to(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with an_api(mithril_database, clock, limit_login_user=Limit(2, 60)) as api:
        world = await a_clinic(api.deps)
        statuses = [(await attempt(api, world))[0] for _ in range(2)]
        refused = await attempt(api, world)
        clock.advance(timedelta(seconds=29))
        early = await attempt(api, world)
        clock.advance(timedelta(seconds=1))
        in_time = await attempt(api, world)

    assert statuses == [201, 201]
    assert refused == (429, "30", TOO_MANY)
    assert early == (429, "1", TOO_MANY)
    assert in_time[0] == 201


async def test_an_unknown_user_is_limited_alike(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with an_api(mithril_database, clock, limit_login_user=Limit(1, 60)) as api:
        world = await a_clinic(api.deps)
        asked = [
            await log_in(api, world, email=email)
            for email in ("nobody@x.test", "NOBODY@x.test")
        ]

    assert [status for status, _ in asked] == [401, 429]


async def test_a_limit_that_is_off_lets_all_pass(
    mithril_database: str, clock: SteppingClock
) -> None:
    off = {"limit_login_address": None, "limit_login_client": None}
    async with an_api(mithril_database, clock, limit_login_user=None, **off) as api:
        world = await a_clinic(api.deps)
        statuses = {(await attempt(api, world))[0] for _ in range(70)}
        rows = await count(api.deps, tables.rate_limits)

    assert (statuses, rows) == ({201}, 0)


class TestTheAddress:
    """Whose address counts."""

    async def statuses(
        self, url: str, clock: SteppingClock, *headers: dict[str, str], **but: Any
    ) -> list[int]:
        async with an_api(url, clock, limit_login_address=Limit(1, 60), **but) as api:
            world = await a_clinic(api.deps)
            return [(await attempt(api, world, **each))[0] for each in headers]

    async def test_what_anybody_says_is_not_believed(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        wrong = {"X-Service-Authorization": "Bearer guess"}
        asked = (forwarded("192.0.2.1"), forwarded("192.0.2.2") | wrong)

        assert await self.statuses(mithril_database, clock, *asked) == [201, 429]

    async def test_one_of_ours_says_for_whom_it_asks(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        asked = (
            forwarded("192.0.2.1") | OURS,
            forwarded("192.0.2.2") | OURS,
            forwarded("192.0.2.1") | OURS,
        )

        assert await self.statuses(mithril_database, clock, *asked) == [201, 201, 429]

    async def test_only_the_last_hop_counts(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        asked = (
            forwarded("198.51.100.1, 192.0.2.1") | OURS,
            forwarded("198.51.100.2, 192.0.2.1") | OURS,
        )

        assert await self.statuses(mithril_database, clock, *asked) == [201, 429]

    async def test_a_network_of_ipv6_is_one(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        asked = (
            forwarded("2001:db8::1") | OURS,
            forwarded("2001:db8::ffff:1") | OURS,
            forwarded("2001:db8:0:1::1") | OURS,
        )

        assert await self.statuses(mithril_database, clock, *asked) == [201, 429, 201]

    async def test_a_proxy_of_the_settings_is_believed(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        asked = (forwarded("192.0.2.1"), forwarded("192.0.2.2"), NOTHING)
        but = {"trusted_proxies": ("127.0.0.0/8",)}

        found = await self.statuses(mithril_database, clock, *asked, **but)

        assert found == [201, 201, 201]

    async def test_nonsense_counts_as_the_one_who_says_it(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        asked = (forwarded("nonsense") | OURS, NOTHING)

        assert await self.statuses(mithril_database, clock, *asked) == [201, 429]


@pytest.mark.parametrize(
    ("method", "path", "body", "but"),
    [
        pytest.param(
            "POST",
            "/oauth/nonce",
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
            {"limit_nonce_address": Limit(1, 60)},
            id="nonces",
        ),
        pytest.param(
            "POST",
            "/oauth/nonce",
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
            {"limit_nonce_client": Limit(1, 60)},
            id="nonces of a client",
        ),
        pytest.param(
            "POST",
            "/api/credentials_recovery_requests",
            {"email": "nobody@x.test"},
            {"limit_recovery_user": Limit(1, 60)},
            id="recovery",
        ),
        pytest.param(
            "POST",
            "/api/credentials_recovery_requests",
            {"email": "nobody@x.test"},
            {"limit_recovery_address": Limit(1, 60)},
            id="recovery by address",
        ),
        pytest.param(
            "PATCH",
            "/api/credentials_recovery_requests/guess/actions/reset_password",
            {"user": {"password": "Another-Horse-10"}},
            {"limit_recovery_address": Limit(1, 60)},
            id="guessed links",
        ),
        pytest.param(
            "POST",
            "/auth/login",
            {
                "token": {
                    "grant_type": "digital_signature",
                    "signed_content": "e30=",
                    "signed_content_encoding": "base64",
                    "client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa",
                    "scope": "app:authorize",
                }
            },
            {"limit_login_address": Limit(1, 60)},
            id="digital signatures",
        ),
        pytest.param(
            "POST",
            "/auth/login",
            {"token": {"grant_type": "authorize_2fa_access_token", "otp": 123456}},
            {"limit_code_user": Limit(1, 60)},
            id="codes",
        ),
        pytest.param(
            "POST",
            "/auth/login",
            {"token": {"grant_type": "refresh_2fa_access_token"}},
            {"limit_code_address": Limit(1, 60)},
            id="codes sent again",
        ),
    ],
)
async def test_everything_that_can_be_guessed_or_flooded_is_limited(
    *,
    mithril_database: str,
    clock: SteppingClock,
    method: str,
    path: str,
    body: Any,
    but: dict[str, Any],
) -> None:
    headers = {"Authorization": "Bearer guess"}
    async with a_town(mithril_database, clock, **but) as town:
        first = await town.public.request(method, path, json=body, headers=headers)
        second = await town.public.request(method, path, json=body, headers=headers)
        error = (await second.json())["error"]

    assert first.status != 429
    assert second.status == 429
    assert int(second.headers["Retry-After"]) == 60
    assert error == TOO_MANY


async def test_the_table_tells_nobodys_name(api: Api) -> None:
    world = await a_clinic(api.deps)
    await attempt(api, world)

    async with api.deps.db.read() as conn:
        query = select(tables.rate_limits.c.key)
        keys = list((await conn.execute(query)).scalars())

    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
    assert world.email.encode() not in b"".join(keys)


async def test_a_refusal_is_counted_by_purpose_and_holder(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with an_api(mithril_database, clock, limit_login_user=Limit(1, 60)) as api:
        world = await a_clinic(api.deps)
        for _ in range(3):
            await attempt(api, world)
        labels = {"purpose": "login", "holder": "user"}
        counted = api.built.registry.get_sample_value("mithril_limited_total", labels)

    assert counted == 2


@pytest.mark.parametrize(
    "but",
    [
        {"MITHRIL_LIMIT_LOGIN_USER": "many"},
        {"MITHRIL_LIMIT_NONCE_CLIENT": "0/60"},
        {"MITHRIL_TRUSTED_PROXIES": "10.0.0.1/8"},
        {"JWT_SECRET": "short"},
        {"MITHRIL_AUTH_WEB_URL": "auth.test"},
    ],
)
def test_settings_that_make_no_sense_are_refused(but: dict[str, str]) -> None:
    given = {
        "DATABASE_URL": "postgresql://none",
        "MITHRIL_SECRET_KEYS": "key-for-tests-0123456789",
        "KAFKA_BOOTSTRAP_SERVERS": "none:1",
    }

    with pytest.raises(ValidationError):
        Settings.model_validate(given | but)


def test_a_limit_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MITHRIL_LIMIT_LOGIN_USER", "7/8")
    monkeypatch.setenv("MITHRIL_LIMIT_LOGIN_CLIENT", "off")

    made = settings_for("postgresql://none")

    assert made.limit_of(Purpose.LOGIN, Holder.USER) == Limit(7, 8)
    assert made.limit_of(Purpose.LOGIN, Holder.CLIENT) is None
    assert made.limit_of(Purpose.CODE, Holder.CLIENT) is None
