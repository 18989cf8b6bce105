"""The clients of the outside systems find in the emulators what they ask for."""

import base64
import json
from typing import Any

import pytest

from services.emulators.domain.breached import WELL_KNOWN
from shared.peers.breaches import BreachListUnavailableError
from shared.peers.mailer import MailNotSentError
from shared.peers.persons import Person, PersonsUnavailableError
from shared.peers.recaptcha import LOW_SCORE, UNAVAILABLE, CaptchaVerdict
from shared.peers.signatures import (
    SignatureServiceError,
    SignaturesUnavailableError,
    Signer,
)
from shared.peers.sms import SmsNotSentError
from tests.integration.emulators.conftest import DRFO, Emulators

PERSON = "2f3f9a52-51f0-4b52-8f5c-8a3e54f6f6d1"
PHONE = "+380000000001"


def signed(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


async def send_mail(emulators: Emulators, subject: str = "Новий пароль") -> None:
    assert emulators.systems.mailer is not None
    await emulators.systems.mailer.send(
        to="doctor@clinic.test", subject=subject, body="Рядок\n\nІнший\n"
    )


async def send_sms(emulators: Emulators, body: str = "Код: 1234") -> None:
    assert emulators.systems.sms is not None
    await emulators.systems.sms.send(phone=PHONE, body=body)


async def test_codes_and_mails_are_in_the_outbox_newest_first(emulators: Emulators) -> None:
    at = emulators.clock.now().isoformat()

    await send_sms(emulators)
    await send_mail(emulators)

    mail = {"kind": "mail", "to": "doctor@clinic.test", "subject": "Новий пароль"}
    assert await emulators.outbox() == [
        {**mail, "body": "Рядок\n\nІнший\n", "at": at},
        {"kind": "sms", "to": PHONE, "body": "Код: 1234", "at": at},
    ]


async def test_the_outbox_keeps_no_more_than_it_is_told_to(emulators: Emulators) -> None:
    for number in range(5):
        await send_sms(emulators, f"{number}")
    assert [message["body"] for message in await emulators.outbox()] == ["4", "3", "2"]
    assert (await emulators.public.delete("/outbox.json")).status == 204
    assert await emulators.outbox() == []


async def test_the_page_of_the_outbox_shows_them_renews_itself_and_runs_nothing(
    emulators: Emulators,
) -> None:
    await send_sms(emulators, "<script>alert(1)</script>")
    await send_mail(emulators, subject="<b>Hello</b>")

    answer = await emulators.public.get("/outbox")
    text = await answer.text()

    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert '<meta http-equiv="refresh" content="3">' in text
    assert text.index("&lt;b&gt;Hello&lt;/b&gt;") < text.index("&lt;script&gt;")
    assert "<script" not in text


async def test_persons_are_those_that_were_put(emulators: Emulators) -> None:
    persons = emulators.systems.persons
    assert persons is not None
    assert await persons.person(PERSON) is None

    put = await emulators.public.put(f"/mpi/persons/{PERSON}", json={"tax_id": "12"})

    assert put.status == 200
    found = await persons.person(PERSON)
    assert found == Person(id=PERSON, status="active", tax_id="12")
    assert (await emulators.public.put("/mpi/persons/me", json={})).status == 400


@pytest.mark.parametrize(
    ("content", "signers"),
    [
        pytest.param({"jwt": "j"}, (Signer(drfo=DRFO),), id="as set"),
        pytest.param(
            {"jwt": "j", "signer": {"drfo": "12", "surname": "S", "x": 1}},
            (Signer(drfo="12", surname="S"),),
            id="as the content says",
        ),
        pytest.param({"jwt": "j", "signer": {}}, (Signer(),), id="without a tax number"),
        pytest.param(
            {"jwt": "j", "signer": [{"drfo": "1"}, {"drfo": "2"}]},
            (Signer(drfo="1"), Signer(drfo="2")),
            id="two",
        ),
    ],
)
async def test_what_was_signed_is_opened(
    emulators: Emulators, content: dict[str, Any], signers: tuple[Signer, ...]
) -> None:
    assert emulators.systems.signatures is not None
    found = await emulators.systems.signatures.verify(signed(content))
    assert (found.content, found.valid) == ({"jwt": "j"}, True)
    assert found.signers == signers


async def test_a_signature_can_be_made_invalid(emulators: Emulators) -> None:
    assert emulators.systems.signatures is not None
    content = signed({"jwt": "j", "signature_error": "certificate is revoked"})
    found = await emulators.systems.signatures.verify(content)
    assert (found.valid, found.error) == (False, "certificate is revoked")


@pytest.mark.parametrize(
    "content",
    ["не base64", "YWJj", signed([]), signed({"signer": 7}), "W" * 9],
)
async def test_what_is_not_signed_content_is_refused_with_an_error_to_relay(
    emulators: Emulators, content: str
) -> None:
    assert emulators.systems.signatures is not None
    with pytest.raises(SignatureServiceError) as refused:
        await emulators.systems.signatures.verify(content)
    assert refused.value.status == 422
    assert {"type", "message"} <= refused.value.error.keys()


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        ("of a person", CaptchaVerdict(ok=True)),
        ("bad", CaptchaVerdict(ok=False, errors=("invalid-input-response",))),
        ("robot", CaptchaVerdict(ok=False, errors=(LOW_SCORE,))),
        ("", CaptchaVerdict(ok=False, errors=("missing-input-response",))),
    ],
)
async def test_captchas_are_good_but_for_those_that_say_they_are_not(
    emulators: Emulators, response: str, verdict: CaptchaVerdict
) -> None:
    assert emulators.systems.recaptcha is not None
    assert await emulators.systems.recaptcha.check(response) == verdict


