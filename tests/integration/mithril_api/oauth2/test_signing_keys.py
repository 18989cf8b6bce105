"""Signing keys at work: made once, published in time, replaced, and never shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.actions.oauth2 import keep_signing_keys as keeping
from services.mithril_api.actions.oauth2 import signing
from services.mithril_api.actions.reseal_secrets import Resealed, reseal_secrets
from services.mithril_api.app import build, known_keys, rotate_keys
from services.mithril_api.deps import Deps
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.signing_keys import JWKS_LIFE, RELOAD, Alg
from services.mithril_api.store import signing_keys
from shared.wire import jws
from tests.builders import a_pair, give_keys
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.races import until_waiting

MADE, RETIRED = "mithril.signing-key.made.v1", "mithril.signing-key.retired.v1"


async def jwks(api: Api, **headers: str) -> Any:
    return await api.public.get("/oauth2/jwks", headers=headers)


async def kids(api: Api) -> dict[str, str]:
    """What is published, by algorithm."""
    answer = await (await jwks(api)).json(content_type=None)
    return {key["kid"]: key["alg"] for key in answer["keys"]}


async def signer(deps: Deps, alg: Alg = Alg.EDDSA) -> Signer:
    return await signing.signer_of(deps, alg)


@asynccontextmanager
async def another(api: Api, **but: Any) -> AsyncIterator[Deps]:
    """One more process on the same database."""
    url = api.deps.settings.database_url.get_secret_value()
    deps = build(settings_for(url, **but), clock=api.clock).deps
    yield deps
    await deps.db.dispose()
    deps.passwords.close()


async def test_the_jwks_has_a_key_of_each_algorithm_before_anything_is_signed(
    api: Api,
) -> None:
    response = await jwks(api)

    assert response.status == 200
    assert response.content_type == "application/jwk-set+json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    keys = (await response.json(content_type=None))["keys"]
    assert sorted(key["alg"] for key in keys) == ["ES256", "EdDSA", "PS256", "RS256"]
    for key in keys:
        assert key["use"] == "sig"
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    assert (await signer(api.deps, Alg.ES256)).kid in await kids(api)


async def test_whoever_has_the_keys_already_is_told_so(api: Api) -> None:
    await give_keys(api.deps)
    tag = (await jwks(api)).headers["ETag"]

    same = await jwks(api, **{"If-None-Match": tag})
    await keeping.rotate_signing_keys(api.deps, [Alg.EDDSA])
    changed = await jwks(api, **{"If-None-Match": tag})

    assert (same.status, await same.read()) == (304, b"")
    assert same.headers["ETag"] == tag
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


async def test_two_processes_that_need_a_key_at_once_make_one(api: Api) -> None:
    async with another(api) as other:
        async with api.deps.db.begin() as conn:
            await signing_keys.hold(conn)
            both = [asyncio.ensure_future(signer(deps)) for deps in (api.deps, other)]
            await until_waiting(api.deps, 2)
        first, second = await asyncio.gather(*both)

    assert first.kid == second.kid
    told = [data for kind, data in await events_of(api) if kind == MADE]
    assert [data["kid"] for data in told] == [first.kid]


async def test_a_successor_is_published_before_it_signs_and_the_former_key_after(
    api: Api,
) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    former = (await signer(api.deps)).kid
    lifetime = api.deps.settings.signing_key_ttl()
    api.clock.advance(lifetime - timedelta(days=1))

    made = await keeping.keep_signing_keys(api.deps, [Alg.EDDSA])
    known = {kid for kid, alg in (await kids(api)).items() if alg == "EdDSA"}
    before = (await signer(api.deps)).kid
    api.clock.advance(timedelta(days=1))
    after = (await signer(api.deps)).kid

    assert (made.made, made.retired) == (1, 1)
    assert known == {before, after}
    assert (before == former, after == former) == (True, False)
    assert former in await kids(api)
    api.clock.advance(api.deps.settings.access_token_ttl() + 2 * RELOAD)
    assert former not in await kids(api)


async def test_a_private_key_is_thrown_away_when_its_turn_is_over(api: Api) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    former = (await signer(api.deps)).kid
    await keeping.rotate_signing_keys(api.deps, [Alg.EDDSA])
    api.clock.advance(JWKS_LIFE + 5 * RELOAD)

    await keeping.keep_signing_keys(api.deps, [Alg.EDDSA])

    async with api.deps.db.read() as conn:
        kept = {key.kid: key.sealed_private for key in await signing_keys.all_of(conn)}
    assert kept[former] is None
    assert kept[(await signer(api.deps)).kid] is not None
    api.clock.advance(timedelta(days=91))
    assert (await keeping.keep_signing_keys(api.deps, [])).forgotten == 1


async def test_a_compromised_key_leaves_at_once_and_nothing_it_signs_is_taken(
    api: Api,
) -> None:
    await give_keys(api.deps)
    stolen = await signer(api.deps)

    await keeping.rotate_signing_keys(api.deps, [Alg.EDDSA], compromised=True)

    assert stolen.kid not in await kids(api)
    assert (await signer(api.deps)).kid != stolen.kid
    told = [data for kind, data in await events_of(api) if kind == RETIRED]
    assert [(data["kid"], data["reason"]) for data in told] == [(stolen.kid, "compromised")]
    forged = jws.read(stolen.sign({"sub": "anybody"}))
    assert forged is not None
    assert await signing.claims_of(api.deps, forged) is None


async def test_another_process_learns_of_a_key_when_it_meets_it(api: Api) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    async with another(api) as other:
        await signer(other)
        await keeping.rotate_signing_keys(api.deps, [Alg.EDDSA], compromised=True)
        api.clock.advance(timedelta(seconds=6))  # less than a ring is kept
        shown = jws.read((await signer(api.deps)).sign({"sub": "somebody"}))
        assert shown is not None

        assert await signing.claims_of(other, shown) == {"sub": "somebody"}


@pytest.mark.parametrize("kid", ["../keys", "' OR 1=1 --", "", 7, None, {"a": 1}])
async def test_a_kid_is_a_name_and_nothing_else(api: Api, kid: Any) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    misnamed = replace(await signer(api.deps), kid=kid)

    shown = jws.read(misnamed.sign({"sub": "somebody"}))

    assert shown is not None
    assert await signing.claims_of(api.deps, shown) is None


async def test_a_key_is_sealed_anew_and_then_opens_without_the_former_secret(
    api: Api,
) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    old, new = "key-for-tests-0123456789", "another-key-for-tests-01"
    async with another(api, secret_keys=(new, old)) as both:
        assert (await signer(both)).kid == a_pair(Alg.EDDSA).kid
        assert await reseal_secrets(both) == Resealed(renewed=1)
        assert await reseal_secrets(both) == Resealed(present=1)
    async with another(api, secret_keys=(new,)) as now:
        assert (await signer(now)).kid == a_pair(Alg.EDDSA).kid


async def test_a_key_that_no_secret_opens_is_replaced_and_still_proves_what_it_signed(
    api: Api,
) -> None:
    await give_keys(api.deps)
    async with another(api, secret_keys=("a-third-key-for-tests-01",)) as stranger:
        made = await signer(stranger)

    assert made.kid != a_pair(Alg.EDDSA).kid
    api.deps.ring.forget()
    assert {made.kid, a_pair(Alg.EDDSA).kid} <= set(await kids(api))
    assert await reseal_secrets(api.deps) == Resealed(present=5, lost=1)


async def test_an_operator_sees_the_keys_and_replaces_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give_keys(api.deps, Alg.EDDSA, Alg.ES256)
    settings = api.deps.settings

    done = await rotate_keys(settings, [Alg.EDDSA], compromised=True)

    states = sorted((str(key.alg), state) for key, state in await known_keys(settings))
    assert (done.made, done.retired) == (1, 1)
    assert states == [("ES256", "signs"), ("EdDSA", "signs"), ("EdDSA", "withdrawn")]


async def test_the_metric_says_until_when_the_keys_suffice(api: Api) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    await signer(api.deps)

    value = api.built.registry.get_sample_value(
        "mithril_signing_key_due_timestamp_seconds", {"alg": "EdDSA"}
    )

    due = api.clock.now() + api.deps.settings.signing_key_ttl()
    assert value == due.timestamp()
