"""What a handler takes and gives, said beside it: what an OpenAPI document is made of.

A handler is declared with `operation`; whatever is wrapped around it (who may call, how
refusals are written) declares what it adds with `layer`. A route therefore knows all of it,
and nothing has to be written down a second time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

Declared = TypeVar("Declared", bound=Callable[..., Any])
Style: TypeAlias = Literal["envelope", "oauth"]

_OPERATION, _LAYER = "mithril_operation", "mithril_layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """A body: any of these models. `wrapper`: the key that it stands under.

    `{}` in a wrapper is the first argument that the route gives the handler.
    """

    models: tuple[type[BaseModel], ...]
    wrapper: str | None = None
    media: str = "application/json"
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gives:
    """A success. `data` is a type whose schema is the data's; none: there is no body.

    `enveloped`: in the envelope of the eHealth contract, with `urgent` and `paging` as given.
    """

    data: Any = None
    status: int = 200
    enveloped: bool = True
    many: bool = False
    paging: str = ""  # the parameter that numbers pages
    urgent: Any = None
    media: str = "application/json"
    headers: tuple[str, ...] = ()
    says: str = ""  # what the status means here


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """A credential: a security scheme of the document, and the scopes that it must have."""

    scheme: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a handler takes and gives. What it does, its docstring says.

    `needs`: any of them; none where anybody may call, or where the caller is in the body.
    """

    takes: Takes | None = None
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    gives: tuple[Gives, ...]
    refuses: tuple[int, ...] = ()
    needs: tuple[Needs, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)  # of what it takes
    summary: str = ""  # where there is no docstring


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What something around a handler adds to it."""

    style: Style | None = None
    refuses: tuple[int, ...] = ()
    needs: tuple[Needs, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """All that is declared of a route's handler, from the outside in."""

    operation: Operation
    layers: tuple[Layer, ...]
    doc: str
    arguments: tuple[Any, ...]  # that the route gives it beside the request


class UndeclaredError(Exception):
    """A route whose handler does not say what it takes and gives."""


def operation(
    *gives: Gives,
    takes: Takes | None = None,
    query: type[BaseModel] | None = None,
    headers: Mapping[str, str] | None = None,
    refuses: tuple[int, ...] = (),
    needs: tuple[Needs, ...] = (),
    examples: Mapping[str, Any] | None = None,
    summary: str = "",
) -> Callable[[Declared], Declared]:
    """Declare what a handler takes and gives."""
    declared = Operation(
        takes=takes,
        query=query,
        headers=headers or {},
        gives=gives,
        refuses=refuses,
        needs=needs,
        examples=examples or {},
        summary=summary,
    )

    def declare(handler: Declared) -> Declared:
        vars(handler)[_OPERATION] = declared
        return handler

    return declare


def around(outer: Declared, handler: Callable[..., Any], layer: Layer) -> Declared:
    """`outer`, which is known to be around `handler` and to add the layer."""
    outer.__name__ = getattr(handler, "__name__", "handler")
    vars(outer)[_LAYER] = (layer, handler)
    return outer


def style_of(handler: Callable[..., Any]) -> Style | None:
    """How whatever is around a handler writes refusals."""
    found: tuple[Layer, object] = vars(handler).get(_LAYER, (Layer(), None))
    return found[0].style


def described(handler: Callable[..., Any]) -> Described:
    """What is declared of a handler and of what is around it.

    Raises:
        UndeclaredError: nothing is.
    """
    layers: list[Layer] = []
    arguments: tuple[Any, ...] = ()
    while (found := vars(handler).get(_OPERATION)) is None:
        if _LAYER in vars(handler):
            layer, handler = vars(handler)[_LAYER]
            layers.append(layer)
        elif isinstance(handler, partial):
            arguments, handler = handler.args, handler.func
        else:
            raise UndeclaredError(getattr(handler, "__qualname__", repr(handler)))
    return Described(
        operation=found,
        layers=tuple(layers),
        doc="" if isinstance(handler, partial) else (handler.__doc__ or ""),
        arguments=arguments,
    )
