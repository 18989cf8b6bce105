"""What a violated constraint says about a request; what is not foreseen stays an error."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import violations
from shared.models.schema import mithril as tables
from tests.builders import a_world
from tests.integration.mithril_api.asking import execute
from tests.integration.mithril_api.conftest import Api


async def violation(api: Api, statement: Any) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught:
        await execute(api, statement)
    return caught.value


async def test_a_foreseen_one_names_the_field(api: Api) -> None:
    twice = tables.roles.insert().values(id=api.deps.entropy.uuid(), name="CABINET")

    error = await violation(api, twice)

    assert violations.constraint_of(error) == "uq_roles_name"
    assert violations.clash_of(error) == Clash("name", taken=True)


async def test_one_that_is_not_foreseen_is_raised_again(api: Api) -> None:
    world = await a_world(api.deps)
    twice = tables.roles.insert().values(id=world.role_id, name="SECOND")

    error = await violation(api, twice)

    assert violations.constraint_of(error) == "pk_roles"
    with pytest.raises(IntegrityError):
        violations.clash_of(error)
    with pytest.raises(IntegrityError):
        violations.expect(error, violations.CLIENT_TYPE_OF_CLIENTS)
