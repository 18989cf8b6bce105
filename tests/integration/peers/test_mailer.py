"""Mail by SMTP, before real mail servers that can be made to misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.peers.breaker import Breaker
from shared.peers.mailer import Mailer, MailNotSentError, SmtpServer

LINK = "https://auth.test/reset/a-single-use-value"
TO = "doctor@clinic.test"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Inbox:
    """A mail server's handler: keeps what came, answers as the test says."""

    answer: str = "250 taken"
    taken: list[Envelope] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 — aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        self.taken.append(envelope)
        return self.answer

    def mails(self) -> list[EmailMessage]:
        made = []
        for envelope in self.taken:
            assert isinstance(envelope.content, bytes)
            made.append(
                message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
            )
        return made


@asynccontextmanager
async def listening(make: Callable[[], SMTP]) -> AsyncIterator[int]:
    made: list[SMTP] = []

    def protocol() -> SMTP:
        made.append(make())
        return made[-1]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in made:
            if each.transport is not None:
                each.transport.close()
        await asyncio.sleep(0)  # transports end in the next turn of the loop


@asynccontextmanager
async def talking(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    ends: list[asyncio.StreamWriter] = []

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(talks, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in ends:
            writer.transport.abort()
        await asyncio.sleep(0)


def mailer_at(port: int, query: str = "", **but: Any) -> Mailer:
    values: dict[str, Any] = {
        "server": SmtpServer.of(f"smtp://127.0.0.1:{port}{query}"),
        "sender": "Mithril <no-reply@mithril.test>",
        "deadline": 1.0,
        "now": lambda: NOON,
        "unique": lambda: UUID(int=5),
        "breaker": Breaker(tolerated=2, rest=60),
    }
    return Mailer(**(values | but))


async def send(mailer: Mailer, **but: str) -> None:
    mail = {"to": TO, "subject": "Новий пароль", "body": f"Перейдіть: {LINK}\n"}
    await mailer.send(**(mail | but))


async def test_a_mail_arrives_with_all_that_it_needs() -> None:
    inbox = Inbox()
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        await send(mailer_at(port))

    [mail], [envelope] = inbox.mails(), inbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@mithril.test", [TO])
    assert mail["From"] == "Mithril <no-reply@mithril.test>"
    assert (mail["To"], mail["Subject"]) == (TO, "Новий пароль")
    assert mail["Date"].datetime == NOON
    assert mail["Message-ID"] == f"<{UUID(int=5)}@mithril.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == [f"Перейдіть: {LINK}"]


@pytest.mark.parametrize(
    "but",
    [
        {"to": "doctor@clinic.test\r\nBcc: thief@evil.test"},
        {"to": "doctor@clinic.test, thief@evil.test"},
        {"to": "Doctor <doctor@clinic.test>"},
        {"to": "doctor@clinic.test\n"},
        {"to": "nobody"},
        {"to": ""},
        {"to": "@"},
        {"to": "doctor@"},
        {"to": "a b@clinic.test"},
        {"to": "doctor@clinic.test\x00"},
        {"to": '"a\r\n"@clinic.test'},
        {"subject": "Hello\r\nBcc: thief@evil.test"},
        {"subject": "Hello\nBcc: thief@evil.test"},
        {"subject": "Hello\rBcc: thief@evil.test"},
    ],
)
async def test_nothing_can_be_slipped_into_the_headers(but: dict[str, str]) -> None:
    inbox = Inbox()
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        with pytest.raises(MailNotSentError, match="is malformed"):
            await send(mailer_at(port), **but)
    assert inbox.taken == []


async def test_a_body_with_the_end_of_a_mail_in_it_is_one_mail() -> None:
    inbox = Inbox()
    body = "One\r\n.\r\nMAIL FROM:<thief@evil.test>\r\n.Two\n\n.\n"
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        await send(mailer_at(port), body=body)
    [mail] = inbox.mails()
    assert mail.get_content().split() == body.split()


@pytest.mark.parametrize("answer", ["554 no", "451 later", "250-"])
async def test_a_refusal_is_one_error_and_nothing_of_the_mail_is_in_it(
    answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox(answer=f"{answer} {TO} {LINK}")
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        with pytest.raises(MailNotSentError) as raised:
            await send(mailer_at(port))

    told = f"{raised.value!r} {raised.value.__cause__!r} {caplog.text}"
    assert LINK not in told
    assert TO not in told
    assert len(inbox.taken) == 1


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _cutting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _no_smtp(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    writer.close()


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(b"220-" + b"x" * 60_000)
            await writer.drain()
    except ConnectionError:
        writer.close()


@pytest.mark.parametrize("talk", [_silent, _cutting, _no_smtp, _endless])
async def test_a_server_that_misbehaves_costs_no_more_than_the_deadline(talk: Any) -> None:
    async with talking(talk) as port, asyncio.timeout(5):
        with pytest.raises(MailNotSentError, match="the mail server"):
            await send(mailer_at(port))


async def test_a_server_that_is_away_again_and_again_is_left_alone() -> None:
    mailer = mailer_at(1)
    for _ in range(2):
        with pytest.raises(MailNotSentError, match="SMTPConnectError"):
            await send(mailer)
    with pytest.raises(MailNotSentError, match="did not answer of late"):
        await send(mailer)


async def test_a_server_that_refuses_addresses_is_not_away() -> None:
    inbox = Inbox(answer="550 no such mailbox")
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        mailer = mailer_at(port)
        for _ in range(3):
            with pytest.raises(MailNotSentError, match="SMTPDataError 550"):
                await send(mailer)
    assert len(inbox.taken) == 3


@pytest.fixture
def nobodys_tls(tmp_path: Path) -> ssl.SSLContext:
    """Have a certificate that no authority signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_a_server_whom_no_authority_vouches_for_gets_nothing(
    nobodys_tls: ssl.SSLContext,
) -> None:
    inbox = Inbox()

    def make() -> SMTP:
        return SMTP(inbox, hostname="mail.test", tls_context=nobodys_tls)

    async with listening(make) as port:
        with pytest.raises(MailNotSentError):
            await send(mailer_at(port))
        assert inbox.taken == []
        await send(mailer_at(port, "?starttls=never"))
        assert len(inbox.taken) == 1


@pytest.mark.parametrize("url", ["smtp://me:hunter2@{}", "smtp://{}?starttls=always"])
async def test_a_server_without_tls_gets_no_credentials_and_no_mail(url: str) -> None:
    inbox = Inbox()
    async with listening(lambda: SMTP(inbox, hostname="mail.test")) as port:
        server = SmtpServer.of(url.format(f"127.0.0.1:{port}"))
        with pytest.raises(MailNotSentError) as raised:
            await send(mailer_at(port, server=server))
    assert "hunter2" not in repr(raised.value)
    assert inbox.taken == []
