"""private_key_jwt: a client proves who it is by its key (RFC 7523, FAPI 2.0 §5.3.2.1)."""

import asyncio
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.actions.oauth2.authenticate_client import (
    Admitted,
    ClientAsked,
    authenticate_many,
)
from services.mithril_api.actions.oauth2.issue_client_tokens import ClientTokenAsked
from services.mithril_api.app import build
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import client_authentication
from services.mithril_api.domain.oauth2.client_assertions import Assertion
from services.mithril_api.domain.oauth2.client_authentication import Authenticated
from services.mithril_api.domain.oauth2.parameters import Parameters, parse
from services.mithril_api.store import presented
from shared.runtime.postgres import driver_of
from shared.wire import jws
from tests.builders import World
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    a_client,
    a_code,
    asked,
    basic,
    by_id,
    by_post,
    client_credentials,
    exchange,
    post,
    refresh,
    set_settings,
    token,
)
from tests.integration.mithril_api.oauth2.proving import (
    ASSERTION_TYPE,
    BY_KEY,
    a_client_by_key,
    a_key,
    assertion,
    by_assertion,
    encoded,
    issuer_of,
    now_of,
    public,
)
from tests.neighbours.ready import run_aside
from tests.races import commit_now, until_waiting

# Whatever is issued to one client breaks the statement that it is in.
POISON = (
    (
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'poison'; END$$"
    ),
    (
        "CREATE TRIGGER poison BEFORE INSERT ON tokens FOR EACH ROW "
        "WHEN (NEW.client_id = '{}') EXECUTE FUNCTION poison()"
    ),
)
REFUSED = (401, "invalid_client")


async def asks(api: Api, text: str, **but: Any) -> tuple[int, Any]:
    """What comes of an assertion."""
    answer = await token(api, client_credentials(**by_assertion(text) | but))
    return answer.status, answer.body.get("error")


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("EC", "ES256"),
        ("OKP", "EdDSA"),
        ("OKP", "Ed25519"),
        ("RSA", "PS256"),
        ("RSA", "RS256"),
    ],
)
async def test_a_key_that_is_registered_proves_its_client(
    api: Api, kind: str, algorithm: str
) -> None:
    key = a_key(kind, kind)
    world = await a_client_by_key(api, a_key(), key)

    text = assertion(api, world, key, header={"alg": algorithm})

    assert await asks(api, text) == (200, None)


async def test_it_proves_the_client_wherever_clients_authenticate(api: Api) -> None:
    world = await a_client_by_key(api)

    def by() -> dict[str, Any]:
        return by_assertion(assertion(api, world))

    pushed = await post(api, "/oauth2/par", {**asked(world), **by(), **by_id(world)})
    code = await a_code(api, world)
    tokens = await exchange(api, world, code, **by())
    again = await refresh(api, world, tokens.body["refresh_token"], **by())
    value = again.body["access_token"]
    told = await post(api, "/oauth2/introspect", {"token": value, **by()})
    ended = await post(api, "/oauth2/revoke", {"token": value, **by()})

    answers = (pushed, tokens, again, told, ended)
    assert [answer.status for answer in answers] == [201, 200, 200, 200, 200]
    assert told.body["active"] is True


async def test_it_is_made_for_the_issuer_or_for_an_endpoint(api: Api) -> None:
    world, issuer = await a_client_by_key(api), issuer_of(api)
    endpoint = f"{issuer}/oauth2/token"

    for aud in (issuer, endpoint, [issuer], ["https://else.test", endpoint]):
        assert await asks(api, assertion(api, world, aud=aud)) == (200, None), aud
    form = {"token": "x", **by_assertion(assertion(api, world, aud=endpoint))}
    elsewhere = await post(api, "/oauth2/introspect", form)
    assert elsewhere.status == 200


async def test_of_a_client_of_the_financial_profile_it_is_made_for_the_issuer_alone(
    api: Api,
) -> None:
    strict = {
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
    }
    rsa = a_key("RSA", "RSA")
    world = await a_client_by_key(api, a_key(), rsa, **strict)
    issuer = issuer_of(api)

    async def introspected(text: str) -> int:
        form = {"token": "x", **by_assertion(text)}
        return (await post(api, "/oauth2/introspect", form)).status

    assert await introspected(assertion(api, world)) == 200
    assert await introspected(assertion(api, world, rsa)) == 200
    for refused in (
        assertion(api, world, aud=[issuer]),
        assertion(api, world, aud=f"{issuer}/oauth2/introspect"),
        assertion(api, world, aud=f"{issuer}/"),
        assertion(api, world, exp=now_of(api) + 700),
        assertion(api, world, rsa, header={"alg": "RS256"}),
    ):
        assert await introspected(refused) == 401


