"""A new password by a link in a mail: once, for 25 minutes, told to nobody else."""

import asyncio
import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from services.mithril_api.actions.deliver_mail import Delivery, deliver_mail
from services.mithril_api.actions.reset_password import reset_password
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import users
from services.mithril_api.store.users import User
from shared.models.schema import mithril as tables
from shared.peers.mailer import Mailer
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.administering import ask, unfit, validation
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    entry,
    events_of,
    execute,
    live_tokens,
    log_in,
    required,
)
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import Town, a_town, count
from tests.races import until_waiting

PATH = "/api/credentials_recovery_requests"
NEW = "Another-Horse-10"
GONE = (404, {"type": "not_found"})
_LINK = re.compile(r"(\S+/reset/)([A-Za-z0-9]{32})(\?\S*)?")


class KilledError(Exception):
    """The process ends here."""


class Dying(Mailer):
    """Hands a message over, and is no more."""

    async def send(self, *, to: str, subject: str, body: str) -> None:
        await Mailer.send(self, to=to, subject=subject, body=body)
        raise KilledError


async def request(api: Api, email: str, **but: Any) -> Answered:
    response = await api.public.post(PATH, json={"email": email, **but})
    return response.status, await response.json()


async def reset(api: Api, value: str, password: Any = NEW) -> Answered:
    user = {} if password is ... else {"password": password}
    path = f"{PATH}/{value}/actions/reset_password"
    response = await api.public.patch(path, json={"user": user})
    return response.status, await response.json()


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body["error"]


async def deliver(town: Town) -> Delivery:
    """What the postman does next."""
    assert town.deps.mailer is not None
    return await deliver_mail(town.deps, town.deps.mailer)


async def deliver_all(town: Town) -> list[Delivery]:
    """What the postman does until nothing is due."""
    done: list[Delivery] = []
    while (outcome := await deliver(town)) is not Delivery.NOTHING_DUE:
        done.append(outcome)
    return done


def link_in(town: Town) -> tuple[str, str, str]:
    """The page, the value and the query of the link in the newest letter."""
    found = _LINK.search(town.letters()[-1][1])
    assert found is not None
    return found[1], found[2], found[3] or ""


async def a_link(town: Town, **but: Any) -> tuple[World, str]:
    """Somebody who asked for a link, and its value."""
    world = await a_clinic(town.deps)
    status, _ = await request(town, world.email, **but)
    assert status == 201
    assert await deliver_all(town) == [Delivery.SENT]
    return world, link_in(town)[1]


