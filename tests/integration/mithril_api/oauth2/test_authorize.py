"""/oauth2/authorize and /oauth2/par: what a client asks its user for."""

from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.domain.limits import Limit
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    a_client,
    a_session,
    allow,
    asked,
    authorize,
    begun,
    by_id,
    by_post,
    exchange,
    narrow_approval,
    post,
    query_of,
    set_settings,
    show,
)
from tests.integration.mithril_api.town import an_api

ISSUER = "http://127.0.0.1"


async def test_a_browser_is_led_to_the_sign_in_pages_with_what_they_need(api: Api) -> None:
    world = await a_client(api)

    query = asked(world, login_hint="doctor@clinic.test", prompt="login")
    status, location, _ = await authorize(api, query)

    given = query_of(location)
    request_uri = given.pop("request_uri")
    assert status == 303
    assert location.startswith("http://localhost:8085/sign-in?")
    assert request_uri.startswith("urn:ietf:params:oauth:request_uri:")
    assert given == {
        "client_id": str(world.client_id),
        "redirect_uri": world.redirect_uri,
        "email": "doctor@clinic.test",
        "prompt": "login",
    }


async def test_a_request_may_come_in_a_form(api: Api) -> None:
    world = await a_client(api)

    response = await api.public.post(
        "/oauth2/authorize", data=asked(world), allow_redirects=False
    )

    assert response.status == 303


async def test_a_parameter_that_means_nothing_here_is_ignored(api: Api) -> None:
    world = await a_client(api)

    status, location, _ = await authorize(api, asked(world, nonce="n-0S6_WzA2Mj", x="y"))

    assert (status, "error" in query_of(location)) == (303, False)
    assert "n-0S6_WzA2Mj" not in location


async def test_the_code_comes_back_with_state_and_issuer(api: Api) -> None:
    world = await a_client(api)
    request_uri = await begun(api, world)

    answer = await allow(api, world, request_uri, await a_session(api, world))

    given = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(world.redirect_uri + "?")
    assert given["state"] == "a state/+&"
    assert given["iss"].startswith(ISSUER)
    assert len(given["code"]) == 32
    kinds = [kind for kind, _ in await events_of(api)]
    assert kinds == ["mithril.app.approved.v1", "mithril.token.issued.v1"]


async def test_a_request_is_granted_once(api: Api) -> None:
    world = await a_client(api)
    request_uri, session = await begun(api, world), await a_session(api, world)

    first = await allow(api, world, request_uri, session)
    again = await allow(api, world, request_uri, session)

    assert (first.status, again.status) == (201, 404)


async def test_a_request_waits_ten_minutes(api: Api) -> None:
    world = await a_client(api)
    request_uri = await begun(api, world)

    api.clock.advance(timedelta(minutes=10))

    session = await a_session(api, world)
    assert (await show(api, world, request_uri, session)).status == 404


async def test_another_client_cannot_have_the_request_granted(api: Api) -> None:
    world, other = await a_client(api), await a_client(api)
    request_uri = await begun(api, world)

    session = await a_session(api, other)

    assert (await allow(api, other, request_uri, session)).status == 404
    assert (await allow(api, world, request_uri, await a_session(api, world))).status == 201


async def test_the_page_is_told_what_to_ask(api: Api) -> None:
    world = await a_client(api)
    await narrow_approval(api, world, "episode:read")
    request_uri = await begun(api, world, prompt="consent")

    answer = await show(api, world, request_uri, await a_session(api, world))

    assert answer.status == 200
    data = answer.body["data"]
    assert (data["scope"], data["new"], data["ask"]) == (
        "episode:read episode:write",
        "episode:write",
        True,
    )


