"""What nobody should send: answered with the standard's error, never with a 500."""

import base64
from typing import Any

import pytest

from tests.builders import World
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    Answered,
    a_client,
    basic,
    by_id,
    by_post,
    client_credentials,
    post,
    set_settings,
    token,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = "application/x-www-form-urlencoded"
ENDPOINTS = ("token", "par", "introspect", "revoke")
NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"


@pytest.fixture
def api(standing_api: Api) -> Api:
    return standing_api


def header_of(pair: str | bytes, scheme: str = "Basic") -> dict[str, str]:
    raw = pair if isinstance(pair, bytes) else pair.encode()
    return {"Authorization": f"{scheme} {base64.b64encode(raw).decode()}"}


async def sent(api: Api, endpoint: str, body: bytes, **headers: str) -> Answered:
    given = {"Content-Type": FORM, **headers}
    return await post(api, f"/oauth2/{endpoint}", body, given)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"token=a&token=b", {}, id="a parameter twice"),
        pytest.param(b"token=&token=a", {}, id="twice, once without a value"),
        pytest.param(b"client_id=a&client%5Fid=b", {}, id="twice, once in disguise"),
        pytest.param(b"token=%ff%fe", {}, id="bytes that are no UTF-8"),
        pytest.param(b"token=%zz", {}, id="a broken escape"),
        pytest.param(b"token=%", {}, id="half an escape"),
        pytest.param("token=є".encode(), {}, id="bytes that are not escaped"),
        pytest.param(b"token=%00", {}, id="NUL"),
        pytest.param(b"token=a%0d%0aSet-Cookie:x", {}, id="a line break"),
        pytest.param(b"token=" + b"a" * 16_385, {}, id="an oversized token"),
        pytest.param(b"client_id=" + b"a" * 2049, {}, id="an oversized id"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(200)), {}, id="many"),
        pytest.param(b'{"token": "a"}', {"Content-Type": "application/json"}, id="JSON"),
        pytest.param(b"token=a", {"Content-Type": "text/plain"}, id="plain text"),
        pytest.param(
            b"token=a", {"Content-Type": FORM + "; charset=utf-16"}, id="another charset"
        ),
        pytest.param(
            b"token=a", {"Content-Type": FORM + "; charset=koi8-u"}, id="a national one"
        ),
    ],
)
async def test_what_can_be_read_in_two_ways_is_not_read(
    api: Api, endpoint: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = await sent(api, endpoint, body, **headers)

    assert answer.refusal == (400, "invalid_request")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_parameters_in_the_query_of_a_post_are_refused(
    api: Api, endpoint: str
) -> None:
    world = await a_client(api)
    path = f"/oauth2/{endpoint}?client_secret={world.client_secret}"

    answer = await post(api, path, {**by_id(world), "token": "a"})

    assert answer.refusal == (400, "invalid_request")
    assert world.client_secret not in str(answer.body)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_body_too_large_is_refused(api: Api, endpoint: str) -> None:
    answer = await sent(api, endpoint, b"a=" + b"b" * 70_000)

    assert answer.refusal == (413, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_no_client_at_all_is_told_how_to_do_better(api: Api, endpoint: str) -> None:
    answer = await sent(api, endpoint, b"token=a&grant_type=refresh_token")

    assert answer.refusal == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


class TestAuthentication:
    """One way or not at all (RFC 6749 §2.3)."""

    @pytest.mark.parametrize(
        "also",
        [
            "client_secret",
            "client_assertion",
        ],
    )
    async def test_two_ways_at_once_are_refused(self, api: Api, also: str) -> None:
        world = await a_client(api)
        assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        extra: dict[str, Any] = {"client_secret": world.client_secret}
        if also == "client_assertion":
            extra = {"client_assertion": "a.b.c", "client_assertion_type": assertion_type}

        answer = await token(api, client_credentials(**extra), basic(world))

        assert answer.refusal == (400, "invalid_request")

    async def test_a_secret_beside_an_assertion_is_refused(self, api: Api) -> None:
        world = await a_client(api)
        assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

        answer = await token(
            api,
            client_credentials(
                client_assertion="a.b.c",
                client_assertion_type=assertion_type,
                **by_post(world),
            ),
        )

        assert answer.refusal == (400, "invalid_request")

    async def test_an_assertion_proves_nothing_here(self, api: Api) -> None:
        world = await a_client(api)
        assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

        answer = await token(
            api,
            client_credentials(
                client_assertion="a.b.c",
                client_assertion_type=assertion_type,
                **by_id(world),
            ),
        )

        assert answer.refusal == (401, "invalid_client")

    async def test_an_id_beside_the_header_must_be_the_same(self, api: Api) -> None:
        world, other = await a_client(api), await a_client(api)

        same = await token(api, client_credentials(**by_id(world)), basic(world))
        another = await token(api, client_credentials(**by_id(other)), basic(world))

        assert same.status == 200
        assert another.refusal == (400, "invalid_request")

    @pytest.mark.parametrize(
        "made",
        [
            pytest.param(lambda _: {"Authorization": "Basic"}, id="no credentials"),
            pytest.param(lambda _: {"Authorization": "Basic ???"}, id="no base64"),
            pytest.param(lambda _: header_of(b"\xff\xfe:\xff"), id="no UTF-8"),
            pytest.param(lambda w: header_of(f"{w.client_id}"), id="no colon"),
            pytest.param(lambda w: header_of(f"{w.client_id}:"), id="no secret"),
            pytest.param(lambda w: header_of(f"{w.client_id}:wrong"), id="a wrong secret"),
            pytest.param(lambda w: header_of(f"{w.client_id}:%00"), id="NUL"),
            pytest.param(
                lambda w: header_of(f"{NOBODY}:{w.client_secret}"), id="another id"
            ),
            pytest.param(lambda w: header_of(f"nonsense:{w.client_secret}"), id="no id"),
            pytest.param(
                lambda w: header_of(f"{w.client_id}:{w.client_secret}", "Digest"),
                id="another scheme",
            ),
            pytest.param(
                lambda w: {"Authorization": f"Bearer {w.client_secret}"}, id="a bearer"
            ),
        ],
    )
    async def test_a_header_that_proves_nothing_is_refused_alike(
        self, api: Api, made: Any
    ) -> None:
        world = await a_client(api)

        answer = await token(api, client_credentials(), made(world))

        assert answer.refusal == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    @pytest.mark.parametrize(
        ("method", "basic_status", "post_status"),
        [
            (None, 200, 200),
            ("client_secret_basic", 200, 401),
            ("client_secret_post", 401, 200),
            ("private_key_jwt", 401, 401),
            ("tls_client_auth", 401, 401),
            ("self_signed_tls_client_auth", 401, 401),
            ("none", 401, 401),
            ("nonsense", 401, 401),
        ],
    )
    async def test_a_client_authenticates_as_it_is_registered(
        self, api: Api, method: str | None, basic_status: int, post_status: int
    ) -> None:
        world = await a_client(api)
        grants = {"allowed_grant_types": ["client_credentials"]}
        given = {} if method is None else {"token_endpoint_auth_method": method}
        await set_settings(api, world, **grants, **given)

        by_header = await token(api, client_credentials(), basic(world))
        in_form = await token(api, client_credentials(**by_post(world)))

        assert (by_header.status, in_form.status) == (basic_status, post_status)

    @pytest.mark.parametrize("method", [None, "private_key_jwt", "tls_client_auth"])
    async def test_an_id_alone_proves_no_confidential_client(
        self, api: Api, method: str | None
    ) -> None:
        world = await a_client(api)
        if method is not None:
            await set_settings(api, world, token_endpoint_auth_method=method)

        answer = await token(api, client_credentials(**by_id(world)))

        assert answer.refusal == (401, "invalid_client")

    async def test_a_public_client_gets_nothing_for_itself(self, api: Api) -> None:
        world = await a_client(api, **SECRETLESS)

        answer = await token(api, client_credentials(**by_id(world)))

        assert answer.refusal == (400, "unauthorized_client")

    async def test_a_blocked_client_is_told_so_when_it_has_proved_who_it_is(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        await block(api, world)

        right = await token(api, client_credentials(**by_post(world)))
        wrong = await token(
            api, client_credentials(**{**by_post(world), "client_secret": "wrong"})
        )

        assert right.refusal == (400, "unauthorized_client")
        assert wrong.refusal == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({}, (400, "invalid_request")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "authorization_code"}, (400, "invalid_request")),
        (
            {"grant_type": "authorization_code", "code": "x"},
            (400, "invalid_request"),
        ),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
        (
            {"grant_type": "refresh_token", "refresh_token": "never-issued"},
            (400, "invalid_grant"),
        ),
        (
            {"grant_type": "refresh_token", "refresh_token": "mth" + "0" * 29},
            (400, "invalid_grant"),
        ),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "scope": "а"},
            (400, "invalid_scope"),
        ),
        ({"grant_type": "refresh_token", "refresh_token": "🗝"}, (400, "invalid_grant")),
        (
            {"grant_type": "client_credentials", "resource": "https://else.test"},
            (400, "invalid_target"),
        ),
        (
            {"grant_type": "client_credentials", "resource": "no uri"},
            (400, "invalid_target"),
        ),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:x"}, None),
    ],
)
async def test_a_malformed_grant_has_its_error(
    api: Api, form: dict[str, str], refusal: tuple[int, str] | None
) -> None:
    world = await a_client(api)

    answer = await token(api, {**form, **by_post(world)})

    assert answer.refusal == (refusal or (400, "unsupported_grant_type"))


async def test_another_method_than_post_is_not_allowed(api: Api) -> None:
    for endpoint in ENDPOINTS:
        response = await api.public.get(f"/oauth2/{endpoint}")
        assert response.status == 405


async def block(api: Api, world: World) -> None:
    from shared.models.schema import mithril as tables

    c = tables.clients
    async with api.deps.db.begin() as conn:
        await conn.execute(
            c.update().where(c.c.id == world.client_id).values(is_blocked=True)
        )
