"""What tests of /admin/* for users ask, and how they write what they expect."""

from typing import Any

from tests.integration.mithril_api.conftest import Api

Answered = tuple[int, dict[str, Any]]

MALFORMED = (
    400,
    {
        "type": "request_malformed",
        "message": "Malformed request. Probably, you have sent corrupted JSON.",
        "invalid": [{"entry_type": "request", "rules": [{"rule": "json"}]}],
    },
)
NOT_FOUND = (404, {"type": "not_found"})
NOBODY = "11111111-1111-4111-8111-111111111111"
PASSWORD = "Correct-Horse-9"


async def ask(
    api: Api,
    method: str,
    path: str,
    body: Any = None,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Answered:
    """Ask the internal listener as the platform. A 204 has no body."""
    response = await api.internal.request(
        method, f"/admin{path}", json=body, params=query, headers=headers
    )
    return response.status, {} if response.status == 204 else await response.json()


async def refused(
    api: Api, method: str, path: str, body: Any = None, **but: Any
) -> tuple[int, Any]:
    """The status and the error of an answer that refuses."""
    status, answer = await ask(api, method, path, body, **but)
    return status, answer["error"]


async def ids_of(api: Api, path: str, **query: str) -> list[str]:
    """The ids of a list, in its order."""
    status, body = await ask(api, "GET", path, query=query)
    assert status == 200
    return [item["id"] for item in body["data"]]


async def a_user(api: Api, email: str = "doctor@clinic.test", **but: Any) -> dict[str, Any]:
    """An account made through the API, without a second factor unless asked for."""
    user = {"email": email, "password": PASSWORD, "2fa_enable": False, **but}
    status, body = await ask(api, "POST", "/users", {"user": user})
    assert status == 201, body
    data: dict[str, Any] = body["data"]
    return data


def unfit(
    field: str, rule: str | None, description: str, params: Any = ()
) -> dict[str, Any]:
    """One entry of `invalid`."""
    params = list(params) if isinstance(params, tuple) else params
    found = {"rule": rule, "params": params, "description": description}
    return {
        "entry_type": "json_data_property",
        "entry": f"$.{field}",
        "rules": [found],
    }


def validation(*invalid: dict[str, Any]) -> tuple[int, Any]:
    """The answer that names these fields."""
    text = (
        "Validation failed. You can find validators description at our API Manifest: "
        "http://docs.apimanifest.apiary.io/#introduction/interacting-with-api/errors."
    )
    error = {"type": "validation_failed", "message": text, "invalid": list(invalid)}
    return 422, error


def conflict(message: str) -> tuple[int, Any]:
    """The answer that something is so already."""
    return 409, {"type": "request_conflict", "message": message}


def tokens_revoked(
    selector: str, reason: str, *, count: int = 1, **but: Any
) -> tuple[str, dict[str, Any]]:
    """The event that tokens stopped working; ids as they are given."""
    ids = ("user_id", "client_id", "app_id", "family_id", "token_id")
    chosen = dict.fromkeys(ids) | {name: str(item) for name, item in but.items()}
    data = {"selector": selector, "reason": reason, **chosen, "count": count}
    return "mithril.token.revoked.v1", data