class TestAsking:
    """Asking for the link."""

    async def test_the_link_comes_by_mail(self, town: Town) -> None:
        world = await a_clinic(town.deps)

        status, body = await request(town, world.email.upper())
        await deliver_all(town)

        assert (status, body["data"]) == (201, {})
        assert [to for to, _ in town.letters()] == [world.email]
        page, value, query = link_in(town)
        assert (page, query) == ("http://localhost:8085/reset/", "")
        assert await events_of(town) == [
            (
                "mithril.user.recovery-started.v1",
                {
                    "user_id": str(world.user_id),
                    "recovery_id": (await events_of(town))[0][1]["recovery_id"],
                },
            )
        ]
        assert value not in str(await events_of(town))

    async def test_an_unknown_address_is_answered_alike_and_asks_the_database_the_same(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        asked: list[str] = []

        @event.listens_for(town.deps.db.engine.sync_engine, "before_cursor_execute")
        def heard(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        known = await request(town, world.email)
        of_known, asked[:] = list(asked), []
        unknown = await request(town, "nobody@clinic.test")

        assert (known[0], known[1]["data"]) == (unknown[0], unknown[1]["data"]) == (201, {})
        assert of_known == asked != []

    async def test_nothing_is_sent_to_an_address_that_is_nobodys(self, town: Town) -> None:
        await request(town, "nobody@clinic.test")

        assert await deliver_all(town) == [Delivery.DROPPED]
        assert (town.letters(), await count(town.deps, tables.mails)) == ([], 0)

    async def test_nor_to_somebody_blocked(self, town: Town) -> None:
        world = await a_clinic(town.deps)
        await execute(town, update(tables.users).values(is_blocked=True))
        await request(town, world.email)

        assert await deliver_all(town) == [Delivery.DROPPED]
        assert await count(town.deps, tables.password_recoveries) == 0

    async def test_the_link_leads_back_to_where_one_was_going(self, town: Town) -> None:
        world = await a_clinic(town.deps)
        goal = {"client_id": str(world.client_id), "redirect_uri": world.redirect_uri}
        await request(town, world.email, **goal)
        await deliver_all(town)

        assert link_in(town)[2] == (
            f"?client_id={world.client_id}&redirect_uri=https%3A%2F%2Fclinic.test%2Fcallback"
        )

    @pytest.mark.parametrize(
        "but",
        [
            {"redirect_uri": "https://evil.test/"},
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
            {"redirect_uri": ""},
        ],
    )
    async def test_but_not_to_where_nobody_registered(
        self, town: Town, but: dict[str, str]
    ) -> None:
        world = await a_clinic(town.deps)
        goal = {"client_id": str(world.client_id), "redirect_uri": world.redirect_uri}
        await request(town, world.email, **(goal | but))
        await deliver_all(town)

        assert link_in(town)[2] == ""

    @pytest.mark.parametrize(
        ("body", "invalid"),
        [
            ({}, required("email")),
            ({"email": "  "}, required("email")),
            (
                {"email": "nonsense"},
                [
                    entry(
                        "email",
                        {
                            "rule": "email",
                            "params": [],
                            "description": "is not a valid email",
                        },
                    )
                ],
            ),
            (
                {"email": "a@x.test", "client_id": "7"},
                [
                    entry(
                        "client_id",
                        {"rule": "cast", "params": ["uuid"], "description": "is invalid"},
                    )
                ],
            ),
        ],
    )
    async def test_what_cannot_be_taken_is_named(
        self, town: Town, body: Any, invalid: Any
    ) -> None:
        response = await town.public.post(PATH, json=body)

        assert response.status == 422
        assert (await response.json())["error"]["invalid"] == invalid

    async def test_without_a_mail_server_there_is_no_recovery(self, api: Api) -> None:
        world = await a_clinic(api.deps)

        assert refused(await request(api, world.email)) == (
            403,
            {"type": "forbidden", "message": "Password recovery is not available."},
        )
        assert await count(api.deps, tables.mails) == 0


class TestResetting:
    """Setting the password by the link."""

    async def test_a_new_password_is_set_and_the_user_is_answered_and_told(
        self, town: Town
    ) -> None:
        world, value = await a_link(town)

        status, body = await reset(town, value)
        told = await deliver_all(town)

        assert (status, body["data"]["id"]) == (200, str(world.user_id))
        assert (await log_in(town, world))[0] == 401
        assert (await log_in(town, world, password=NEW))[0] == 201
        assert told == [Delivery.SENT]
        to, letter = town.letters()[-1]
        assert (to, "Your password was changed" in letter) == (world.email, True)

    async def test_every_session_and_refresh_token_ends(self, town: Town) -> None:
        world, value = await a_link(town)
        await a_session(town, world, scope="app:authorize")
        assert await live_tokens(town, world.user_id) != []

        await reset(town, value)

        assert await live_tokens(town, world.user_id) == []
        kinds = [kind for kind, _ in await events_of(town)]
        assert kinds == [
            "mithril.user.recovery-started.v1",
            "mithril.user.password-changed.v1",
            "mithril.token.revoked.v1",
        ]

    async def test_whoever_was_locked_out_by_wrong_guesses_may_sign_in(
        self, town: Town
    ) -> None:
        world, value = await a_link(town)
        for _ in range(10):
            await log_in(town, world, password="wrong")

        await reset(town, value)

        assert (await log_in(town, world, password=NEW))[0] == 201

    async def test_a_link_serves_once(self, town: Town) -> None:
        _, value = await a_link(town)
        await reset(town, value)

        assert refused(await reset(town, value, "Third-Horse-1234")) == GONE

    async def test_of_two_tabs_at_once_one_sets_the_password(self, town: Town) -> None:
        world, value = await a_link(town)
        async with town.deps.db.begin() as conn:
            await users.hold(conn, world.user_id)
            tabs = [
                asyncio.create_task(reset_password(town.deps, value=value, password=new))
                for new in (NEW, "Third-Horse-1234")
            ]
            await until_waiting(town.deps, 2)
        outcomes = await asyncio.gather(*tabs)

        assert [type(outcome) for outcome in outcomes].count(User) == 1
        assert outcomes.count(Refused(Reason.NOT_FOUND)) == 1
        changed = [kind for kind, _ in await events_of(town) if "password" in kind]
        assert len(changed) == 1

    async def test_a_link_ends_on_the_dot(self, town: Town) -> None:
        _, value = await a_link(town)

        town.clock.advance(timedelta(minutes=25))

        assert refused(await reset(town, value)) == GONE

    async def test_until_then_it_works(self, town: Town) -> None:
        _, value = await a_link(town)

        town.clock.advance(timedelta(minutes=24, seconds=59))

        assert (await reset(town, value))[0] == 200

    @pytest.mark.parametrize("value", ["guess", "A" * 32, "%00", "é", "A" * 2000])
    async def test_an_invented_link_is_not_found(self, town: Town, value: str) -> None:
        assert (await reset(town, value))[0] in {404, 400}

    async def test_a_password_that_breaks_a_rule_does_not_spend_the_link(
        self, town: Town
    ) -> None:
        world, value = await a_link(town)

        short = refused(await reset(town, value, "Aa1"))
        used = refused(await reset(town, value, world.password))
        missing = refused(await reset(town, value, ...))
        fine, _ = await reset(town, value)

        length = unfit("password", "length", "should be at least 12 character(s)")
        length["rules"][0]["params"] = {"min": 12}
        text = "This password has been used recently. Try another one"
        assert short == validation(length)
        assert used == validation(unfit("password", "password_used", text))
        assert (missing[0], missing[1]["invalid"]) == (422, required("password"))
        assert fine == 200

    async def test_a_user_blocked_meanwhile_stays_out(self, town: Town) -> None:
        _, value = await a_link(town)
        await execute(town, update(tables.users).values(is_blocked=True))

        assert refused(await reset(town, value)) == (
            401,
            {"type": "user_blocked", "message": "User blocked."},
        )

    async def test_another_change_of_password_takes_the_links_away(
        self, town: Town
    ) -> None:
        world, value = await a_link(town)
        await ask(town, "PATCH", f"/users/{world.user_id}", {"user": {"password": NEW}})

        assert refused(await reset(town, value, "Third-Horse-1234")) == GONE

    async def test_an_earlier_link_still_works_until_one_is_used(self, town: Town) -> None:
        world, first = await a_link(town)
        await request(town, world.email)
        await deliver_all(town)
        second = link_in(town)[1]

        assert first != second
        assert (await reset(town, first))[0] == 200
        assert refused(await reset(town, second, "Third-Horse-1234")) == GONE

    async def test_the_database_cannot_say_the_link(self, town: Town) -> None:
        _, value = await a_link(town)
        await request(town, "nobody@clinic.test")

        async with town.deps.db.read() as conn:
            kept = [
                str((await conn.execute(select(table))).all())
                for table in (tables.password_recoveries, tables.mails, tables.outbox)
            ]

        assert value not in " ".join(kept)

    async def test_a_link_outlives_a_rotation_of_the_keys(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        old, new = "key-for-tests-0123456789", "the-next-key-0123456789"
        async with a_town(mithril_database, clock, secret_keys=(old,)) as town:
            _, value = await a_link(town)
        async with a_town(mithril_database, clock, secret_keys=(new,)) as town:
            assert (await reset(town, value))[0] == 200


class TestTheMailServer:
    """Mails on bad days: what was accepted is sent, whenever that is."""

    async def test_while_it_is_away_requests_are_taken_and_mails_follow(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        await town.fault("smtp", status=451)

        status, _ = await request(town, world.email)
        away = await deliver_all(town)
        town.clock.advance(timedelta(hours=2))
        still_away = await deliver_all(town)
        await town.fault("smtp")
        town.clock.advance(timedelta(hours=2))
        back = await deliver_all(town)

        assert (status, away, still_away) == (201, [Delivery.FAILED], [Delivery.FAILED])
        assert back == [Delivery.SENT]
        assert (await reset(town, link_in(town)[1]))[0] == 200

    async def test_a_link_lives_from_when_it_is_sent(self, town: Town) -> None:
        world = await a_clinic(town.deps)
        await town.fault("smtp", status=451)
        await request(town, world.email)
        await deliver_all(town)
        await town.fault("smtp")
        town.clock.advance(timedelta(hours=1))
        await deliver_all(town)

        town.clock.advance(timedelta(minutes=24))

        assert (await reset(town, link_in(town)[1]))[0] == 200

    async def test_after_a_day_it_is_given_up(self, town: Town) -> None:
        world = await a_clinic(town.deps)
        await town.fault("smtp", status=550)
        await request(town, world.email)
        await deliver_all(town)

        town.clock.advance(timedelta(days=1))

        assert await deliver_all(town) == [Delivery.DROPPED]
        assert await count(town.deps, tables.mails) == 0

    async def test_a_change_of_password_meanwhile_takes_the_mail_away(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        await town.fault("smtp", status=451)
        await request(town, world.email)
        await deliver_all(town)
        await ask(town, "PATCH", f"/users/{world.user_id}", {"user": {"password": NEW}})
        await town.fault("smtp")
        town.clock.advance(timedelta(hours=1))

        outcomes = await deliver_all(town)

        assert sorted(outcome.name for outcome in outcomes) == ["DROPPED", "SENT"]
        assert "/reset/" not in str(town.letters())

    async def test_a_postman_who_died_at_the_door_is_followed_by_another(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        await request(town, world.email)
        await town.fault("smtp", delay=60)
        dying = asyncio.create_task(deliver(town))
        async with asyncio.timeout(10):
            while await count(town.deps, tables.password_recoveries) == 0:
                await asyncio.sleep(0.005)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await town.fault("smtp")

        meanwhile = await deliver_all(town)
        town.clock.advance(timedelta(minutes=1))
        later = await deliver_all(town)

        assert (meanwhile, later) == ([], [Delivery.SENT])
        assert (await reset(town, link_in(town)[1]))[0] == 200

    async def test_a_postman_who_died_after_handing_over_is_followed_by_another(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        await request(town, world.email)
        assert town.deps.mailer is not None
        parts = fields(town.deps.mailer)
        dying = Dying(**{part.name: getattr(town.deps.mailer, part.name) for part in parts})

        with pytest.raises(KilledError):
            await deliver_mail(town.deps, dying)
        town.clock.advance(timedelta(minutes=1))
        later = await deliver_all(town)

        first, second = (letter for _, letter in town.letters())
        assert (later, first) == ([Delivery.SENT], second)  # twice rather than never

    async def test_of_many_postmen_one_takes_a_mail(self, town: Town) -> None:
        world = await a_clinic(town.deps)
        await request(town, world.email)

        outcomes = await asyncio.gather(*(deliver(town) for _ in range(8)))

        assert outcomes.count(Delivery.SENT) == 1
        assert len(town.letters()) == 1

    async def test_the_postman_sends_what_others_left_and_ends_when_told(
        self, town: Town
    ) -> None:
        world = await a_clinic(town.deps)
        await request(town, world.email)
        stop = asyncio.Event()
        postman = asyncio.create_task(town.built.postman.run(stop))

        async with asyncio.timeout(10):
            while await count(town.deps, tables.mails) > 0:
                await asyncio.sleep(0.005)
            await request(town, world.email)  # wakes it
            while await count(town.deps, tables.mails) > 0:
                await asyncio.sleep(0.005)
        stop.set()
        await postman

        assert len(town.letters()) == 2

    async def test_without_a_mail_server_the_postman_rests(self, api: Api) -> None:
        stop = asyncio.Event()
        postman = asyncio.create_task(api.built.postman.run(stop))
        stop.set()

        await postman

    async def test_what_becomes_of_mails_is_counted(self, town: Town) -> None:
        await request(town, "nobody@clinic.test")
        await deliver_all(town)

        labels = {"kind": "recovery", "outcome": "dropped"}
        assert town.built.registry.get_sample_value("mithril_mails_total", labels) == 1
