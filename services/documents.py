"""Documents that are generated from the code, so that they cannot say otherwise: `mithril docs`."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter

from services.mithril_api.app import describe
from services.scheduler import retention
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import Event

_ROOT = Path(__file__).parent.parent
cli = typer.Typer(no_args_is_help=True, help="The generated documents in docs/.")


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON schema of an event's data."""
    schema = TypeAdapter(event).json_schema(mode="serialization")
    schema["description"] = " ".join((event.__doc__ or "").split())
    schema["title"] = event.__name__
    return schema


def asyncapi() -> str:
    """An AsyncAPI 3.0 document of every topic and event."""
    topics: dict[str, list[type[Event]]] = {}
    for event in CATALOGUE.values():
        topics.setdefault(event.topic, []).append(event)
    channels = {
        topic: {
            "address": topic,
            "messages": {
                event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
                for event in events
            },
            "bindings": {"kafka": {"topic": topic}},
        }
        for topic, events in sorted(topics.items())
    }
    operations = {
        f"publish {topic}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic}"},
        }
        for topic in channels
    }
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mithril events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in Kafka's binary content mode: attributes are headers "
                "`ce_…`, the value is the JSON data. `ce_sequence` has no gaps within a "
                "`ce_source`; delivery is at least once, so keep each `ce_id` once. Where a "
                "user asked for what an event tells (an administrator, by an access token), "
                "its data has `actor_id`, too."
            ),
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {event.__name__: _message(event) for event in CATALOGUE.values()}
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _message(event: type[Event]) -> dict[str, Any]:
    attribute = {"type": "string"}
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split()),
        "headers": {
            "type": "object",
            "required": [
                "ce_specversion",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_time",
                "ce_subject",
                "ce_sequence",
            ],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": {"type": "string", "format": "uuid"},
                "ce_source": attribute,
                "ce_type": {"const": event.type},
                "ce_time": {"type": "string", "format": "date-time"},
                "ce_subject": attribute,
                "ce_sequence": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                "ce_traceparent": attribute,
            },
        },
        "payload": schema_of(event),
    }


def events() -> str:
    """The catalogue of events for people."""
    lines = [
        "# Events",
        "",
        "Generated from `shared/events`; `make docs` writes it anew. The exact schemas are in",
        "[asyncapi.json](asyncapi.json). Fields are added, never changed; a new meaning is a new",
        "`….v2`.",
        "",
        "Where a user asked for what an event tells (an administrator, by an access token), its",
        "data has one field more: `actor_id`, the id of that user.",
    ]
    for topic in sorted({event.topic for event in CATALOGUE.values()}):
        lines += [
            "",
            f"## Topic `{topic}`",
            "",
            "| type | says | fields |",
            "|---|---|---|",
        ]
        for event in CATALOGUE.values():
            if event.topic == topic:
                says = " ".join((event.__doc__ or "").split())
                fields = ", ".join(f"`{name}`" for name in schema_of(event)["properties"])
                lines.append(f"| `{event.type}` | {says} | {fields} |")
    return "\n".join(lines) + "\n"


def openapi() -> str:
    """The OpenAPI document of both listeners of mithril-api."""
    return json.dumps(describe(), indent=1, ensure_ascii=False) + "\n"


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/asyncapi.json": asyncapi,
    "docs/events.md": events,
    "docs/openapi.json": openapi,
    "docs/retention.md": retention.render,
}


@cli.command("write")
def write() -> None:
    """Write every generated document."""
    for name, make in DOCUMENTS.items():
        (_ROOT / name).write_text(make())
        typer.echo(f"wrote {name}")


@cli.command("check")
def check() -> None:
    """Exit 1, naming each generated document that does not say what the code says."""
    stale = [
        name
        for name, make in DOCUMENTS.items()
        if not (_ROOT / name).exists() or (_ROOT / name).read_text() != make()
    ]
    for name in stale:
        typer.echo(f"{name} is out of date: run `make docs`", err=True)
    sys.exit(1 if stale else 0)
