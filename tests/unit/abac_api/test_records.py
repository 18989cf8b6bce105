"""Whatever a record of the facts topic holds, it is a fact or it is said why it is none."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.abac_api.domain.records import Unfit
from services.abac_api.domain.told import Kind, Told
from services.abac_api.records import event_id_of, told_of_record
from tests.integration.abac_api.telling import NOON

UPSERTED = b"mithril.abac.fact-upserted.v1"
ATTRIBUTES = {
    "ce_type": UPSERTED,
    "ce_id": b"01939e6e-0000-7000-8000-000000000001",
    "ce_source": b"registry",
    "ce_time": b"2026-11-24T12:00:00Z",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        *("user_id", "patient_id", "employee_id", "legal_entity_id", "is_active", "type"),
        *("active_from", "active_to", "resources", "access_level", "status", "expires_at"),
        *("master_person_id", "merged_person_id", "granted_to_employee_id", "id", "at"),
    ]
)
VALUES = JSON | st.sampled_from(
    [
        *("read", "active", "episode", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"),
        *(str(UUID(int=7)), True, [{"type": "episode", "id": str(UUID(int=8))}], "\x00"),
    ]
)
DATA = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*Kind, "x"]) | JSON,
        "id": st.just(str(UUID(int=1))) | JSON,
        "fact": st.dictionaries(NAMES, VALUES, max_size=12) | JSON,
    }
)


@dataclass
class Record:
    headers: Any
    value: bytes | None


def headers(**but: bytes) -> list[tuple[str, bytes]]:
    return list({**ATTRIBUTES, **but}.items())


def encoded(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS, default=str)


@settings(deadline=None)  # no test is timed
@given(data=DATA | JSON)
def test_any_json_is_a_fact_or_unfit(data: Any) -> None:
    try:
        value = encoded(data)
    except (TypeError, orjson.JSONEncodeError):  # a text or number that JSON cannot say
        return

    made = told_of_record(Record(headers(), value), now=NOON)

    assert isinstance(made, Told | Unfit)


@settings(deadline=None)  # no test is timed
@given(value=st.none() | st.binary())
def test_any_bytes_are_unfit(value: bytes | None) -> None:
    assert isinstance(told_of_record(Record(headers(), value), now=NOON), Unfit)


@settings(deadline=None)  # no test is timed
@given(
    attributes=st.dictionaries(
        st.sampled_from([*ATTRIBUTES, "ce_", "x"]), st.binary() | st.none(), max_size=5
    )
)
def test_any_headers_are_a_fact_or_unfit(attributes: dict[str, bytes | None]) -> None:
    data = {"kind": "employee", "id": str(UUID(int=1)), "fact": {}}
    given = list({**ATTRIBUTES, **attributes}.items())

    made = told_of_record(Record(given, encoded(data)), now=NOON)

    assert isinstance(made, Unfit)


def test_of_an_unfit_record_nothing_it_said_is_repeated() -> None:
    fact = {"user_id": "Taras", "is_active": "Taras", "legal_entity_id": {"Taras": "Taras"}}
    data = {"kind": "employee", "id": str(UUID(int=1)), "fact": fact}

    made = told_of_record(Record(headers(), encoded(data)), now=NOON)

    assert isinstance(made, Unfit)
    assert "Taras" not in made.detail


def test_an_event_id_that_is_no_uuid_becomes_one_that_is_its_sources_own() -> None:
    made = {event_id_of("a", "7"), event_id_of("a", "8"), event_id_of("b", "7")}

    assert len(made) == 3
    assert event_id_of("a", "7") == event_id_of("a", "7")
    assert event_id_of("a", str(UUID(int=7))) == UUID(int=7)
