"""What a Kafka record says."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.abac_log_consumer.domain.records import (
    Decision,
    Delivered,
    TokenEvent,
    Unreadable,
    name_of,
    read,
)
from shared.events.accounts import ClientUpdated
from shared.events.envelope import Event, headers

AT = datetime(2026, 11, 24, 12, 0, 0, 250000, tzinfo=UTC)


def delivered(
    topic: str, value: bytes | None, event_type: str = "mithril.abac.decision-made.v1"
) -> Delivered:
    made = headers(
        event_id=uuid4(),
        source="abac-api",
        event_type=event_type,
        at=AT,
        sequence=7,
        subject="a",
        traceparent="not a trace",
    )
    return Delivered(
        topic=topic, partition=1, offset=9, key=b"a", value=value, headers=tuple(made)
    )


def of(event: Event) -> TokenEvent:
    found = read(delivered(event.topic, event.payload(), event.type))
    assert isinstance(found, TokenEvent)
    return found


@given(st.binary(max_size=200), st.sampled_from(["abac.decisions", "mithril.tokens"]))
def test_no_bytes_make_it_raise(value: bytes, topic: str) -> None:
    assert read(delivered(topic, value)) is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["consumer", "resource", "contexts", "rules", "result", "id", "type"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_json_makes_it_raise(value: object) -> None:
    found = read(delivered("abac.decisions", json.dumps(value).encode()))

    assert isinstance(found, Unreadable | Decision)
    assert (found.source, found.source_sequence) == ("abac-api", 7)


@given(st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=12)), max_size=5))
def test_no_headers_make_it_raise(pairs: list[tuple[str, bytes]]) -> None:
    named = [(f"ce_{name}", value) for name, value in pairs]
    raw = Delivered(
        topic="mithril.tokens", partition=0, offset=0, key=None, value=b"{}",
        headers=(*pairs, *named),
    )  # fmt: skip

    assert isinstance(read(raw), Unreadable)


def test_a_later_version_of_an_account_event_is_kept_with_all_its_data() -> None:
    found = read(delivered("mithril.accounts", b'{"new": [1, 2]}', "mithril.user.moved.v7"))

    assert isinstance(found, TokenEvent)
    assert (found.type, found.data, found.user_id) == (
        "mithril.user.moved.v7",
        {"new": [1, 2]},
        None,
    )
    assert found.trace_id is None
    assert found.at == AT


def test_an_event_that_names_a_client_says_so() -> None:
    client_id = uuid4()
    event = ClientUpdated(
        client_id=client_id, name="B", client_type="MSP", fields=("name",)
    )

    name = name_of(of(event))

    assert name is not None
    assert (name.client_id, name.name, name.at) == (str(client_id), "B", AT)


def test_an_event_whose_name_is_no_text_names_nobody() -> None:
    found = read(
        delivered(
            "mithril.accounts",
            orjson.dumps({"client_id": str(uuid4()), "name": 5}),
            ClientUpdated.type,
        )
    )

    assert isinstance(found, TokenEvent)
    assert name_of(found) is None
