"""What each client sends to its system, and what it makes of the answer."""

import hashlib
import json
from typing import Any

import pytest

from shared.peers.persons import Person
from shared.peers.recaptcha import LOW_SCORE, CaptchaVerdict
from shared.peers.signatures import SignatureServiceError, Signer
from tests.integration.peers.outsiders import (
    CODE,
    PASSWORD,
    PERSON,
    PHONE,
    SECRET,
    Server,
    says,
    says_text,
)


async def test_an_sms_is_sent_as_the_gateway_wants_it(server: Server) -> None:
    server.answer = says({"data": {}}, 202)

    await server.sms.send(phone=PHONE, body=CODE)

    [request] = server.asked
    assert (request.method, request.path) == ("POST", "/sms/send")
    assert json.loads(server.bodies[0]) == {
        "phone_number": PHONE,
        "body": CODE,
        "type": "2FA",
    }


async def test_a_person_is_found_by_id(server: Server) -> None:
    server.answer = says(
        {"data": {"id": PERSON, "status": "INACTIVE", "tax_id": None, "x": 1}}
    )

    found = await server.persons.person(PERSON)

    assert found == Person(id=PERSON, status="INACTIVE", tax_id=None)
    assert server.asked[0].path == f"/persons/{PERSON}"


async def test_a_person_whom_the_index_does_not_know_is_none(server: Server) -> None:
    server.answer = says({"error": {"type": "not_found"}}, 404)
    assert await server.persons.person(PERSON) is None


@pytest.mark.parametrize("text", ["", "..", "../employees", "12", "x" * 36])
async def test_a_text_that_is_no_id_is_nobody_and_is_not_asked_about(
    server: Server, text: str
) -> None:
    assert await server.persons.person(text) is None
    assert server.asked == []


def signed(*signatures: dict[str, Any], content: object = None) -> dict[str, Any]:
    return {"data": {"content": content or {"jwt": "j"}, "signatures": list(signatures)}}


GOOD = {"is_valid": True, "validation_error_message": "", "signer": {"drfo": "12"}}
BAD = {"is_valid": False, "validation_error_message": "expired", "signer": {}}


async def test_signed_content_is_opened_with_who_signed_it(server: Server) -> None:
    server.answer = says(signed(GOOD))

    found = await server.signatures.verify("YWJj")

    assert (found.content, found.valid, found.error) == ({"jwt": "j"}, True, None)
    assert found.signers == (Signer(drfo="12"),)
    assert json.loads(server.bodies[0]) == {
        "signed_content": "YWJj",
        "signed_content_encoding": "base64",
    }


@pytest.mark.parametrize(
    ("signatures", "error"),
    [
        pytest.param([BAD], "expired", id="invalid, and it is said why"),
        pytest.param([GOOD, BAD], "expired", id="one of two"),
        pytest.param(
            [{"is_valid": False}], "signature is invalid", id="invalid without a word"
        ),
        pytest.param([], "document is not signed", id="no signature at all"),
    ],
)
async def test_a_signature_that_is_not_good_makes_the_content_invalid(
    server: Server, signatures: list[dict[str, Any]], error: str
) -> None:
    server.answer = says(signed(*signatures))

    found = await server.signatures.verify("YWJj")

    assert (found.valid, found.error) == (False, error)
    assert len(found.signers) == len(signatures)


async def test_what_was_signed_and_is_no_object_holds_nothing(server: Server) -> None:
    server.answer = says(signed(GOOD, content="text"))
    assert (await server.signatures.verify("YWJj")).content == {}


@pytest.mark.parametrize("status", [400, 422])
async def test_what_the_signature_service_refuses_is_to_be_relayed(
    server: Server, status: int
) -> None:
    error = {"type": "validation_failed", "invalid": [{"entry": "$.signed_content"}]}
    server.answer = says({"error": error}, status)

    with pytest.raises(SignatureServiceError) as refused:
        await server.signatures.verify("YWJj")

    assert (refused.value.status, refused.value.error) == (status, error)


async def test_refusals_of_content_do_not_make_the_service_look_away(
    server: Server,
) -> None:
    signatures = server.signatures
    server.answer = says({"error": {"type": "x"}}, 422)
    for _ in range(5):
        with pytest.raises(SignatureServiceError):
            await signatures.verify("YWJj")
    assert len(server.asked) == 5


def test_nothing_of_a_person_is_in_a_repr() -> None:
    shown = (
        f"{Signer(drfo='77', edrpou='88')!r} {Person(id=PERSON, status='a', tax_id='99')!r}"
    )
    assert not {"77", "88", "99"} & set(shown.replace("'", " ").split())


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        pytest.param({"success": True}, CaptchaVerdict(ok=True), id="version 2"),
        pytest.param({"success": True, "score": 0.5}, CaptchaVerdict(ok=True), id="good"),
        pytest.param(
            {"success": True, "score": 0.4},
            CaptchaVerdict(ok=False, errors=(LOW_SCORE,)),
            id="likely a robot",
        ),
        pytest.param(
            {"success": False, "error-codes": ["timeout-or-duplicate"]},
            CaptchaVerdict(ok=False, errors=("timeout-or-duplicate",)),
            id="used before",
        ),
        pytest.param({"success": False}, CaptchaVerdict(ok=False), id="no reason given"),
    ],
)
async def test_the_verdict_on_a_captcha(
    server: Server, answer: dict[str, Any], verdict: CaptchaVerdict
) -> None:
    server.answer = says(answer)

    assert await server.recaptcha.check("of a browser", address="192.0.2.7") == verdict

    sent = await server.asked[0].post()
    assert dict(sent) == {
        "secret": SECRET,
        "response": "of a browser",
        "remoteip": "192.0.2.7",
    }


DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        pytest.param([f"{'0' * 35}:7", f"{DIGEST[5:]}:42"], 42, id="known"),
        pytest.param([f"{'0' * 35}:7"], 0, id="not known"),
        pytest.param([f"{DIGEST[5:]}:0"], 0, id="padding"),
        pytest.param([], 0, id="nothing of that prefix"),
    ],
)
async def test_how_often_a_password_was_seen(
    server: Server, lines: list[str], count: int
) -> None:
    server.answer = says_text("\r\n".join(lines))

    assert await server.breaches.count(PASSWORD) == count

    [request] = server.asked
    assert request.path == f"/range/{DIGEST[:5]}"
    assert request.headers["Add-Padding"] == "true"
    assert DIGEST[5:] not in str(request.url)