async def test_the_widget_of_the_captcha_is_a_script(emulators: Emulators) -> None:
    async with emulators.public.get("/recaptcha/api.js?hl=uk") as answer:
        assert (answer.status, answer.content_type) == (200, "text/javascript")
        assert "g-recaptcha-response" in await answer.text()


async def test_well_known_passwords_are_in_the_breach_list(emulators: Emulators) -> None:
    breaches = emulators.systems.breaches
    assert breaches is not None
    found = {password: await breaches.count(password) for password in WELL_KNOWN}
    assert found == WELL_KNOWN
    assert await breaches.count("correct horse battery staple") == 0


async def test_answers_of_the_breach_list_are_equally_long(emulators: Emulators) -> None:
    padded = {"Add-Padding": "true"}
    for prefix in ("5BAA6", "00000"):
        path = f"/breach-list/range/{prefix}"
        answer = await emulators.public.get(path, headers=padded)
        assert len((await answer.text()).splitlines()) == 100
    assert (await emulators.public.get("/breach-list/range/xyz")).status == 400


async def test_each_system_can_be_made_to_fail_and_be_well_again(
    emulators: Emulators,
) -> None:
    systems = emulators.systems
    assert systems.signatures is not None
    assert systems.persons is not None
    assert systems.recaptcha is not None
    assert systems.breaches is not None
    for name in emulators.built.deps.faults:
        await emulators.fault(name, status=500)

    with pytest.raises(SmsNotSentError):
        await send_sms(emulators)
    with pytest.raises(MailNotSentError):
        await send_mail(emulators)
    with pytest.raises(SignaturesUnavailableError):
        await systems.signatures.verify(signed({}))
    with pytest.raises(PersonsUnavailableError):
        await systems.persons.person(PERSON)
    with pytest.raises(BreachListUnavailableError):
        await systems.breaches.count("password")
    captcha = await systems.recaptcha.check("of a person")
    assert captcha == CaptchaVerdict(ok=False, errors=(UNAVAILABLE,))
    assert await emulators.outbox() == []

    for name in emulators.built.deps.faults:
        await emulators.fault(name)
    await send_sms(emulators)
    await send_mail(emulators)
    assert len(await emulators.outbox()) == 2


async def test_a_system_can_be_made_slow(emulators: Emulators) -> None:
    await emulators.fault("sms-gateway", delay=60)
    with pytest.raises(SmsNotSentError, match="TimeoutError"):
        await send_sms(emulators)


@pytest.mark.parametrize(
    ("path", "fault", "status"),
    [
        ("/faults/telegraph", {}, 404),
        ("/faults/mpi", {"status": 200}, 422),
        ("/faults/mpi", {"delay": -1}, 422),
        ("/faults/mpi", {"delay": "long"}, 422),
        ("/faults/mpi", [], 400),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(
    emulators: Emulators, path: str, fault: object, status: int
) -> None:
    assert (await emulators.public.put(path, json=fault)).status == status


@pytest.mark.parametrize("body", [{}, {"phone_number": 1, "body": "x", "type": "2FA"}, []])
async def test_an_sms_without_its_parts_is_refused(
    emulators: Emulators, body: object
) -> None:
    answer = await emulators.public.post("/sms-gateway/sms/send", json=body)
    assert answer.status in {400, 422}
    assert await emulators.outbox() == []


async def test_it_is_ready_when_the_mail_server_listens(emulators: Emulators) -> None:
    assert (await emulators.internal.get("/readyz")).status == 200
