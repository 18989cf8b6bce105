"""/admin/clients/{id}/connections: shown, changed and deleted (spec §1.4)."""

from typing import Any

import pytest

from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    ask,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.connections import (
    CHANGED,
    FORMAT,
    URI,
    pair,
    path_of,
    refreshes_with,
    told,
    without_secret,
)


class TestShowing:
    async def test_a_list_has_the_clients_own_without_secrets(self, api: Api) -> None:
        clinic, _, connection = await pair(api)

        status, answer = await ask(api, "GET", path_of(clinic))

        listed = {item["id"]: item for item in answer["data"]}
        assert status == 200
        assert listed.keys() == {str(clinic.connection_id), connection["id"]}
        assert listed[connection["id"]] == without_secret(connection)
        assert answer["paging"]["total_entries"] == 2

    async def test_a_list_is_filtered(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        path, own = path_of(clinic), str(clinic.connection_id)

        consumer = str(mis.client_id)
        assert await ids_of(api, path, consumer_id=consumer) == [connection["id"]]
        assert await ids_of(api, path, redirect_uri="MIS.test/call") == [connection["id"]]
        assert await ids_of(api, path, redirect_uri="clinic.test") == [own]
        assert await ids_of(api, path, redirect_uri="%") == []
        assert await refused(api, "GET", path, query={"consumer_id": "42"}) == validation(
            unfit("consumer_id", "cast", "is invalid", ("uuid",))
        )

    @pytest.mark.parametrize(
        ("method", "action"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("PATCH", "/actions/refresh_secret"),
        ],
    )
    async def test_it_is_found_by_its_id_and_its_own_client_alone(
        self, api: Api, method: str, action: str
    ) -> None:
        clinic, mis, connection = await pair(api)
        body: Any = {} if method == "PATCH" else None
        own = connection["id"]
        for path, answer in (
            (f"{path_of(clinic)}/{NOBODY}", NOT_FOUND),
            (f"{path_of(mis)}/{own}", NOT_FOUND),
            (f"/clients/{NOBODY}/connections/{own}", NOT_FOUND),
            (f"{path_of(clinic)}/42", MALFORMED),
            (f"/clients/42/connections/{own}", MALFORMED),
        ):
            assert await refused(api, method, f"{path}{action}", body) == answer


class TestChanging:
    async def test_a_change_is_told_and_leaves_the_secret_alone(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        status, answer = await ask(api, "PATCH", path, {"redirect_uri": f"{URI}/new"})

        expected = {**without_secret(connection), "redirect_uri": f"{URI}/new"}
        assert (status, answer["data"]) == (200, expected)
        assert (await events_of(api))[1:] == [told(CHANGED, connection, change="updated")]
        assert await refreshes_with(api, clinic, [connection["secret"]]) == [201]

    async def test_a_change_that_changes_nothing_is_not_told(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        answers = [
            await ask(api, "PATCH", path, body) for body in ({}, {"redirect_uri": URI})
        ]

        assert [status for status, _ in answers] == [200, 200]
        assert len(await events_of(api)) == 1

    async def test_a_consumer_must_exist_and_has_one_connection(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        unknown = await refused(api, "PATCH", path, {"consumer_id": NOBODY})
        taken = await refused(api, "PATCH", path, {"consumer_id": str(clinic.client_id)})

        assert unknown == validation(unfit("consumer_id", None, "does not exist"))
        assert taken == validation(unfit("consumer_id", None, "has already been taken"))

    async def test_an_unfit_change_is_refused_with_every_field_named(
        self, api: Api
    ) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"
        body = {"consumer_id": "", "redirect_uri": "http://mis.test"}

        assert await refused(api, "PATCH", path, body) == validation(
            unfit("redirect_uri", "format", "has invalid format", (FORMAT,)),
            unfit("consumer_id", "required", "can't be blank"),
        )

    async def test_a_deleted_connection_is_told_and_its_secret_works_no_more(
        self, api: Api
    ) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        status, _ = await ask(api, "DELETE", path)

        assert status == 204
        assert (await events_of(api))[1:] == [told(CHANGED, connection, change="deleted")]
        assert await refreshes_with(api, clinic, [connection["secret"]]) == [401]
        assert await refused(api, "GET", path) == NOT_FOUND
