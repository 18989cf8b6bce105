"""gatekeeper knows what each event ends: none can be added without saying so."""

import pytest

from services.gatekeeper.domain.drops import (
    BY_FIELDS,
    EVERYTHING,
    IRRELEVANT,
    TOPICS,
    DropAll,
    Keep,
    drop_of,
)
from shared.events.catalogue import CATALOGUE
from shared.events.tokens import TokensRevoked

HEARD = {event for event in CATALOGUE.values() if event.topic in TOPICS}


def test_each_event_is_mapped_or_named_as_irrelevant_and_once() -> None:
    listed = [TokensRevoked, *BY_FIELDS, *EVERYTHING, *IRRELEVANT]
    assert len(listed) == len(set(listed))
    assert set(listed) == HEARD


@pytest.mark.parametrize("event", IRRELEVANT, ids=lambda event: event.type)
def test_what_is_irrelevant_drops_nothing(event: type) -> None:
    assert drop_of(event.type, None) == Keep()  # type: ignore[attr-defined]  # an event


@pytest.mark.parametrize("event", EVERYTHING, ids=lambda event: event.type)
def test_what_names_no_token_drops_everything(event: type) -> None:
    assert drop_of(event.type, b"{}") == DropAll()  # type: ignore[attr-defined]  # an event
