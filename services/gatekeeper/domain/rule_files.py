"""Reading a rules file: what is wrong in it is told whole, each mistake with its line."""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import get_args

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from services.gatekeeper.domain.rules import Ask, Limit, Period, Rule, Rules, Value
from shared.models.access import Action

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = MappingProxyType(dict(zip(get_args(Period), (1, 60, 3600, 86_400), strict=True)))
_VALUE = re.compile(r"^(path|query)\.([A-Za-z_][A-Za-z0-9_]*)\Z")
_SCOPE = re.compile(r"^[\x21\x23-\x5b\x5d-\x7e]+\Z")  # RFC 6749 §3.3
_STRING, _WHOLE, _BOOLEAN = (f"tag:yaml.org,2002:{tag}" for tag in ("str", "int", "bool"))


class RuleFileError(Exception):
    """The file cannot be used. `mistakes` are `line N: …`, in order."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistakes))


def read_rules(text: str) -> Rules:
    """The rules of a file; `RuleFileError` names every mistake."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        problem = getattr(error, "problem", None) or "cannot be read as YAML"
        raise RuleFileError([f"line {line}: {problem}"]) from None
    reader = _Reader()
    rules = reader.file(root)
    if reader.mistakes:
        raise RuleFileError(
            [f"line {line}: {what}" for line, what in sorted(reader.mistakes)]
        )
    return rules


