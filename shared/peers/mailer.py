"""Mail by SMTP (RFC 5321): plain text, to one person at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib

from shared.peers.breaker import Breaker

_PORTS = {"smtp": 25, "smtps": 465}
_STARTTLS = {"auto": None, "always": True, "never": False}
_SHAPE = "must be smtp://host:port or smtps://host:port"


class MailNotSentError(Exception):
    """No server said that it took the message. The text may be logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """A mail server and how to speak with it."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool | None  # none: where the server offers it
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """From `smtp://[user:password@]host[:port][?starttls=auto|always|never]` or `smtps://…`.

        `ValueError` says what is wrong. Credentials never travel unprotected: with them
        STARTTLS is always required.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its text may quote a part of the password
            raise ValueError(_SHAPE) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(_SHAPE)
        if parts.path not in {"", "/"} or parts.fragment:
            raise ValueError("must name a server and nothing on it")
        query = parse_qs(parts.query, keep_blank_values=True)
        asked = query.pop("starttls", ["auto"])[-1]
        if query or asked not in _STARTTLS:
            raise ValueError("knows one parameter: starttls=auto, always or never")
        starttls = _STARTTLS[asked]
        implicit = parts.scheme == "smtps"
        if parts.username is not None and not implicit:
            if starttls is False:
                raise ValueError("credentials need TLS: smtps:// or starttls=always")
            starttls = True
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            implicit_tls=implicit,
            starttls=False if implicit else starttls,
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """Hands messages to the mail server. Never twice, unless the first could not have left."""

    server: SmtpServer
    sender: str
    deadline: float
    now: Callable[[], datetime]
    unique: Callable[[], UUID]
    breaker: Breaker = field(default_factory=Breaker)

    async def send(self, *, to: str, subject: str, body: str) -> None:
        """Hand over one message; `MailNotSentError` where the server does not take it.

        `to` is one bare address. Line breaks anywhere in a header are refused.
        """
        message = self._message(to, subject, body)
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise MailNotSentError("the mail server did not answer of late")
        try:
            async with asyncio.timeout(self.deadline):
                try:
                    await self._hand_over(message, to)
                except aiosmtplib.SMTPConnectError:
                    await self._hand_over(message, to)
        # The cause is left out of each: servers quote addresses and credentials.
        except (
            aiosmtplib.SMTPResponseException,
            aiosmtplib.SMTPRecipientsRefused,
        ) as error:
            self.breaker.succeeded()
            raise MailNotSentError(f"the mail server refused: {_kind(error)}") from None
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            self.breaker.failed(now())
            raise MailNotSentError(f"the mail server: {type(error).__name__}") from None
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()

    def _message(self, to: str, subject: str, body: str) -> EmailMessage:
        message = EmailMessage(policy=WIRE)
        try:
            message["From"] = self.sender
            message["To"] = Address(addr_spec=to)
            message["Subject"] = subject
        except (ValueError, IndexError, MessageError):
            raise MailNotSentError("the address or the subject is malformed") from None
        domain = Address(addr_spec=_bare(self.sender)).domain
        message["Date"] = format_datetime(self.now())
        message["Message-ID"] = f"<{self.unique()}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no robot is to answer
        message.set_content(body)
        return message

    async def _hand_over(self, message: EmailMessage, to: str) -> None:
        server = self.server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.implicit_tls,
            start_tls=server.starttls,
            timeout=self.deadline,
            local_hostname="localhost",  # ours would be looked up, and is nobody's business
        )
        async with client:
            await client.send_message(message, sender=_bare(self.sender), recipients=[to])


def checked_sender(text: str) -> str:
    """The sender's address, with or without a name; `ValueError` where it is none."""
    Address(addr_spec=_bare(text))
    if any(ord(letter) < 32 for letter in text):
        raise ValueError("must be one address")
    return text


def _bare(sender: str) -> str:
    """The address in `Name <address>`, or the text itself."""
    start, end = sender.rfind("<"), sender.rfind(">")
    return sender[start + 1 : end] if 0 <= start < end else sender


def _kind(error: aiosmtplib.SMTPException) -> str:
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
