"""Bodies to models, with every offending field named (spec §1.2)."""

from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, StringConstraints

from shared.wire.casting import Body, Id, Text, cast, parse_uuid
from shared.wire.envelope import Problem

ID = "6498d88e-97fb-47e2-85a5-99e884f888aa"


class Form(Body):
    id: Id
    name: Text
    kind: Literal["SMS", "EMAIL"] | None = None
    note: Text = "nothing"
    count: int | None = None
    is_on: bool | None = None
    code: Annotated[str, StringConstraints(min_length=2, pattern="^[0-9]+$")] | None = None
    asked: Text = Field("no", alias="2fa_enable")
    tags: list[str] = Field(default=[])
    more: dict[str, str] | None = None


def complaints(**given: Any) -> list[dict[str, Any]]:
    with pytest.raises(Problem) as caught:
        cast(Form, {"id": ID, "name": "x", **given})
    assert (caught.value.status, caught.value.kind) == (422, "validation_failed")
    found: list[dict[str, Any]] = caught.value.rendered()["invalid"]
    return found


def item(field: str, rule: str, params: object, description: str) -> dict[str, Any]:
    return {
        "entry_type": "json_data_property",
        "entry": f"$.{field}",
        "rules": [{"rule": rule, "params": params, "description": description}],
    }


def test_what_is_right_becomes_the_model() -> None:
    form = cast(Form, {"id": ID, "name": " x ", "2fa_enable": "yes", "unknown": []})

    assert form == Form.model_validate({"id": UUID(ID), "name": " x ", "2fa_enable": "yes"})
    assert form.note == "nothing"


@pytest.mark.parametrize("blank", ["", None, " ", " \t\n"])
def test_blank_is_absent_where_a_field_is_required(blank: str | None) -> None:
    assert complaints(name=blank, id=blank) == [
        item("id", "required", [], "can't be blank"),
        item("name", "required", [], "can't be blank"),
    ]


def test_where_it_is_not_required_only_nothing_is_absent() -> None:
    absent = cast(Form, {"id": ID, "name": "x", "note": "", "kind": None})
    spaces = cast(Form, {"id": ID, "name": "x", "note": "  "})

    assert (absent.note, absent.kind, spaces.note) == ("nothing", None, "  ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": 7}, item("name", "cast", ["string"], "is invalid")),
        ({"id": "nonsense"}, item("id", "cast", ["uuid"], "is invalid")),
        ({"id": 7}, item("id", "cast", ["uuid"], "is invalid")),
        ({"count": "7"}, item("count", "cast", ["integer"], "is invalid")),
        ({"is_on": 1}, item("is_on", "cast", ["boolean"], "is invalid")),
        ({"tags": "a"}, item("tags", "cast", ["array"], "is invalid")),
        ({"tags": ["a", 7]}, item("tags[1]", "cast", ["string"], "is invalid")),
        ({"more": []}, item("more", "cast", ["map"], "is invalid")),
        ({"more": {"a": 1}}, item("more.a", "cast", ["string"], "is invalid")),
        ({"kind": "FAX"}, item("kind", "inclusion", ["SMS", "EMAIL"], "is invalid")),
        ({"2fa_enable": 7}, item("2fa_enable", "cast", ["string"], "is invalid")),
        (
            {"name": "x" * 256},
            item("name", "length", {"max": 255}, "should be at most 255 character(s)"),
        ),
        (
            {"code": "1"},
            item("code", "length", {"min": 2}, "should be at least 2 character(s)"),
        ),
        ({"code": "ab"}, item("code", "format", ["^[0-9]+$"], "has invalid format")),
    ],
)
def test_a_field_that_is_wrong_is_named(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert complaints(**given) == [expected]


def test_all_that_is_wrong_is_named_at_once() -> None:
    entries = [found["entry"] for found in complaints(id=7, name="", kind="FAX")]

    assert entries == ["$.id", "$.name", "$.kind"]


def test_entries_may_be_of_an_inner_object() -> None:
    with pytest.raises(Problem) as caught:
        cast(Form, {"id": ID}, prefix="$.user")

    assert caught.value.rendered()["invalid"][0]["entry"] == "$.user.name"


@pytest.mark.parametrize(
    "text", ["", "nonsense", ID[:-1], f"{{{ID}}}", f"{ID}\n", f" {ID}"]
)
def test_an_id_of_a_path_that_is_no_uuid_is_malformed(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_uuid(text)

    assert (caught.value.status, caught.value.kind) == (400, "request_malformed")


@pytest.mark.parametrize("text", [ID, ID.upper()])
def test_an_id_may_be_written_in_either_case(text: str) -> None:
    assert parse_uuid(text) == UUID(ID)
