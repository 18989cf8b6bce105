"""Questions that differ in names alone have one decision, so Cedar need be asked only once.

Rules that only ask whether ids are the same, or one of some, cannot tell one id from
another: rename the ids of a question, each to another, and the decision stays. So a decision
is known by the form of its question, in which ids are numbered in order of appearance. Most
of what Cedar costs is reading a question; most questions of a day have one of a few forms.
"""

import re
from typing import Any

_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Of Cedar's JSON (policies/json-format in its documentation) what looks at an id as a whole.
_BLIND = frozenset(
    {"==", "!=", "&&", "||", "!", "in", "if-then-else", ".", "has", "Set", "Record"}
    | {"contains", "containsAll", "containsAny", "isEmpty"}
)
_NAMES_SEEN = frozenset({"action", "resource", "context"})  # what a form is told with


def form_of(context: bytes) -> bytes:
    """The JSON of a question with its ids numbered.

    The numbers are written as ids too, so that no other text can be mistaken for one: every
    text that holds an id is renamed, and to another text than every other.
    """
    numbers: dict[bytes, bytes] = {}

    def numbered(found: re.Match[bytes]) -> bytes:
        name = found[0]
        number = numbers.get(name)
        if number is None:
            number = numbers[name] = b"00000000-0000-0000-0000-%012x" % len(numbers)
        return number

    return _ID.sub(numbered, context)


def is_blind_to_names(node: Any) -> bool:
    """Whether an expression of Cedar's JSON decides alike when ids are renamed.

    It does if it knows no id by name, and does nothing with a text but compare it.
    """
    if isinstance(node, list):
        return all(map(is_blind_to_names, node))
    if not isinstance(node, dict):
        return True
    return all(_is_blind(operator, value) for operator, value in node.items())


def _is_blind(operator: str, value: Any) -> bool:
    match operator:
        case "Var":
            return value in _NAMES_SEEN
        case "Value":
            return _ID.search(str(value).encode()) is None
        case "." | "has":
            return is_blind_to_names(value["left"])
        case "Record":
            return all(map(is_blind_to_names, value.values()))
        case "if-then-else":
            return all(map(is_blind_to_names, value.values()))
        case _ if operator in _BLIND:
            operands = value.values() if isinstance(value, dict) else value
            return all(map(is_blind_to_names, operands))
        case _:
            return False
