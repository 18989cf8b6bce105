"""The rules, compiled: Cedar policies under the ids of their files, and what identifies the set."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import orjson

from services.abac_api.domain.slices import Slice, slices_of
from services.abac_api.domain.verdicts import Decision

SCHEMA = "schema.cedarschema"

_TYPES = re.compile(r"entity ResourceType enum \[(.*?)\]", re.DOTALL)
_RULE = re.compile(r"^rule_(-?\d+)\Z")


class PolicyError(Exception):
    """A set of policies that may not decide anything; says everything that is wrong with it."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """A set of rules that passed the check. Made by `compiled` alone."""

    version: str
    rules: Mapping[str, str] = field(
        repr=False
    )  # text by id, in the order of their numbers
    resource_types: frozenset[str]
    slices: Mapping[tuple[str, str], Slice] = field(repr=False)
    known: dict[tuple[str, str, bytes], Decision] = field(
        default_factory=dict, repr=False, compare=False
    )  # by action, type of resource and form of the question: see `alike`

    def slice_of(self, action: str, resource_type: str) -> Slice | None:
        """The rules that can apply to an action on a type of resource, if there is any."""
        return self.slices.get((action, resource_type))


def number_of(rule: str) -> int:
    """The number in the name of a rule: the order in which rules are named."""
    match = _RULE.match(rule)
    return 0 if match is None else int(match.group(1))


def compiled(files: Mapping[str, str]) -> Policies:
    """The policies of files by name, the schema among them; `PolicyError` says what is wrong.

    A file holds one policy, annotated with the name of the file as its id.
    """
    schema = files.get(SCHEMA)
    if schema is None:
        raise PolicyError([f"{SCHEMA}: is missing"])
    names = {name.removesuffix(".cedar"): name for name in files if name.endswith(".cedar")}
    rules = {rule: files[names[rule]] for rule in sorted(names, key=number_of)}
    errors = [
        error for rule, text in rules.items() for error in _faults(rule, text, schema)
    ]
    if not rules:
        errors.append("there is no policy")
    types = _types_of(schema)
    if not types:
        errors.append(f"{SCHEMA}: has no enumeration `ResourceType`")
    if errors:
        raise PolicyError(errors)
    return Policies(
        version=_version_of(files),
        rules=rules,
        resource_types=types,
        slices=slices_of({rule: parsed_rule(text) for rule, text in rules.items()}, types),
    )


def parsed_rule(text: str) -> dict[str, Any]:
    """The one policy of a text, as Cedar's JSON."""
    policies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    return dict(next(iter(policies.values())))


def _faults(rule: str, text: str, schema: str) -> list[str]:
    where = f"{rule}.cedar"
    if _RULE.match(rule) is None:
        return [f"{where}: a rule is named `rule_` and a number"]
    try:
        policies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    except ValueError as error:
        return [f"{where}: {error}"]
    if len(policies) != 1:
        return [f"{where}: holds {len(policies)} policies; a file is one rule"]
    [policy] = policies.values()
    if policy.get("annotations", {}).get("id") != rule:
        return [f'{where}: needs the annotation @id("{rule}")']
    checked = cedarpy.validate_policies(text, schema)
    return [f"{where}: {error.error}" for error in checked.errors]


def _types_of(schema: str) -> frozenset[str]:
    try:
        text = str(cedarpy.Schema.from_str(schema))  # without comments
    except ValueError:
        return frozenset()
    found = _TYPES.search(text)
    return frozenset(re.findall(r'"([^"]+)"', found.group(1))) if found else frozenset()


def _version_of(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            raw = part.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:32]
