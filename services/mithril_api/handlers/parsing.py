"""Queries and changes to models: what `cast` does, for what is no fresh body."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.wire.casting import Model, cast
from shared.wire.envelope import Invalid, Problem, validation_failed


def _flag(value: object) -> object:
    known = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise PydanticCustomError("cast", "is invalid", {"params": ["boolean"]})


Flag = Annotated[bool, BeforeValidator(_flag)]  # a boolean in a query


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