class _Reader:
    """Goes through the nodes, since they know their lines, and notes what is wrong."""

    def __init__(self) -> None:
        self.mistakes: list[tuple[int, str]] = []
        self._taken: dict[tuple[str, str], int] = {}

    def file(self, root: Node | None) -> Rules:
        if not isinstance(root, MappingNode):
            self.mistakes.append((1, "must have `rules`"))
            return Rules(rules=())
        fields = self._fields(root, required=("rules",), optional=("limits",))
        limits = self._limits(fields.get("limits"))
        listed = self._items(fields.get("rules"), "rules")
        rules = tuple(self._rule(node, limits) for node in listed)
        if "rules" in fields and not rules:
            self._wrong(fields["rules"], "`rules` must have at least one rule")
        return Rules(rules=tuple(rule for rule in rules if rule is not None), limits=limits)

    def _rule(self, node: Node, limits: tuple[Limit, ...]) -> Rule | None:
        if not isinstance(node, MappingNode):
            self._wrong(node, "a rule must be a mapping")
            return None
        fields = self._fields(
            node,
            required=("path", "methods", "scopes"),
            optional=("abac", "api_key", "limits"),
        )
        path = self._path(fields.get("path"))
        methods = self._texts(fields.get("methods"), "methods", allowed=_METHODS)
        if "methods" in fields and not methods:
            self._wrong(fields["methods"], "`methods` must name at least one")
        ask = self._ask(fields.get("abac"), path)
        by_key = self._boolean(fields.get("api_key"), "api_key")
        if by_key and ask is not None:
            self._wrong(fields["abac"], "a rule with `api_key` has no user to ask for")
        scopes = self._texts(fields.get("scopes"), "scopes", pattern=_SCOPE)
        if path is None:
            return None
        self._is_first(node, path, methods)
        return Rule(
            line=_line(node),
            path=path,
            methods=frozenset(methods),
            scopes=scopes,
            ask=ask,
            api_key=by_key,
            limits=self._limits(fields["limits"]) if "limits" in fields else limits,
        )

    def _is_first(self, node: Node, path: re.Pattern[str], methods: Sequence[str]) -> None:
        for method in methods:
            former = self._taken.setdefault((path.pattern, method), _line(node))
            if former != _line(node):
                text = f"never reached: line {former} has {method} of the same path"
                self._wrong(node, text)

    def _path(self, node: Node | None) -> re.Pattern[str] | None:
        text = self._text(node, "path")
        if node is None or text is None:
            return None
        if not text.startswith("/"):
            self._wrong(node, "`path` must begin with `/`")
        try:
            return re.compile(text)
        except re.error as error:
            self._wrong(node, f"`path` is no regular expression: {error}")
            return None

    def _ask(self, node: Node | None, path: re.Pattern[str] | None) -> Ask | None:
        if node is None:
            return None
        if not isinstance(node, MappingNode):
            self._wrong(node, "`abac` must be a mapping")
            return None
        fields = self._fields(
            node, required=("action", "resource"), optional=("resource_id", "contexts")
        )
        action = self._text(fields.get("action"), "action", allowed=frozenset(Action))
        resource = self._text(fields.get("resource"), "resource")
        resource_id = self._value(fields.get("resource_id"), "resource_id", path)
        contexts = tuple(self._contexts(fields.get("contexts"), path))
        return Ask(
            action=action or "",
            resource=resource or "",
            resource_id=resource_id,
            contexts=contexts,
        )

    def _contexts(
        self, node: Node | None, path: re.Pattern[str] | None
    ) -> Iterator[tuple[str, Value]]:
        for item in self._items(node, "contexts"):
            if not isinstance(item, MappingNode):
                self._wrong(item, "a context must be a mapping")
                continue
            fields = self._fields(item, required=("type", "id"))
            kind = self._text(fields.get("type"), "type")
            value = self._value(fields.get("id"), "id", path)
            if kind is not None and value is not None:
                yield kind, value

    def _value(
        self, node: Node | None, name: str, path: re.Pattern[str] | None
    ) -> Value | None:
        text = self._text(node, name)
        if node is None or text is None:
            return None
        match = _VALUE.match(text)
        if match is None:
            self._wrong(node, f"`{name}` must be `path.NAME` or `query.NAME`")
            return None
        captured = match[2]
        if match[1] == "query":
            return Value(source="query", name=captured)
        if path is not None and captured not in path.groupindex:
            self._wrong(node, f"`{name}`: the path captures no `{captured}`")
        return Value(source="path", name=captured)

    def _limits(self, node: Node | None) -> tuple[Limit, ...]:
        if node is None:
            return ()
        if not isinstance(node, MappingNode):
            self._wrong(node, "`limits` must be a mapping")
            return ()
        fields = self._fields(node, optional=tuple(_SECONDS))
        made: list[Limit] = []
        for period, seconds in _SECONDS.items():
            most = self._whole(fields.get(period), period)
            if most is None:
                continue
            if made and most < made[-1].most:
                text = f"`{period}` may not be less than `{made[-1].period}`"
                self._wrong(fields[period], text)
            made.append(Limit(period=period, seconds=seconds, most=most))
        return tuple(made)

    def _fields(
        self,
        node: MappingNode,
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
    ) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self._wrong(key, f"`{name}` is there twice")
            elif name not in required and name not in optional:
                self._wrong(key, f"`{name}` is not known here")
            else:
                found[name] = value
        for name in required:
            if name not in found:
                self._wrong(node, f"`{name}` is missing")
        return found

    def _items(self, node: Node | None, name: str) -> list[Node]:
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self._wrong(node, f"`{name}` must be a list")
            return []
        return list(node.value)

    def _texts(
        self,
        node: Node | None,
        name: str,
        *,
        allowed: frozenset[str] | None = None,
        pattern: re.Pattern[str] | None = None,
    ) -> tuple[str, ...]:
        texts = []
        for item in self._items(node, name):
            text = self._text(item, name, allowed=allowed)
            if text is None:
                continue
            if pattern is not None and pattern.match(text) is None:
                self._wrong(item, f"`{name}`: {text!r} is none")
            texts.append(text)
        return tuple(dict.fromkeys(texts))

    def _text(
        self, node: Node | None, name: str, *, allowed: frozenset[str] | None = None
    ) -> str | None:
        if node is None:
            return None
        text = _scalar(node, _STRING)
        if not text:
            self._wrong(node, f"`{name}` must be text")
            return None
        if allowed is not None and text not in allowed:
            self._wrong(node, f"`{name}` must be one of {', '.join(sorted(allowed))}")
            return None
        return text

    def _whole(self, node: Node | None, name: str) -> int | None:
        if node is None:
            return None
        text = _scalar(node, _WHOLE)
        if text is None or not text.isdecimal() or int(text) < 1:
            self._wrong(node, f"`{name}` must be a whole number above 0")
            return None
        return int(text)

    def _boolean(self, node: Node | None, name: str) -> bool:
        if node is None:
            return False
        text = _scalar(node, _BOOLEAN)
        if text not in {"true", "false"}:
            self._wrong(node, f"`{name}` must be true or false")
        return text == "true"

    def _wrong(self, node: Node, what: str) -> None:
        self.mistakes.append((_line(node), what))


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _scalar(node: Node, tag: str) -> str | None:
    if not isinstance(node, ScalarNode) or node.tag != tag:
        return None
    return str(node.value)
