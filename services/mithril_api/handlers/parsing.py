"""Queries and changes to models: what `cast` does, for what is no fresh body."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.mithril_api.domain.factors import PHONE
from shared.wire.casting import Model, Text, cast, parse_uuid
from shared.wire.envelope import Invalid, Problem, validation_failed

_DEEPEST = 32  # objects within objects; the encoder gives up at some hundreds
_PHONE = re.compile(PHONE.removesuffix("$"))


def _flag(value: object) -> object:
    known = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise PydanticCustomError("cast", "is invalid", {"params": ["boolean"]})


Flag = Annotated[  # a boolean in a query
    bool,
    BeforeValidator(_flag),
    WithJsonSchema(
        {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)$"}
    ),
]


def _email(text: str) -> str:
    try:
        # Syntax alone: names reserved for tests are as good as any.
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise PydanticCustomError("email", "is not a valid email") from None
    return text


def _phone(text: str) -> str:
    if _PHONE.fullmatch(text) is None:
        raise PydanticCustomError("format", "invalid phone", {"params": [PHONE]})
    return text


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [item for outer in level for item in _inside(outer)]
        if not level:
            return value
    raise PydanticCustomError("cast", "is invalid", {"params": ["map"]})


def _inside(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


Email = Annotated[
    Text, AfterValidator(_email), Field(json_schema_extra={"format": "email"})
]
Phone = Annotated[Text, AfterValidator(_phone), Field(json_schema_extra={"pattern": PHONE})]
JsonObject = Annotated[dict[str, Any], AfterValidator(_shallow)]  # of a sane depth


def uuid_list(text: str) -> list[UUID]:
    """The ids of a comma-separated list; one that is no UUID is MALFORMED (400)."""
    return [parse_uuid(item.strip()) for item in text.split(",") if item.strip()]


def cast_query(model: type[Model], request: web.Request) -> Model:
    """The filters of a query; 422 names every one that is unfit."""
    return cast(model, dict(request.query))


def cast_beside(
    model: type[Model], value: Mapping[str, Any], complaints: Sequence[Invalid]
) -> Model:
    """The model; or 422 that names its complaints and those found beside it."""
    try:
        made = cast(model, value)
    except Problem as problem:
        raise validation_failed([*problem.invalid, *complaints]) from None  # type: ignore[list-item]  # as `cast` makes them
    if complaints:
        raise validation_failed(complaints)
    return made


def cast_new(model: type[Model], value: Mapping[str, Any]) -> Model:
    """The model of something new: a text of nothing but spaces counts as absent."""
    return cast(model, without_blanks(value))


def without_blanks(value: Mapping[str, Any]) -> dict[str, Any]:
    """What is said at all."""
    return {name: item for name, item in value.items() if not _is_blank(item)}


def _is_blank(item: object) -> bool:
    return item is None or (isinstance(item, str) and not item.strip())


def blanked(value: Mapping[str, Any], required: Iterable[str]) -> list[Invalid]:
    """Complaints about required fields that a change would take away."""
    return [
        Invalid(entry=f"$.{name}", rule="required", description="can't be blank")
        for name in required
        if name in value and _is_blank(value[name])
    ]
