"""What can be decided: permitted by rules, or refused for a reason."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a question was refused."""

    NO_RULE_MATCHED = "no_rule_matched"
    UNKNOWN_RESOURCE_TYPE = "unknown_resource_type"
    FACTS_UNAVAILABLE = "facts_unavailable"
    MALFORMED_CONTEXT = "malformed_context"
    EVALUATION_ERROR = "evaluation_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Permitted by the rules named, or refused for a reason."""

    result: bool
    rules: tuple[str, ...] = ()
    reason: Reason | None = None


def refused(reason: Reason) -> Decision:
    """A refusal."""
    return Decision(result=False, reason=reason)
