"""The standard's endpoints against PostgreSQL itself, and against the eHealth endpoint."""

from urllib.parse import urlencode

import asyncpg
import orjson

import services.mithril_api
from tests.bench import load, pgbench, targets
from tests.bench.place import Measured, Place
from tests.bench.seed import CLIENT_SECRET, Seeded, seed
from tests.bench.tokens import CONNECTIONS, serving
from tests.processes import SERVICE_TOKEN

_DOCTORS = 60_000  # a refresh token each, and each rotates once
_SETTINGS = {
    "allowed_grant_types": ["password", "client_credentials"],
    "token_quota": "100000000/60",  # counted, and never used up
}


async def measure(place: Place) -> list[Measured]:
    """All of it in one run; the refresh tokens are reused first, and then rotated."""
    server, seconds = place.server, min(place.seconds, 8)
    url = await place.database("oauth2", services.mithril_api)
    seeded = await seed(url, doctors=_DOCTORS)
    await _registered(url, seeded)
    reference = {"database": "oauth2", "seconds": seconds, "doctors": _DOCTORS}

    async def pg(script: str) -> pgbench.Rate:
        return await pgbench.run(server, script, clients=CONNECTIONS, **reference)  # type: ignore[arg-type]  # the dict's values differ

    async with serving(url, place.kafka, place.directory / "oauth2.log") as api:

        async def ours(port: int, requests: list[bytes]) -> load.Load:
            what = load.shuffled(requests)
            run = await load.run(port, what, connections=CONNECTIONS, seconds=seconds)
            await load.drained(url)
            return load.checked(run, 200)

        own_port, internal_port = api.public_port, api.internal_port
        credentials = [_client_credentials(seeded, own_port)]
        await load.run(  # warm
            own_port, load.shuffled(credentials), connections=CONNECTIONS, seconds=1
        )
        inserts = await pg("client_credentials")
        await load.drained(url)
        issued = await ours(own_port, credentials)
        await _registered(url, seeded, access_token_format="jwt")
        as_jwt = await ours(own_port, credentials)
        await _registered(url, seeded)
        reuse = load.shuffled(seeded.refresh_requests(own_port))
        reused = load.checked(
            await load.run(own_port, reuse, connections=CONNECTIONS, seconds=seconds), 201
        )
        await load.drained(url)
        rotated = await ours(own_port, _rotations(seeded, own_port))
        verifies = load.shuffled(seeded.verify_requests(internal_port))
        verified = load.checked(
            await load.run(
                internal_port, verifies, connections=CONNECTIONS, seconds=seconds
            ),
            200,
        )
        introspected = await ours(internal_port, _introspections(seeded, internal_port))
    return [
        Measured(
            target=targets.CLIENT_CREDENTIALS,
            figure=issued.rate / inserts.tps,
            note=f"{issued.rate:.0f}/s against {inserts.tps:.0f}/s",
        ),
        Measured(
            target=targets.JWT,
            figure=as_jwt.rate / issued.rate,
            note=f"{as_jwt.rate:.0f}/s against {issued.rate:.0f}/s",
        ),
        Measured(
            target=targets.ROTATE,
            figure=rotated.rate / reused.rate,
            note=f"{rotated.rate:.0f}/s against {reused.rate:.0f}/s",
        ),
        Measured(
            target=targets.INTROSPECT,
            figure=introspected.rate / verified.rate,
            note=f"{introspected.rate:.0f}/s against {verified.rate:.0f}/s",
        ),
    ]


async def _registered(url: str, seeded: Seeded, **but: str) -> None:
    conn = await asyncpg.connect(url)
    await conn.execute(
        "UPDATE clients SET settings = $2::jsonb WHERE id = $1",
        seeded.client_id,
        orjson.dumps({**_SETTINGS, **but}).decode(),
    )
    await conn.close()


def _client_credentials(seeded: Seeded, port: int) -> bytes:
    return _post(
        "/oauth2/token",
        {"grant_type": "client_credentials", "scope": "episode:read", **_by_post(seeded)},
        port=port,
    )


def _rotations(seeded: Seeded, port: int) -> list[bytes]:
    return [
        _post(
            "/oauth2/token",
            {
                "grant_type": "refresh_token",
                "refresh_token": value,
                **_by_post(seeded),
            },
            port=port,
        )
        for value in seeded.refresh_values
    ]


def _introspections(seeded: Seeded, port: int) -> list[bytes]:
    return [
        _post("/oauth2/introspect", {"token": value}, port=port, bearer=SERVICE_TOKEN)
        for value in seeded.access_values
    ]


def _by_post(seeded: Seeded) -> dict[str, str]:
    return {"client_id": str(seeded.client_id), "client_secret": CLIENT_SECRET}


def _post(
    path: str, form: dict[str, str], *, port: int, bearer: str | None = None
) -> bytes:
    body = urlencode(form).encode()
    made = load.post(path, body, port=port, bearer=bearer)
    return made.replace(b"application/json", b"application/x-www-form-urlencoded", 1)