@pytest.mark.parametrize(
    ("but", "age", "status"),
    [
        pytest.param({"max_age": "60"}, 60, 201, id="recent enough"),
        pytest.param({"max_age": "60"}, 61, 401, id="too old"),
        pytest.param({"max_age": "0"}, 1, 401, id="never old enough"),
        pytest.param({"prompt": "login"}, 1, 401, id="signed in before the request"),
        pytest.param({"prompt": "login"}, 0, 201, id="signed in for the request"),
        pytest.param({}, 3000, 201, id="any session will do"),
    ],
)
async def test_a_session_must_be_as_fresh_as_the_client_wants(
    api: Api, but: dict[str, Any], age: int, status: int
) -> None:
    world = await a_client(api)
    request_uri = await begun(api, world, **but)

    answer = await allow(api, world, request_uri, await a_session(api, world, age=age))

    assert answer.status == status


async def test_a_refused_consent_leaves_the_request_for_another_answer(api: Api) -> None:
    world = await a_client(api)
    request_uri = await begun(api, world, max_age="10")

    stale = await allow(api, world, request_uri, await a_session(api, world, age=11))
    fresh = await allow(api, world, request_uri, await a_session(api, world))

    assert (stale.status, fresh.status) == (401, 201)


@pytest.mark.parametrize(
    "error",
    ["access_denied", "login_required", "consent_required", "interaction_required"],
)
async def test_the_sign_in_pages_refuse_in_the_clients_own_terms(
    api: Api, error: str
) -> None:
    world = await a_client(api)
    request_uri = await begun(api, world)
    body = {**by_id(world), "request_uri": request_uri, "error": error}
    path = "/admin/authorization_requests/actions/refuse"

    response = await api.internal.post(path, json=body)
    again = await api.internal.post(path, json=body)

    given = query_of(response.headers["Location"])
    assert (response.status, again.status) == (200, 404)
    assert (given["error"], given["state"]) == (error, "a state/+&")
    assert given["iss"].startswith(ISSUER)


class TestPages:
    """Where client or redirect URI is wrong, a browser is never led on."""

    @pytest.mark.parametrize(
        "but",
        [
            pytest.param({"client_id": ...}, id="no client"),
            pytest.param({"client_id": "nonsense"}, id="no id"),
            pytest.param(
                {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"}, id="no such client"
            ),
            pytest.param({"redirect_uri": ...}, id="no redirect"),
            pytest.param({"redirect_uri": "https://evil.test/"}, id="foreign redirect"),
            pytest.param({"redirect_uri": "https://clinic.test/callback/"}, id="slash"),
            pytest.param({"redirect_uri": "https://clinic.tеst/callback"}, id="look-alike"),
            pytest.param({"redirect_uri": "javascript:alert(1)"}, id="script"),
            pytest.param({"state": "x" * 2049}, id="oversized"),
            pytest.param({"request_uri": "urn:x"}, id="foreign request_uri"),
            pytest.param({"request_uri": "https://evil.test/r"}, id="remote request_uri"),
        ],
    )
    async def test_a_person_is_told(self, api: Api, but: dict[str, Any]) -> None:
        world = await a_client(api)

        status, location, page = await authorize(api, asked(world, **but))

        assert (status, location) == (400, "")
        assert "cannot be answered" in page
        assert "<script" not in page

    @pytest.mark.parametrize(
        "query", ["client_id=a&client_id=b", "client_id=%zz", "client_id=%ff", "a=%00"]
    )
    async def test_what_can_be_read_in_two_ways_is_not_read(
        self, api: Api, query: str
    ) -> None:
        from yarl import URL

        address = URL(f"/oauth2/authorize?{query}", encoded=True)
        response = await api.public.get(address, allow_redirects=False)

        assert response.status == 400


@pytest.mark.parametrize(
    ("but", "error"),
    [
        ({"response_type": ...}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ...}, "invalid_request"),
        ({"code_challenge": ...}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": ...}, "invalid_scope"),
        ({"scope": "user:write"}, "invalid_scope"),
        ({"scope": "epіsode:read"}, "invalid_scope"),
        ({"scope": "episode:read  episode:write"}, "invalid_scope"),
        ({"scope": "openid user:write"}, "invalid_scope"),
        ({"id_token_hint": "e30.e30.AAAA"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"resource": "https://api.test/"}, "invalid_target"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"dpop_jkt": "A" * 42}, "invalid_request"),
    ],
)
async def test_other_faults_are_told_to_the_client_with_state_and_issuer(
    api: Api, but: dict[str, Any], error: str
) -> None:
    world = await a_client(api)

    status, location, _ = await authorize(api, asked(world, **but))

    given = query_of(location)
    assert status == 303
    assert location.startswith(world.redirect_uri + "?")
    assert (given["error"], given["state"]) == (error, "a state/+&")
    assert given["iss"].startswith(ISSUER)


