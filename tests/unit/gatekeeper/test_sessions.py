"""What a browser keeps for us, and what a service is told of its caller."""

import json
from dataclasses import replace
from uuid import UUID

from services.gatekeeper.domain.consumers import (
    NOBODY,
    consumer_of,
    headers_of,
    missing_allowances,
)
from services.gatekeeper.domain.sessions import (
    Flow,
    Session,
    read_flows,
    read_session,
    with_flow,
    write_flows,
    write_session,
)
from shared.models.access import Consumer
from shared.peers.mithril import VerifiedKey, VerifiedToken

SESSION = Session(access="a", refresh="r", expires_at=100, ends_at=1000, user_id="u")
USER, CLIENT, MIS, PERSON, TOKEN = (UUID(int=number) for number in range(1, 6))


def a_flow(state: str, *, ends_at: int = 100) -> Flow:
    return Flow(state=state, verifier="v", return_to="/", ends_at=ends_at)


def test_a_session_is_read_as_it_was_written() -> None:
    assert read_session(write_session(SESSION)) == SESSION


def test_a_session_is_due_before_its_token_ends() -> None:
    assert not SESSION.is_due(now=39, before=60)
    assert SESSION.is_due(now=40, before=60)
    assert SESSION.is_live(now=99.9)
    assert not SESSION.is_live(now=100)


def test_no_secret_is_in_what_a_session_says_of_itself() -> None:
    session = replace(SESSION, access="s3cret", refresh="s3cret")
    flow = replace(a_flow("x"), verifier="s3cret")
    assert "s3cret" not in repr(session) + repr(flow)


def test_the_challenge_is_that_of_the_standard() -> None:  # RFC 7636 appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    flow = Flow(state="s", verifier=verifier, return_to="/", ends_at=1)
    assert flow.challenge() == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_three_sign_ins_may_be_under_way_and_those_that_ended_are_forgotten() -> None:
    flows = [a_flow("1", ends_at=5), a_flow("2"), a_flow("3"), a_flow("4")]
    kept = with_flow(flows, a_flow("5"), now=10)
    assert [flow.state for flow in kept] == ["3", "4", "5"]
    assert read_flows(write_flows(kept), now=10) == kept
    assert read_flows(write_flows(kept), now=100) == []


def verified(**but: object) -> VerifiedToken:
    values: dict[str, object] = {
        "token_id": TOKEN,
        "user_id": USER,
        "client_id": CLIENT,
        "scope": frozenset({"b:read", "a:read"}),
        "person_id": None,
        "mis_client_id": None,
    }
    return VerifiedToken(**(values | but))  # type: ignore[arg-type]  # the dict's values differ


def test_a_service_is_told_of_its_caller_in_headers_that_are_always_all_there() -> None:
    headers = headers_of(verified())
    assert headers == {
        "X-Consumer-Id": str(USER),
        "X-Person-Id": "",
        "X-Consumer-Scope": "a:read b:read",
        "X-Consumer-Metadata": json.dumps(
            {"client_id": str(CLIENT), "scope": "a:read b:read"}, separators=(",", ":")
        ),
    }
    assert headers.keys() == NOBODY.keys()


def test_a_service_is_told_of_broker_person_and_client_type() -> None:
    headers = headers_of(
        verified(
            person_id=PERSON,
            mis_client_id=MIS,
            broker_scope=frozenset({"a:read"}),
            client_type="MSP",
        )
    )
    assert headers["X-Person-Id"] == str(PERSON)
    assert json.loads(headers["X-Consumer-Metadata"]) == {
        "client_id": str(CLIENT),
        "scope": "a:read b:read",
        "mis_client_id": str(MIS),
        "broker_scope": "a:read",
        "client_type": "MSP",
    }


def test_of_a_mis_without_a_user_no_user_is_told() -> None:
    key = VerifiedKey(
        client_id=MIS, scope=frozenset({"a"}), broker_scope=None, mis_client_id=MIS
    )
    headers = headers_of(key)
    assert (headers["X-Consumer-Id"], headers["X-Person-Id"]) == ("", "")
    assert json.loads(headers["X-Consumer-Metadata"])["mis_client_id"] == str(MIS)


def test_abac_is_asked_for_user_client_broker_and_person() -> None:
    asked = consumer_of(verified(person_id=PERSON, mis_client_id=MIS, client_type="MSP"))
    assert asked == Consumer(
        user_id=USER,
        client_id=CLIENT,
        client_type="MSP",
        mis_client_id=MIS,
        person_id=PERSON,
    )


def test_missing_allowances_are_named_in_the_rules_order() -> None:
    wanted = ("z:read", "a:read", "c:read")
    assert missing_allowances(wanted, verified()) == ["z:read", "c:read"]
