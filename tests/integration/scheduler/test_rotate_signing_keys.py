"""The scheduler has mithril-api keep the signing keys."""

from datetime import timedelta

from aiohttp.test_utils import TestServer

from services.mithril_api import app as api_composition
from services.mithril_api.domain.oauth2.signing_keys import Alg
from tests.builders import give_keys
from tests.integration.mithril_api.conftest import settings_for
from tests.integration.scheduler.office import Office


async def test_a_successor_is_made_in_time_and_the_run_says_so(office: Office) -> None:
    api = api_composition.build(settings_for(office.url), clock=office.clock)
    await give_keys(api.deps)
    async with TestServer(api.internal) as server:
        built = office.replica(mithril_api_url=str(server.make_url("")))
        idle = await office.run("rotate-signing-keys", deps=built.deps)
        office.clock.advance(timedelta(days=29))
        run = await office.run("rotate-signing-keys", deps=built.deps)
        again = await office.run("rotate-signing-keys", deps=built.deps)
        await built.close()
    await api.deps.db.dispose()
    api.deps.passwords.close()

    assert (idle.outcome, idle.affected) == ("succeeded", 0)
    assert run.details == {"made": len(Alg), "retired": len(Alg), "forgotten": 0}
    assert (again.outcome, again.affected) == ("succeeded", 0)


async def test_without_mithril_api_the_run_has_failed_and_says_why(office: Office) -> None:
    built = office.replica(mithril_api_url="http://127.0.0.1:1")

    run = await office.run("rotate-signing-keys", deps=built.deps)
    await built.close()

    assert run.outcome == "failed"
    assert "mithril-api did not answer" in run.details["error"]
