"""Mails that are owed to a user: what they say, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from services.mithril_api.domain.attempts import Backoff

MailId = NewType("MailId", UUID)

BACKOFF = Backoff(
    first=timedelta(minutes=1),
    longest=timedelta(hours=1),
    give_up=timedelta(hours=24),  # a mail that nobody took for a day helps nobody
)


class MailKind(StrEnum):
    """What a mail is about."""

    RECOVERY = "recovery"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 — a kind of mail
    FACTOR_CHANGED = "factor_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedMail:
    """A mail that was accepted and has not been handed over yet."""

    id: MailId
    kind: MailKind
    recipient: str = field(repr=False)
    details: Mapping[str, Any] = field(default_factory=dict)
    attempts: int
    inserted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as it is handed over."""

    to: str = field(repr=False)
    subject: str
    body: str = field(repr=False)  # may hold a link that works


def recovery_letter(to: str, *, link: str, lives: timedelta) -> Letter:
    """The link to set a new password."""
    minutes = int(lives.total_seconds() // 60)
    return Letter(
        to=to,
        subject="Відновлення пароля / Password recovery",
        body=f"""\
Щоб задати новий пароль, перейдіть за посиланням:

{link}

Посилання працює один раз, протягом {minutes} хв. Якщо ви не просили про це,
нічого не робіть: ваш пароль не змінився.

--

To set a new password, follow the link above. It works once, for {minutes} minutes.
If you did not ask for this, do nothing: your password has not changed.
""",
    )


def password_changed_letter(to: str, *, at: datetime) -> Letter:
    """The news that a password was set anew."""
    moment = at.strftime("%Y-%m-%d %H:%M UTC")
    return Letter(
        to=to,
        subject="Пароль змінено / Password changed",
        body=f"""\
Ваш пароль змінено: {moment}. Усі ваші сеанси завершено, увійдіть знову.

Якщо це були не ви, негайно відновіть пароль і повідомте службу підтримки.

--

Your password was changed: {moment}. All your sessions have ended; sign in again.

If that was not you, recover your password at once and tell the support.
""",
    )


_FACTORS = {
    "SMS": ("номер телефону для кодів", "the phone number for codes"),
    "TOTP": ("застосунок для кодів", "the authenticator app"),
    "WEBAUTHN": ("ключ доступу", "a passkey"),
}
_CHANGES = {
    "created": ("додано", "was added"),
    "changed": ("змінено", "was changed"),
    "removed": ("вилучено", "was removed"),
}


def factor_changed_letter(to: str, *, kind: str, change: str, at: datetime) -> Letter:
    """The news that a way to sign in was added, changed or removed."""
    moment = at.strftime("%Y-%m-%d %H:%M UTC")
    (own_kind, other_kind), (own_change, other_change) = _FACTORS[kind], _CHANGES[change]
    return Letter(
        to=to,
        subject="Спосіб входу змінено / Sign-in method changed",
        body=f"""\
У вашому обліковому записі {own_change} {own_kind}: {moment}.

Якщо це були не ви, негайно змініть пароль і повідомте службу підтримки.

--

In your account, {other_kind} {other_change}: {moment}.

If that was not you, change your password at once and tell the support.
""",
    )