async def test_clocks_may_differ_a_little(api: Api) -> None:
    world, now = await a_client_by_key(api), now_of(api)

    for but in (
        {"iat": now + 10, "nbf": now + 10},
        {"iat": now + 60},
        {"iat": ...},
        {"iat": now - 3000},
        {"exp": now + 3600},
        {"exp": now + 0.5},
    ):
        assert await asks(api, assertion(api, world, **but)) == (200, None), but


async def test_what_does_not_prove_the_client_is_refused_alike(api: Api) -> None:
    world, other = await a_client_by_key(api), await a_client_by_key(api, a_key("two"))
    now, issuer, key = now_of(api), issuer_of(api), a_key()
    made = assertion(api, world)
    head, claims, signature = made.split(".")
    by_mac = f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{claims}"
    mac = hmac.digest(key.as_pem(private=False), by_mac.encode(), "sha256")
    nested = b'{"alg":' + b"[" * 2000
    bad: dict[str, dict[str, Any]] = {
        "nobody's id": {"iss": "nobody", "sub": "nobody"},
        "an unknown client": dict.fromkeys(("iss", "sub"), str(world.user_id)),
        "another client's id": dict.fromkeys(("iss", "sub"), str(other.client_id)),
        "another subject": {"sub": str(other.client_id)},
        "no issuer": {"iss": ...},
        "another audience": {"aud": "https://else.test"},
        "an audience that begins alike": {"aud": f"{issuer}.evil.test"},
        "no audience": {"aud": ...},
        "an audience that is none": {"aud": {"x": issuer}},
        "no jti": {"jti": ...},
        "an empty jti": {"jti": ""},
        "an endless jti": {"jti": "j" * 256},
        "a jti that is no text": {"jti": 7},
        "no end": {"exp": ...},
        "expired": {"exp": now},
        "expires much later": {"exp": now + 3661},
        "an end that is no number": {"exp": "soon"},
        "an end that is a boolean": {"exp": True},
        "an end beyond time": {"exp": 1e300},
        "issued in the future": {"iat": now + 61},
        "not yet": {"nbf": now + 61},
        "issued at no time": {"iat": "now"},
    }
    texts = {name: assertion(api, world, **but) for name, but in bad.items()}
    texts |= {
        "a key of somebody else": assertion(
            api, world, a_key("two"), header={"kid": key.kid}
        ),
        "an unknown kid": assertion(api, world, header={"kid": "../../etc/passwd"}),
        "a kid that is a query": assertion(api, world, header={"kid": "' OR 1=1 --"}),
        "a kid that is no text": assertion(api, world, header={"kid": ["one"]}),
        "a kid with NUL": assertion(api, world, header={"kid": "one\0"}),
        "not signed": f"{encoded({'alg': 'none'})}.{claims}.",
        "not signed, in capitals": f"{encoded({'alg': 'nOnE'})}.{claims}.",
        "signed with the public key as a secret": f"{by_mac}.{encoded(mac)}",
        "an algorithm of another key": f"{encoded({'alg': 'PS256', 'kid': key.kid})}"
        f".{claims}.{signature}",
        "an extension that must be understood": assertion(
            api, world, header={"crit": ["b64"], "b64": True}
        ),
        "a signature cut": made[:-2],
        "no signature": f"{head}.{claims}.",
        "other claims": f"{head}.{encoded({'iss': str(world.client_id)})}.{signature}",
        "two parts": f"{head}.{claims}",
        "nothing": ".",
        "deeply nested": f"{head}.{encoded(b'[' * 4000)}.{signature}",
        "a nested head": f"{encoded(nested)}.{claims}.{signature}",
        "a list for a head": f"{encoded(['alg'])}.{claims}.{signature}",
        "oversized": assertion(api, world, padding="x" * 9000),
    }
    for name, text in texts.items():
        assert await asks(api, text) == REFUSED, name
    assert await asks(api, made) == (200, None)


async def test_rsa_schemes_are_not_taken_for_one_another(api: Api) -> None:
    rsa = a_key("RSA", "RSA")
    world = await a_client_by_key(api, rsa)
    made = assertion(api, world, rsa, header={"alg": "RS256"})
    _, claims, signature = made.split(".")

    confused = f"{encoded({'alg': 'PS256', 'kid': rsa.kid})}.{claims}.{signature}"

    assert await asks(api, confused) == REFUSED
    await set_settings(
        api,
        world,
        **BY_KEY,
        jwks=public(rsa),
        allowed_grant_types=["client_credentials"],
        token_endpoint_auth_signing_alg="PS256",
    )
    assert await asks(api, made) == REFUSED
    assert await asks(api, assertion(api, world, rsa)) == (200, None)


