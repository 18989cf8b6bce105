"""For an action on a type of resource: the rules that can apply, made short for Cedar.

A rule that names other types says no by its first condition, so Cedar need not read it; a
rule that names this type says yes by it, so Cedar need not read that condition. Nor need it
read attributes that no rule of the slice looks at. The answers stay the same: a test asks
the whole rules too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import orjson

from services.abac_api.domain.alike import is_blind_to_names
from services.abac_api.domain.expressions import looks_of
from shared.models.access import Action

_EVERYTHING = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some rules, and what of the attributes they look at."""

    policies: cedarpy.PolicySet = field(repr=False)
    # Of each attribute of the context the fields that are looked at; `None`: all of it.
    fields: Mapping[str, frozenset[str] | None] | None
    is_blind: bool  # to names: see `alike`

    def seen_of(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Of attributes what these rules look at."""
        if self.fields is None:
            return attributes
        seen = {}
        for name, wanted in self.fields.items():
            value = attributes.get(name)
            if value is not None:
                seen[name] = value if wanted is None else _only(value, wanted)
        return seen


def slices_of(
    rules: Mapping[str, dict[str, Any]], types: frozenset[str]
) -> dict[tuple[str, str], Slice]:
    """The slices of parsed rules by action and type of resource; none where no rule is."""
    made: dict[tuple[tuple[str, bool], ...], Slice] = {}
    slices = {}
    for action in Action:
        for kind in types:
            # Of each rule that can apply: whether its first condition is settled by the type.
            chosen = tuple(
                (rule, named is not None)
                for rule, policy in rules.items()
                if _allows(policy, action)
                and ((named := _types_named(policy)) is None or kind in named)
            )
            if not chosen:
                continue
            if chosen not in made:
                made[chosen] = _slice([_short(rules[rule], cut) for rule, cut in chosen])
            slices[action.value, kind] = made[chosen]
    return slices


def _allows(policy: dict[str, Any], action: Action) -> bool:
    scope = policy["action"]
    return not (scope["op"] == "==" and scope["entity"]["id"] != action)


def _types_named(policy: dict[str, Any]) -> frozenset[str] | None:
    """The types that a policy is confined to by its first condition, where that is all it says."""
    match policy["conditions"][:1]:
        case [
            {
                "kind": "when",
                "body": {
                    "contains": {"left": {"Set": list(items)}, "right": {"Var": "resource"}}
                },
            }
        ] if all("Value" in item for item in items):
            return frozenset(item["Value"]["__entity"]["id"] for item in items)
    return None


def _short(policy: dict[str, Any], cut: bool) -> dict[str, Any]:
    return {**policy, "conditions": policy["conditions"][1 if cut else 0 :]}


def _slice(policies: list[dict[str, Any]]) -> Slice:
    named = {f"p{number}": policy for number, policy in enumerate(policies)}
    whole = {"staticPolicies": named, "templates": {}, "templateLinks": []}
    text = cedarpy.policies_from_json_str(orjson.dumps(whole).decode())
    return Slice(
        policies=cedarpy.PolicySet.from_str(text),
        fields=_fields_of([policy["conditions"] for policy in policies]),
        is_blind=all(map(_is_blind, policies)),
    )


def _is_blind(policy: dict[str, Any]) -> bool:
    return policy["principal"] == {"op": "All"} and all(
        is_blind_to_names(condition["body"]) for condition in policy["conditions"]
    )


def _fields_of(conditions: list[Any]) -> Mapping[str, frozenset[str] | None] | None:
    fields: dict[str, frozenset[str] | None] = {}
    for look in looks_of(conditions):
        if look.path[0] != "context":
            continue
        match look.path[1:]:
            case ():
                return _EVERYTHING
            case (name,) if look.whether:
                fields.setdefault(name, frozenset())
            case (name,):
                fields[name] = _EVERYTHING
            case (name, wanted, *_):
                known = fields.get(name, frozenset())
                fields[name] = None if known is None else known | {wanted}
    return fields


def _only(value: Any, wanted: frozenset[str]) -> Any:
    return {name: item for name, item in value.items() if name in wanted}
