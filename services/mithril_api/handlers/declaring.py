"""What the declarations of many handlers have in common (see `shared/wire/operations.py`)."""

from typing import Any

from pydantic import BaseModel
from typing_extensions import TypedDict

from shared.runtime.platform import SERVICE_TOKEN
from shared.wire.operations import Gives, Needs, Takes

CONSUMER_HEADER = {
    "x-consumer-id": "The user on whose behalf it is, where the platform calls."
}
API_KEY_HEADER = {
    "api-key": "The key of the broker, where the token's client is behind one."
}

GONE = Gives(status=204)
ANYBODY = (Needs(scheme=""),)
STEP = (Needs(scheme="stepToken"),)


class RedirectObject(TypedDict):
    """Where the browser goes now."""

    redirect_uri: str


class EmptyObject(TypedDict):
    """Nothing more than that it is done."""


def wrapped(key: str, *models: type[BaseModel]) -> Takes:
    """An object of any of the models, under the key."""
    return Takes(models=models, wrapper=key)


def page_of(data: Any, *, number: str = "page") -> Gives:
    """A page of a list."""
    return Gives(data=data, many=True, paging=number)


def list_of(data: Any) -> Gives:
    """A list on one page."""
    return Gives(data=data, many=True)


def made(data: Any) -> Gives:
    """201, and where it is."""
    return Gives(data=data, status=201, headers=("Location",))


def consumer(scope: str) -> tuple[Needs, ...]:
    """A user whose token has the scope, or the platform that says which user it is."""
    return (Needs(scheme="accessToken", scopes=(scope,)), SERVICE_TOKEN)