async def test_without_a_kid_there_must_be_one_key_that_could_have_signed(
    api: Api,
) -> None:
    world = await a_client_by_key(api, a_key(), a_key("RSA", "RSA"))
    crowd = await a_client_by_key(api, a_key(), a_key("two"))
    nameless = {"header": {"kid": ...}}

    assert await asks(api, assertion(api, world, **nameless)) == (200, None)
    assert await asks(api, assertion(api, crowd, **nameless)) == REFUSED
    assert await asks(api, assertion(api, crowd, a_key("two"))) == (200, None)


async def test_it_goes_with_no_other_way_and_says_what_it_is(api: Api) -> None:
    world = await a_client_by_key(api)
    text = assertion(api, world)
    mixed = await token(api, client_credentials(**by_assertion(text)), basic(world))
    secret = await token(api, client_credentials(**by_assertion(text) | by_post(world)))
    bare = await token(api, client_credentials(client_assertion_type="x", **by_id(world)))

    assert {mixed.refusal, secret.refusal, bare.refusal} == {(400, "invalid_request")}
    for kind in (..., "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"):
        assert await asks(api, text, client_assertion_type=kind) == REFUSED
    assert await asks(api, text, client_id=str(world.user_id)) == REFUSED
    assert await asks(api, text, client_id=str(world.client_id)) == (200, None)


async def test_a_client_that_has_a_secret_still_authenticates_as_it_is_registered(
    api: Api,
) -> None:
    world, by_secret = await a_client_by_key(api), await a_client(api, jwks=public(a_key()))

    assert (await token(api, client_credentials(**by_post(world)))).refusal == REFUSED
    assert await asks(api, assertion(api, by_secret)) == REFUSED


class TestOnce:
    """An assertion serves once, whoever else has it."""

    async def test_a_second_time_it_is_refused_until_it_has_expired_anyway(
        self, api: Api
    ) -> None:
        world = await a_client_by_key(api)
        text, jti = assertion(api, world), str(api.deps.entropy.uuid())

        assert [await asks(api, text) for _ in range(2)] == [(200, None), REFUSED]
        assert await asks(api, assertion(api, world, jti=jti)) == (200, None)
        later = assertion(api, world, jti=jti, exp=now_of(api) + 90)
        assert await asks(api, later) == REFUSED

    async def test_two_clients_may_choose_the_same_jti(self, api: Api) -> None:
        for world in (await a_client_by_key(api), await a_client_by_key(api)):
            assert await asks(api, assertion(api, world, jti="1")) == (200, None)

    async def test_of_many_at_once_one_passes(self, api: Api) -> None:
        world = await a_client_by_key(api)
        text = assertion(api, world)

        answers = await asyncio.gather(*(asks(api, text) for _ in range(8)))

        assert sorted(status for status, _ in answers) == [200] + [401] * 7

    async def test_the_second_waits_for_the_first_and_is_refused(self, api: Api) -> None:
        world = await a_client_by_key(api)
        digest = jws.digest_of("assertion", str(world.client_id), "1")
        ends = {digest: api.clock.now()}
        async with api.deps.db.begin() as conn:
            await presented.take(conn, ends, now=api.clock.now())
            second = asyncio.ensure_future(asks(api, assertion(api, world, jti="1")))
            await until_waiting(api.deps)
            ends[digest] = api.clock.now().replace(year=2999)
            await presented.take(conn, ends, now=api.clock.now())
            await commit_now(conn)

        assert await second == REFUSED

    async def test_another_process_knows_that_it_came(
        self, api: Api, mithril_database: str
    ) -> None:
        world = await a_client_by_key(api)
        other = build(
            settings_for(mithril_database, issuer=issuer_of(api)), clock=api.clock
        )
        text = assertion(api, world)
        async with TestClient(TestServer(other.public)) as client:
            form = {
                name: value
                for name, value in client_credentials(**by_assertion(text)).items()
                if value is not ...
            }
            first = await client.post("/oauth2/token", data=form)
        await other.deps.db.dispose()
        other.deps.passwords.close()

        assert first.status == 200
        assert await asks(api, text) == REFUSED

    async def test_a_batch_that_fails_has_used_up_nothing(self, api: Api) -> None:
        world, poisoned = await a_client_by_key(api), await a_client_by_key(api)
        async with api.deps.db.begin() as conn:
            for statement in POISON:
                await driver_of(conn).execute(statement.format(poisoned.client_id))
        texts = [assertion(api, world) for _ in range(6)]
        bad = assertion(api, poisoned)

        refused, *answers = await asyncio.gather(*(asks(api, one) for one in [bad, *texts]))

        assert refused[0] == 500
        assert answers == [(200, None)] * 6
        async with api.deps.db.begin() as conn:
            await driver_of(conn).execute("DROP TRIGGER poison ON tokens")
        assert await asks(api, bad) == (200, None)

    async def test_what_was_refused_for_its_proof_may_come_again(self, api: Api) -> None:
        world = await a_client_by_key(api, token_quota="off")
        form = client_credentials(**by_assertion(assertion(api, world)))

        wrong = await token(api, form, {"DPoP": "a.b.c"})

        assert wrong.refusal == (400, "invalid_dpop_proof")
        assert (await token(api, form)).status == 200


