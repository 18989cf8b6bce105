"""What consumers rely on: each event ever published can still be read, and none has changed."""

import json
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from services.documents import asyncapi, schema_of
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import Event, headers, read_headers

_SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_a_stored_sample_of_each_event_is_read_and_written_the_same(
    event_type: str,
) -> None:
    """A sample is what was published once; it is never edited."""
    sample = json.loads((_SAMPLES / f"{event_type}.json").read_text())

    event = TypeAdapter(CATALOGUE[event_type]).validate_python(sample)

    assert json.loads(event.payload()) == sample
    assert event.key()


def test_every_sample_belongs_to_an_event_that_still_exists() -> None:
    assert {path.stem for path in _SAMPLES.glob("*.json")} == set(CATALOGUE)


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=lambda event: event.type)
def test_an_event_says_what_it_is(event: type[Event]) -> None:
    assert event.__doc__
    assert event.type.startswith("mithril.")
    assert event.type.rsplit(".", 1)[1].startswith("v")
    assert event.topic in {
        *("mithril.tokens", "mithril.accounts"),
        *("abac.decisions", "abac.facts"),
        "audit.checkpoints",
    }


@pytest.mark.parametrize("event", CATALOGUE.values(), ids=lambda event: event.type)
def test_no_event_has_a_place_for_a_secret(event: type[Event]) -> None:
    fields = set(schema_of(event)["properties"])

    assert not fields & {"value", "token", "secret", "password", "code", "digest", "email"}


def test_the_published_document_has_every_event_with_its_schema() -> None:
    document = json.loads(asyncapi())

    messages = document["components"]["messages"]
    assert {message["name"] for message in messages.values()} == set(CATALOGUE)
    addressed = {
        name for channel in document["channels"].values() for name in channel["messages"]
    }
    assert addressed == set(messages)


def test_cloudevents_attributes_survive_the_headers() -> None:
    made = headers(
        event_id=UUID(int=7),
        source="mithril-api",
        event_type="mithril.user.created.v1",
        at=datetime.fromisoformat("2026-11-24T12:00:00+00:00"),
        sequence=3,
        subject="someone",
        traceparent=None,
    )

    assert read_headers(dict(made)) == {
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000007",
        "source": "mithril-api",
        "type": "mithril.user.created.v1",
        "time": "2026-11-24T12:00:00Z",
        "subject": "someone",
        "sequence": "3",
    }
