"""Families of refresh tokens against a model: whatever happens, in whatever order (D3).

Three clients refresh, lose answers, repeat themselves, crash in the middle, are stolen from,
and revoke, over a real database. Where two things happen at once, which waits for which is
forced by a lock and seen in the database.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text

from services.mithril_api.app import build
from services.mithril_api.store import tokens
from shared.models.schema.mithril import tokens as t
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.fakes import SteppingClock
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    Answered,
    by_id,
    by_post,
    post,
    refresh,
)
from tests.races import until_waiting

GRACE = timedelta(seconds=30)
IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=90)
CLIENTS = st.integers(0, 2)


@dataclass
class Generation:
    """A refresh token, as the model knows it."""

    value: str = field(repr=False)
    ends: datetime
    spent: datetime | None = None
    successor: "Generation | None" = None


@dataclass
class Family:
    """What grew from one sign-in: who holds what, and whether it should still go on."""

    started: datetime
    held: Generation  # by the honest client
    stolen: Generation | None = None  # by a thief
    ended: bool = False  # revoked, by the client or because of a theft
    thief_acted: bool = False

    def judge(self, shown: Generation, now: datetime) -> str:
        """What showing a token should lead to: `new`, `again`, `theft`, or `no`."""
        if self.ended or shown.ends <= now:
            return "no"
        if shown.spent is None:
            return "new"
        heir = shown.successor
        alive = heir is not None and heir.spent is None and heir.ends > now
        return "again" if alive and now - shown.spent <= GRACE else "theft"


class Refreshes(RuleBasedStateMachine):
    """The clients, beside the model."""

    def __init__(self, runner: asyncio.Runner, api: Api) -> None:
        super().__init__()
        self.runner = runner
        self.api = api
        self.worlds: list[World] = []
        self.families: list[Family] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @property
    def now(self) -> datetime:
        return self.api.clock.now()

    @initialize()
    def clients_whose_users_signed_in(self) -> None:
        secretless = {"token_quota": "off", **SECRETLESS}
        kinds = [{"token_quota": "off"}, {"refresh_token_policy": "rotate"}, secretless]
        for kind in kinds:
            world = self.run(a_world(self.api.deps, client_settings=kind))
            self.worlds.append(world)
            first = Generation(world.refresh.value, self.now + timedelta(days=7))
            self.families.append(Family(started=self.now, held=first))

    @rule(client=CLIENTS)
    def a_client_refreshes(self, client: int) -> None:
        family = self.families[client]
        family.held = self.shown(client, family.held) or family.held

    @rule(client=CLIENTS)
    def an_answer_is_lost(self, client: int) -> None:
        """The server did it; the client does not know, and will repeat itself."""
        self.shown(client, self.families[client].held)

    @rule(client=CLIENTS)
    def a_token_is_stolen(self, client: int) -> None:
        self.families[client].stolen = self.families[client].held

    @rule(client=CLIENTS)
    @precondition(lambda self: any(family.stolen for family in self.families))
    def a_thief_refreshes(self, client: int) -> None:
        family = self.families[client]
        if family.stolen is not None:
            family.thief_acted = True
            family.stolen = self.shown(client, family.stolen) or family.stolen

    @rule(client=CLIENTS)
    def a_client_revokes(self, client: int) -> None:
        family = self.families[client]
        form = {"token": family.held.value, **self.credentials(client)}
        answer = self.run(post(self.api, "/oauth2/revoke", form))
        assert answer.status == 200
        family.ended = True  # though the token that was shown may have expired

    @rule(client=CLIENTS)
    def a_user_signs_in_again(self, client: int) -> None:
        """A new family; what was before goes on or not, and is forgotten by the model."""
        world = self.worlds[client]
        minted = a_token(self.api.deps, TokenName.REFRESH, world.user_id, world.client_id)
        self.run(store(self.api.deps, minted))
        first = Generation(minted.value, minted.token.expires_at)
        self.families[client] = Family(started=self.now, held=first)

    @rule(seconds=st.sampled_from([1, 29, 30, 31]))
    def seconds_pass(self, seconds: int) -> None:
        self.api.clock.advance(timedelta(seconds=seconds))

    @rule(days=st.integers(3, 8))
    def days_pass(self, days: int) -> None:
        self.api.clock.advance(timedelta(days=days))

    @rule(client=CLIENTS, many=st.integers(2, 6))
    def a_client_shows_one_token_many_times_at_once(self, client: int, many: int) -> None:
        """All of them wait for the row at the same time."""
        family = self.families[client]
        verdict = family.judge(family.held, self.now)
        if verdict != "new":
            return
        answers = self.run(self.at_once(client, family.held.value, many))
        assert {answer.status for answer in answers} == {200}
        (value,) = {answer.body["refresh_token"] for answer in answers}
        family.held = self.spent(family, family.held, value)

    @rule(client=CLIENTS)
    def a_server_crashes_in_the_middle_of_a_refresh(self, client: int) -> None:
        """Its connection dies while it waits; the client is told to try again, and can."""
        family = self.families[client]
        if family.judge(family.held, self.now) != "new":
            return
        answer = self.run(self.cut_off(client, family.held.value))
        assert answer.refusal == (503, "temporarily_unavailable")
        self.a_client_refreshes(client)

    @rule(client=CLIENTS)
    def a_client_revokes_while_it_refreshes(self, client: int) -> None:
        """Whichever comes first, nothing of the family is left."""
        family = self.families[client]
        if family.judge(family.held, self.now) != "new":
            return
        answer = self.run(self.revoked_under_way(client, family.held.value))
        assert answer.status == 200
        family.ended = True

    @rule(client=CLIENTS)
    def a_victim_and_a_thief_refresh_at_once(self, client: int) -> None:
        """With one token they are one client, until one of them moves on."""
        family = self.families[client]
        family.stolen = family.held
        if family.judge(family.held, self.now) != "new":
            return
        family.thief_acted = True
        answers = self.run(self.at_once(client, family.held.value, 2))
        (value,) = {answer.body["refresh_token"] for answer in answers}
        family.held = family.stolen = self.spent(family, family.held, value)

    @invariant()
    def at_most_one_generation_of_a_family_is_live(self) -> None:
        for client, family in enumerate(self.families):
            live = self.run(self.live(client, family))
            assert len(live) <= (0 if family.ended else 1)

    def shown(self, client: int, shown: Generation) -> Generation | None:
        """Show a token, and hold the answer against the model: the successor, if any."""
        family = self.families[client]
        verdict = family.judge(shown, self.now)
        answer: Answered = self.run(self.asked(client, shown.value))
        if verdict in {"no", "theft"}:
            assert answer.refusal == (400, "invalid_grant")
            self.must_be_excused(family, shown, verdict)
            family.ended = family.ended or verdict == "theft"
            return None
        assert answer.status == 200, answer.body
        value = answer.body["refresh_token"]
        if verdict == "again":
            assert shown.successor is not None
            assert value == shown.successor.value
            return shown.successor
        return self.spent(family, shown, value)

    def must_be_excused(self, family: Family, shown: Generation, verdict: str) -> None:
        """Nobody honest is logged out: a thief was there, or it came back far too late."""
        if verdict == "theft" and not family.thief_acted:
            assert shown.spent is not None
            assert self.now - shown.spent > GRACE
        if verdict == "no" and not family.ended:
            assert shown.ends <= self.now

    def spent(self, family: Family, shown: Generation, value: str) -> Generation:
        """The next generation."""
        assert value != shown.value
        ends = min(self.now + IDLE, family.started + ABSOLUTE)
        shown.spent = self.now
        shown.successor = Generation(value, ends)
        return shown.successor

    def credentials(self, client: int) -> dict[str, str]:
        world = self.worlds[client]
        return by_id(world) if client == 2 else by_post(world)

    async def asked(self, client: int, value: str) -> Answered:
        secret: dict[str, Any] = {"client_secret": ...} if client == 2 else {}
        return await refresh(self.api, self.worlds[client], value, **secret)

    async def at_once(self, client: int, value: str, many: int) -> list[Answered]:
        async with self.api.deps.db.begin() as holder:
            await tokens.lock(holder, value, TokenName.REFRESH)
            waiting = [asyncio.create_task(self.asked(client, value)) for _ in range(many)]
            await until_waiting(self.api.deps)
        return await asyncio.gather(*waiting)

    async def cut_off(self, client: int, value: str) -> Answered:
        async with self.api.deps.db.begin() as holder:
            await tokens.lock(holder, value, TokenName.REFRESH)
            waiting = asyncio.create_task(self.asked(client, value))
            await until_waiting(self.api.deps)
            await holder.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                    " current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
                )
            )
            return await waiting

    async def revoked_under_way(self, client: int, value: str) -> Answered:
        form = {"token": value, **self.credentials(client)}
        async with self.api.deps.db.begin() as holder:
            await tokens.lock(holder, value, TokenName.REFRESH)
            refreshing = asyncio.create_task(self.asked(client, value))
            await until_waiting(self.api.deps, 1)
            revoking = asyncio.create_task(post(self.api, "/oauth2/revoke", form))
            await until_waiting(self.api.deps, 2)
        refreshed, revoked = await asyncio.gather(refreshing, revoking)
        assert refreshed.status in {200, 400}
        return revoked

    async def live(self, client: int, family: Family) -> list[Any]:
        family_of = select(t.c.family_id).where(
            t.c.digest == _digest(family.held.value), t.c.name == "refresh_token"
        )
        query = select(t.c.id).where(
            t.c.family_id.in_(family_of),
            t.c.user_id == self.worlds[client].user_id,
            t.c.name == "refresh_token",
            t.c.revoked_at.is_(None),
            t.c.used_at.is_(None),
            t.c.expires_at > self.now,
        )
        async with self.api.deps.db.read() as conn:
            return list((await conn.execute(query)).scalars())


def _digest(value: str) -> bytes:
    from services.mithril_api.domain.values import digest_of

    return digest_of(value)


def test_families_of_refresh_tokens_do_what_the_model_says(mithril_database: str) -> None:
    clock = SteppingClock()
    with asyncio.Runner() as runner:
        built = build(settings_for(mithril_database), clock=clock)
        bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}

        async def started() -> Api:
            public = TestClient(TestServer(built.public))
            internal = TestClient(TestServer(built.internal), headers=bearer)
            await public.start_server()
            await internal.start_server()
            return Api(built=built, clock=clock, public=public, internal=internal)

        async def ended(api: Api) -> None:
            await api.public.close()
            await api.internal.close()
            await built.deps.db.dispose()

        api = runner.run(started())
        try:
            run_state_machine_as_test(
                lambda: Refreshes(runner, api),  # type: ignore[arg-type]  # any maker will do
                settings=settings(
                    max_examples=20,
                    stateful_step_count=25,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(ended(api))
            built.deps.passwords.close()
