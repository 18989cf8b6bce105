"""A mail server (RFC 5321) that delivers into the outbox."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.emulators.deps import Deps
from services.emulators.domain.outbox import Message

_BODY_LIMIT = 262_144


class MailServer:
    """Takes every mail, for whomever it is."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.port: int | None = None  # where it listens, once it does

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop."""
        settings = self._deps.settings
        server = await asyncio.get_running_loop().create_server(
            self._protocol, settings.smtp_host, settings.smtp_port
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            await stop.wait()
        finally:
            self.port = None
            server.close()

    async def ping(self) -> None:
        """`ConnectionError` where it does not listen."""
        if self.port is None:
            raise ConnectionError("does not listen yet")

    def _protocol(self) -> SMTP:
        return SMTP(
            self, hostname="emulators", data_size_limit=_BODY_LIMIT, enable_SMTPUTF8=True
        )

    async def handle_DATA(  # noqa: N802 — aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """One mail; a message of the outbox for each who gets it."""
        fault = self._deps.faults["smtp"]
        await asyncio.sleep(fault.delay)
        if fault.status is not None:
            return f"{fault.status} this fault was asked for"
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        mail = message_from_bytes(raw, _class=EmailMessage, policy=default)
        at, subject, body = self._deps.clock.now(), str(mail["Subject"] or ""), _text(mail)
        for to in envelope.rcpt_tos:
            self._deps.outbox.add(
                Message(kind="mail", to=to, subject=subject, body=body, at=at)
            )
        return "250 taken"


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
