"""Client secrets that end: by the request, or by the settings."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.mithril_api.handlers.rendering import timestamp
from tests.fakes import SteppingClock
from tests.integration.mithril_api.administering import ask
from tests.integration.mithril_api.conftest import Api, an_api
from tests.integration.mithril_api.connections import (
    URI,
    lengthen,
    opened,
    pair,
    path_of,
    refreshes_with,
)

DAY = timedelta(days=1)
NAME = "client_secret_expires_at"


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


async def rotate(api: Api, connection: dict[str, Any], body: Any) -> dict[str, Any]:
    path = f"/clients/{connection['client_id']}/connections/{connection['id']}"
    status, answer = await ask(api, "PATCH", f"{path}/actions/rotate_secret", body)
    assert status == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_secret_works_until_the_end_that_its_request_gave_it(api: Api) -> None:
    clinic, _, connection = await pair(api)
    await lengthen(api, clinic)
    end = api.clock.now().replace(microsecond=0) + 3 * DAY

    data = await rotate(api, connection, {NAME: seconds(end)})

    assert data[NAME] == seconds(end)
    api.clock.advance(end - api.clock.now() - timedelta(seconds=1))
    assert await refreshes_with(api, clinic, [data["secret"]]) == [201]
    api.clock.advance(timedelta(seconds=1))
    assert await refreshes_with(api, clinic, [data["secret"]]) == [401]


async def test_a_connection_shows_when_its_secrets_end_and_no_value(api: Api) -> None:
    clinic, _, connection = await pair(api)
    end = api.clock.now().replace(microsecond=0) + 3 * DAY
    api.clock.advance(timedelta(seconds=1))
    await rotate(api, connection, {NAME: seconds(end)})

    _, answer = await ask(api, "GET", f"{path_of(clinic)}/{connection['id']}")

    newest = answer["urgent"]["secrets"][0]
    assert newest["expires_at"] == timestamp(end.astimezone(UTC))
    assert set(newest) == {"inserted_at", "expires_at", "is_live"}


@pytest.mark.parametrize(
    ("given", "rule"), [(1, "number"), ("soon", "cast"), (0, "greater_than_equal")]
)
async def test_an_end_that_is_none_is_named(api: Api, given: object, rule: str) -> None:
    clinic, mis, _ = await pair(api)
    body = {"consumer_id": str(mis.client_id), "redirect_uri": URI, NAME: given}

    status, answer = await ask(api, "PUT", path_of(clinic), body)

    [item] = answer["error"]["invalid"]
    assert (status, item["entry"], item["rules"][0]["rule"]) == (422, f"$.{NAME}", rule)


async def test_after_an_end_has_come_a_repeated_upsert_keeps_the_secret_that_works(
    api: Api,
) -> None:
    clinic, mis, connection = await pair(api)
    await lengthen(api, clinic)
    await rotate(api, connection, None)  # the first one ends with the overlap
    second = await rotate(api, connection, None)
    api.clock.advance(timedelta(seconds=api.deps.settings.secret_overlap))
    body = {"consumer_id": str(mis.client_id), "redirect_uri": URI}

    _, answer = await ask(api, "PUT", path_of(clinic), body)

    secrets = [second["secret"], answer["data"]["secret"]]
    assert await refreshes_with(api, clinic, secrets) == [201, 201]


@pytest.fixture
async def strict(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Api]:
    async with an_api(mithril_database, clock, secret_lifetime_days=30) as made:
        yield made


async def test_without_an_end_a_secret_has_that_of_the_settings(strict: Api) -> None:
    clinic, mis, _ = await pair(strict)

    data = await opened(strict, mis, clinic)

    assert data[NAME] == seconds(strict.clock.now() + 30 * DAY)