def keys_of(world: World) -> str:
    return f"/admin/clients/{world.client_id}"


async def test_keys_are_looked_at_when_they_are_registered(api: Api) -> None:
    world = await a_client(api)
    key, rsa = a_key(), a_key("RSA", "RSA")
    weak = {"kty": "RSA", "e": "AQAB", "n": encoded(b"\xff" * 128)}
    huge = {"kty": "RSA", "e": "AQAB", "n": encoded(b"\xff" * 1024)}
    slow = {**rsa.as_dict(), "e": encoded(b"\xff" * 64)}
    cases: list[tuple[Any, str]] = [
        ({"keys": [key.as_dict(private=True)]}, "must not hold a private key"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "must not be symmetric"),
        ({"keys": [weak]}, "must have 2048 to 4096 bits"),
        ({"keys": [huge]}, "must have 2048 to 4096 bits"),
        ({"keys": [slow]}, "has an exponent that is not in use"),
        ({"keys": [{**key.as_dict(), "crv": "P-521"}]}, "must be P-256"),
        ({"keys": [{**key.as_dict(), "x": "AA"}]}, "is no key"),
        ({"keys": [{**key.as_dict(), "use": "enc"}]}, "must be for signatures"),
        ({"keys": [{**key.as_dict(), "alg": "HS256"}]}, "`alg` must be one of ES256"),
        ({"keys": [key.as_dict()] * 2}, "must hold no `kid` twice"),
        ({"keys": [key.as_dict()] * 11}, "must hold at most 10 keys"),
        ({"keys": [{**key.as_dict(), "x": "A" * 40_000}]}, "must be smaller than"),
        ({"keys": []}, "must be an object whose `keys` is a list of keys"),
        ([], "must be an object whose `keys` is a list of keys"),
        ({"keys": [7]}, "must be an object"),
        (None, "must hold the client's public keys"),
    ]
    for jwks, why in cases:
        settings = {**BY_KEY, **({} if jwks is None else {"jwks": jwks})}
        response = await api.internal.patch(
            keys_of(world), json={"client": {"settings": settings}}
        )
        assert response.status == 422, why
        [unfit] = (await response.json())["error"]["invalid"]
        assert unfit["entry"] == "$.settings.jwks"
        assert why in unfit["rules"][0]["description"]

    good = {**BY_KEY, "jwks": public(key, rsa, a_key("OKP", "OKP"))}
    response = await api.internal.patch(keys_of(world), json={"client": {"settings": good}})
    assert response.status == 200


async def test_the_relay_is_woken_for_a_token_that_it_can_see(api: Api) -> None:
    world = await a_client_by_key(api)
    shown = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(api, world),
    }
    form = parse(urlencode(shown))
    assert isinstance(form, Parameters)
    by = client_authentication.presented((), form, audiences=(issuer_of(api),))
    assert isinstance(by, Assertion)
    seen: list[int] = []

    async def events() -> int:
        conn = await asyncpg.connect(api.deps.settings.database_url.get_secret_value())
        found: int = await conn.fetchval("SELECT count(*) FROM outbox")
        await conn.close()
        return found

    before = await events()
    deps = replace(api.deps, committed=lambda: seen.append(run_aside(events)))

    def issue(who: Authenticated) -> ClientTokenAsked:
        return ClientTokenAsked(client=who, scope=("episode:read",))

    [outcome] = await authenticate_many(deps, [ClientAsked(by=by, issue=issue)])

    assert isinstance(outcome, Admitted)
    assert isinstance(outcome.issued, Minted)
    assert seen == [before + 1]
