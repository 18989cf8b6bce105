"""What is configured is there, what is not is none, and what is wrong is named at start."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from pydantic import ValidationError

from shared.peers.mailer import SmtpServer
from shared.peers.settings import OutsideSettings, OutsideSystems, outside_systems


def _never() -> aiohttp.ClientSession:
    raise AssertionError("nothing is opened before it is used")


def systems(**values: Any) -> OutsideSystems:
    return outside_systems(
        OutsideSettings(**values),
        session=_never,
        now=lambda: datetime.now(UTC),
        unique=lambda: UUID(int=1),
    )


ALL = {
    "OTP_ENDPOINT": "http://sms.test",
    "SMTP_URL": "smtp://mail.test",
    "DIGITAL_SIGNATURE_ENABLED": "true",
    "DIGITAL_SIGNATURE_ENDPOINT": "http://ds.test",
    "MPI_ENDPOINT": "http://mpi.test/",
    "RECAPTCHA_SECRET": "s",
    "BREACH_LIST_ENDPOINT": "https://list.test",
}
NAMES = ("sms", "mailer", "signatures", "persons", "recaptcha", "breaches")


def test_every_system_that_is_configured_has_a_client() -> None:
    made = systems(**ALL)
    assert None not in [getattr(made, name) for name in NAMES]


@pytest.mark.parametrize("values", [{}, dict.fromkeys(ALL, "") | {"SMTP_URL": ""}])
def test_what_is_not_configured_or_empty_is_none(values: dict[str, str]) -> None:
    values = {**values, "DIGITAL_SIGNATURE_ENABLED": "false"}
    made = systems(**values)
    assert {getattr(made, name) for name in NAMES} == {None}


def test_signatures_are_off_unless_they_are_switched_on() -> None:
    assert systems(**(ALL | {"DIGITAL_SIGNATURE_ENABLED": "false"})).signatures is None


def test_timeouts_are_in_milliseconds() -> None:
    made = systems(**ALL, OTP_REQUEST_TIMEOUT="1500", SMTP_REQUEST_TIMEOUT="2500")
    assert made.sms is not None
    assert made.mailer is not None
    assert (made.sms.outside.deadline, made.mailer.deadline) == (1.5, 2.5)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"DIGITAL_SIGNATURE_ENABLED": "true"}, "needs DIGITAL_SIGNATURE_ENDPOINT"),
        ({"OTP_ENDPOINT": "sms.test"}, "OTP_ENDPOINT"),
        ({"MPI_ENDPOINT": "http://mpi.test/?a"}, "MPI_ENDPOINT"),
        ({"OTP_REQUEST_TIMEOUT": "0"}, "OTP_REQUEST_TIMEOUT"),
        ({"SMTP_FROM": "nobody at all"}, "SMTP_FROM"),
        ({"SMTP_FROM": "a@b.test\r\nBcc: c@d.test"}, "SMTP_FROM"),
        ({"SMTP_URL": "http://mail.test"}, "must be smtp://host:port or smtps://host:port"),
        ({"SMTP_URL": "smtp://mail.test/inbox"}, "must name a server and nothing on it"),
        ({"SMTP_URL": "smtp://mail.test?starttls=maybe"}, "knows one parameter"),
        ({"SMTP_URL": "smtp://mail.test?tls=1"}, "knows one parameter"),
        ({"SMTP_URL": "smtp://u:hunter2@mail.test?starttls=never"}, "credentials need TLS"),
        ({"SMTP_URL": "smtp://u:hunter2/x@mail.test"}, "must be smtp://host:port"),
    ],
)
def test_a_wrong_setting_is_named_without_its_secret(
    values: dict[str, str], text: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        OutsideSettings(**values)  # type: ignore[arg-type]

    told = "; ".join(f"{item['loc']} {item['msg']}" for item in refused.value.errors())
    assert text in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "smtp://mail.test",
            SmtpServer(host="mail.test", port=25, implicit_tls=False, starttls=None),
        ),
        (
            "smtp://[::1]:2525?starttls=always",
            SmtpServer(host="::1", port=2525, implicit_tls=False, starttls=True),
        ),
        (
            "smtp://mail.test?starttls=never",
            SmtpServer(host="mail.test", port=25, implicit_tls=False, starttls=False),
        ),
        (
            "smtp://me%40x:p%3Aw@mail.test:587",
            SmtpServer(
                host="mail.test",
                port=587,
                implicit_tls=False,
                starttls=True,
                username="me@x",
                password="p:w",
            ),
        ),
        (
            "smtps://me:pw@mail.test",
            SmtpServer(
                host="mail.test",
                port=465,
                implicit_tls=True,
                starttls=False,
                username="me",
                password="pw",
            ),
        ),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, server: SmtpServer) -> None:
    assert SmtpServer.of(url) == server
    assert "pw" not in repr(server)