async def test_what_a_client_relies_on_and_is_not_there_is_told_before_a_user_is_asked(
    api: Api,
) -> None:
    world = await a_client(api, jwks_uri="https://clinic.test/jwks")

    _, location, _ = await authorize(api, asked(world))
    pushed = await post(api, "/oauth2/par", {**asked(world), **by_post(world)})

    assert query_of(location)["error"] == "unauthorized_client"
    assert pushed.refusal == (400, "unauthorized_client")


async def test_a_public_client_must_prove_who_began(api: Api) -> None:
    world = await a_client(api, **SECRETLESS)

    query = asked(world, code_challenge=..., code_challenge_method=...)
    _, location, _ = await authorize(api, query)

    assert query_of(location)["error"] == "invalid_request"


class TestPushed:
    """RFC 9126."""

    async def test_a_pushed_request_is_authenticated_kept_and_used_once(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        answer = await post(api, "/oauth2/par", {**asked(world), **by_post(world)})
        query = {**by_id(world), "request_uri": answer.body["request_uri"]}

        first, location, _ = await authorize(api, query)
        again, _, page = await authorize(api, query)
        request_uri = query_of(location)["request_uri"]
        granted = await allow(api, world, request_uri, await a_session(api, world))
        code = query_of(granted.headers["Location"])["code"]

        assert (answer.status, answer.body["expires_in"]) == (201, 90)
        assert (first, again) == (303, 400)
        assert "invalid_request_uri" in page
        assert request_uri != query["request_uri"]
        assert (await exchange(api, world, code)).status == 200

    async def test_it_expires_and_is_nobody_elses(self, api: Api) -> None:
        world, other = await a_client(api), await a_client(api)
        answer = await post(api, "/oauth2/par", {**asked(world), **by_post(world)})
        value = answer.body["request_uri"]

        stolen, _, _ = await authorize(api, {**by_id(other), "request_uri": value})
        api.clock.advance(timedelta(seconds=90))
        late, _, _ = await authorize(api, {**by_id(world), "request_uri": value})

        assert (stolen, late) == (400, 400)

    @pytest.mark.parametrize(
        ("but", "refusal"),
        [
            ({"client_secret": "wrong"}, (401, "invalid_client")),
            ({"client_secret": ...}, (401, "invalid_client")),
            ({"redirect_uri": "https://evil.test/"}, (400, "invalid_request")),
            ({"scope": "user:write"}, (400, "invalid_scope")),
            ({"request_uri": "urn:x"}, (400, "invalid_request")),
            ({"code_challenge_method": "plain"}, (400, "invalid_request")),
        ],
    )
    async def test_what_would_be_refused_is_refused_at_once(
        self, api: Api, but: dict[str, Any], refusal: tuple[int, str]
    ) -> None:
        world = await a_client(api)

        form = {**asked(world), **by_post(world), **but}

        assert (await post(api, "/oauth2/par", form)).refusal == refusal

    async def test_a_client_that_must_push_cannot_ask_otherwise(self, api: Api) -> None:
        world = await a_client(api)
        await set_settings(api, world, require_pushed_authorization_requests=True)

        _, location, _ = await authorize(api, asked(world))

        assert query_of(location)["error"] == "invalid_request"


async def test_one_address_cannot_fill_the_table(
    mithril_database: str, clock: SteppingClock
) -> None:
    few = Limit(2, 60)
    async with an_api(mithril_database, clock, limit_authorize_address=few) as api:
        world = await a_client(api)

        answers = [await authorize(api, asked(world)) for _ in range(3)]

    assert [status for status, _, _ in answers] == [303, 303, 429]
