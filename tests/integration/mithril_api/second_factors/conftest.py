"""mithril-api with an SMS gateway that shows what it got, and breaks when told to."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes import SteppingClock
from tests.integration.mithril_api.second_factors.steps import Phones, phones_of


@pytest.fixture
async def phones(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Phones]:
    """The service with settings as they are by default."""
    async with phones_of(mithril_database, clock) as made:
        yield made
