"""The sentences of which the scenarios of the rules are made."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_bdd import given, parsers, then, when

from services.abac_api.domain.facts import Justification, ResourceFact
from services.abac_api.domain.policies import Policies, compiled
from services.abac_api.store.policies import read
from tests.decisions.world import NOW, World, id_of


@pytest.fixture(scope="session")
def policies() -> Policies:
    """Give the rules that the service has."""
    return compiled(read())


@pytest.fixture
def world() -> World:
    """Give a world in which nothing is known yet."""
    return World()


def _end(words: str) -> datetime | None:
    return {
        "": None,
        " that ends in a second": NOW + timedelta(seconds=1),
        " that ends now": NOW,
    }[words]


@given(parsers.parse("a token of client type {client_type}"))
def _token_of_type(world: World, client_type: str) -> None:
    world.client_type = client_type


@given("a token that does not say its client type")
def _token_of_no_type(world: World) -> None:
    world.client_type = None


@given(parsers.parse('a Cabinet token of patient "{name}"'))
def _cabinet_token(world: World, name: str) -> None:
    world.client_type, world.person = "CABINET", name


@given(parsers.parse('I am employee "{name}" of my legal entity'))
def _employed(world: World, name: str) -> None:
    world.employ(name)


@given(parsers.parse('I was employee "{name}" of my legal entity'))
def _dismissed(world: World, name: str) -> None:
    world.employ(name, active=False)


@given(parsers.parse('I am employee "{name}" of "{where}"'))
def _employed_elsewhere(world: World, name: str, where: str) -> None:
    world.employ(name, where=where)


@given(
    parsers.re(
        r'patient "(?P<patient>.+?)" has a declaration with employee "(?P<employee>.+?)"'
        r"(?: in (?P<where>.+?))?(?P<ends>| that ends in a second| that ends now)$"
    )
)
def _declared(
    world: World, patient: str, employee: str, where: str | None, ends: str
) -> None:
    where = (where or "my legal entity").strip('"')
    world.declare(patient, employee, where=where, ends=_end(ends))


@given(parsers.parse('person "{one}" is merged with patient "{other}"'))
def _merged(world: World, one: str, other: str) -> None:
    world.merged.append((id_of(one), id_of(other)))


@given(
    parsers.re(
        r'(?P<who>I|another user) justified the monitoring of patient "(?P<patient>.+?)"'
        r"(?P<ends>| that ends in a second| that ends now)$"
    )
)
def _justified(world: World, who: str, patient: str, ends: str) -> None:
    world.justifications.append(
        Justification(
            id=id_of("justification"),
            user_id=id_of("the user" if who == "I" else who),
            patient_id=id_of(patient),
            active_from=NOW,
            active_to=_end(ends),
        )
    )


@given(
    parsers.re(
        r'patient "(?P<patient>.+?)" approved (?P<level>read|write) of '
        r'(?P<kind>\w+) "(?P<name>.+?)" to (?P<grantee>employee ".+?"|my legal entity)'
        r"(?P<ends>| that ends in a second| that ends now)$"
    )
)
def _approved(  # noqa: PLR0917 — the words of the sentence
    world: World, patient: str, level: str, kind: str, name: str, grantee: str, ends: str
) -> None:
    grantee = grantee.removeprefix("employee ").strip('"')
    world.approve(kind, name, patient, grantee, access_level=level, expires_at=_end(ends))


@given(parsers.parse("the approval is {status}"))
def _approval_is(world: World, status: str) -> None:
    last = world.approvals.pop()
    world.approvals.append(replace(last, status=status))


@given(
    parsers.re(
        r'(?P<kind>\w+) "(?P<name>.+?)" of patient "(?P<patient>.+?)"(?: with (?P<rest>.+))?$'
    )
)
def _known(world: World, kind: str, name: str, patient: str, rest: str | None) -> None:
    pairs = [part.strip().split(" ", 1) for part in rest.split(",")] if rest else []
    ids = {f"{field}_id": id_of(value.strip('"')) for field, value in pairs}
    world.resources.append(
        ResourceFact(id=id_of(name), type=kind, patient_id=id_of(patient), **ids)
    )


@when(
    parsers.re(
        r'I ask to (?P<action>\w+) (?:every (?P<kinds>\w+)|(?P<kind>\w+) "(?P<name>.+?)")'
        r'(?P<places>(?: in \w+ ".+?")*)$'
    )
)
def _ask(  # noqa: PLR0917 — the words of the sentence
    world: World,
    policies: Policies,
    action: str,
    kinds: str | None,
    kind: str | None,
    name: str | None,
    places: str,
) -> None:
    wanted = [part.replace('"', "") for part in places.split(" in ") if part]
    world.ask(policies, action, str(kind or kinds), name, *wanted)


@then(parsers.parse("it is permitted by {rules}"))
def _permitted(world: World, rules: str) -> None:
    assert world.decision is not None
    assert world.decision.rules == tuple(rules.split(" and "))
    assert world.decision.result


@then(parsers.parse("it is refused as {reason}"))
def _refused(world: World, reason: str) -> None:
    assert world.decision is not None
    assert (world.decision.result, world.decision.reason) == (False, reason)
    assert world.decision.rules == ()
