"""AuthZEN's information model (§5) as questions of ours.

    subject   type `user`, id, properties client_id, client_type, mis_client_id, person_id
    action    name
    resource  type, id (`*` asks for a list), properties patient_id, episode_id, …
    context   contexts: [{type, id}], or patient_id, episode_id, … beside one another

What is no request of AuthZEN is malformed (400). What is one, but speaks of things that
cannot be ours (an id that is no UUID), is a question all the same: refused, and recorded
under the nil UUID.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.abac_api.domain.attributes import PLACES
from services.abac_api.domain.questions import Question, asked, type_of
from shared.models.access import Consumer, Context, Resource

ITEM_KEYS = ("subject", "action", "resource", "context")
_MOST_ITEMS = 1000
_LONGEST = 255
_NIL = UUID(int=0)
_NAMED = frozenset({"patient", *PLACES, "managing_organization", "requester_legal_entity"})


class MalformedError(Exception):
    """The body is no request of AuthZEN."""


class Semantic(StrEnum):
    """How far a batch is carried out (§7.1.2.1)."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


def batch_of(body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Semantic]:
    """The items of a batch and its semantic; no items where there are none."""
    items = body.get("evaluations", [])
    options = body.get("options", {})
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedError("`evaluations` must be an array of objects")
    if len(items) > _MOST_ITEMS:
        raise MalformedError(f"`evaluations` may hold at most {_MOST_ITEMS} items")
    if not isinstance(options, dict):
        raise MalformedError("`options` must be an object")
    named = options.get("evaluations_semantic", Semantic.EXECUTE_ALL)
    if named not in list(Semantic):
        raise MalformedError(f"`evaluations_semantic` must be one of {', '.join(Semantic)}")
    return items, Semantic(named)


def question_of(body: Mapping[str, Any]) -> Question:
    """The question of an evaluation."""
    subject, action, resource = (
        _object(body, key) for key in ("subject", "action", "resource")
    )
    context = _object(body, "context") if "context" in body else {}
    properties = _properties(subject, "subject")
    reader = _Reader()
    is_list = _text(resource, "resource", "id") == "*"
    consumer = Consumer(
        user_id=reader.id(_text(subject, "subject", "id")),
        client_id=reader.id(properties.get("client_id")),
        client_type=reader.text(properties.get("client_type")),
        mis_client_id=reader.maybe_id(properties.get("mis_client_id")),
        person_id=reader.maybe_id(properties.get("person_id")),
    )
    reader.require(_text(subject, "subject", "type") == "user")
    question = asked(
        consumer,
        Resource(
            type=_text(resource, "resource", "type"),
            action=_text(action, "action", "name"),
            id=None if is_list else reader.id(resource["id"]),
        ),
        reader.contexts(context, _properties(resource, "resource")),
    )
    _properties(action, "action")
    return replace(question, is_malformed=reader.is_malformed)


class _Reader:
    """Reads ids; remembers whether anything was none."""

    def __init__(self) -> None:
        self.is_malformed = False

    def require(self, holds: bool) -> None:
        self.is_malformed = self.is_malformed or not holds

    def id(self, value: object) -> UUID:
        try:
            return UUID(value if isinstance(value, str) and len(value) == 36 else "")
        except ValueError:
            self.is_malformed = True
            return _NIL

    def maybe_id(self, value: object) -> UUID | None:
        return None if value is None else self.id(value)

    def text(self, value: object) -> str | None:
        self.require(value is None or (isinstance(value, str) and len(value) <= 255))
        return value if isinstance(value, str) else None

    def contexts(
        self, context: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> tuple[Context, ...]:
        found = [
            Context(type=type_of(name), id=self.id(value))
            for source in (context, properties)
            for name, value in source.items()
            if type_of(name) in _NAMED
        ]
        listed = context.get("contexts", [])
        if not isinstance(listed, list):
            self.is_malformed = True
            listed = []
        for item in listed:
            if not isinstance(item, dict) or not isinstance(item.get("type"), str):
                self.is_malformed = True
                continue
            found.append(Context(type=item["type"], id=self.id(item.get("id"))))
        return tuple(dict.fromkeys(found))


def _object(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key)
    if not isinstance(value, dict):
        raise MalformedError(f"`{key}` must be an object")
    return value


def _properties(entity: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = entity.get("properties", {})
    if not isinstance(value, dict):
        raise MalformedError(f"`{name}.properties` must be an object")
    return value


def _text(entity: Mapping[str, Any], name: str, key: str) -> str:
    value = entity.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise MalformedError(f"`{name}.{key}` must be a string of 1 to {_LONGEST} letters")
    return value
