"""What a request needs: the first rule whose path and method are the request's (spec §7.2)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

from shared.models.access import Context, Resource

Period: TypeAlias = Literal["second", "minute", "hour", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `most` requests of one token in each period of `seconds`."""

    period: Period
    seconds: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Where an id is taken from: a named capture of the path, or an argument of the query."""

    source: Literal["path", "query"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The question for abac-api that a rule makes of a request."""

    action: str
    resource: str
    resource_id: Value | None = None
    contexts: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the file. With `api_key` it is for a MIS that comes without a user."""

    line: int
    path: re.Pattern[str]
    methods: frozenset[str]
    scopes: tuple[str, ...]
    ask: Ask | None = None
    api_key: bool = False
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A whole file. `limits` count where no rule matches."""

    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = field(default=())

    def find(self, method: str, path: str) -> tuple[Rule, Mapping[str, str]] | None:
        """The first rule for a request and what its path captured."""
        for rule in self.rules:
            if method in rule.methods:
                match = rule.path.fullmatch(path)
                if match is not None:
                    return rule, match.groupdict()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What abac-api is asked, but for who asks."""

    resource: Resource
    contexts: tuple[Context, ...]


def question_of(
    ask: Ask, captures: Mapping[str, str], query: Sequence[tuple[str, str]]
) -> Question | None:
    """The question; none where the request lacks an id that it needs, or has it twice."""

    def id_of(value: Value) -> UUID | None:
        if value.source == "path":
            found = [captures[value.name]] if captures.get(value.name) else []
        else:
            found = [text for name, text in query if name == value.name]
        if len(found) != 1:
            return None
        try:
            return UUID(found[0])
        except ValueError:
            return None

    resource_id = None if ask.resource_id is None else id_of(ask.resource_id)
    if ask.resource_id is not None and resource_id is None:
        return None
    contexts = []
    for kind, value in ask.contexts:
        context_id = id_of(value)
        if context_id is None:
            return None
        contexts.append(Context(type=kind, id=context_id))
    resource = Resource(type=ask.resource, action=ask.action, id=resource_id)
    return Question(resource=resource, contexts=tuple(contexts))
