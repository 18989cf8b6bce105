"""What mithril-api's login API answers, as the sign-in pages read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

FactorType: TypeAlias = Literal["SMS", "TOTP", "WEBAUTHN"]


class SignInUnavailableError(Exception):
    """mithril-api cannot be asked, or its answer cannot be read: nothing was learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """mithril-api says no: the `error` of its envelope."""

    status: int
    kind: str
    message: str
    fields: tuple["FieldRefusal", ...] = ()
    retry_after: int | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRefusal:
    """One offending field."""

    name: str
    rule: str
    description: str


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Factor(_Read):
    """A second factor that may complete a sign-in; `factor` is the masked phone."""

    id: str
    type: FactorType
    factor: str | None = None
    name: str | None = None


class Totp(_Read):
    """The secret of a new authenticator app."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A token, and what is to be done with it next."""

    token: str = field(repr=False)
    expires_at: datetime
    kind: str  # access_token, 2fa_access_token, change_password_token
    next_step: str | None = None
    factors: tuple[Factor, ...] = ()
    factor_id: str | None = None
    totp: Totp | None = field(default=None, repr=False)
    webauthn: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a consent page must show."""

    client_name: str
    scope: tuple[str, ...]
    new: tuple[str, ...]  # asked, and not yet approved
    user_code: str = ""  # of a device, as it shows it
    trusted: bool
    must_ask: bool = False  # though nothing is new


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSummary:
    """A client, and whether it may be led to with this redirect URI."""

    id: str
    name: str
    is_blocked: bool
    redirect_matches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a user once allowed a client."""

    id: str
    client_name: str
    scope: tuple[str, ...]
    since: str | None  # as the API writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOf:
    """Approvals, a page of them."""

    items: Sequence[Approval]
    number: int
    total_pages: int


class UserFactor(_Read):
    """A factor as its owner sees it."""

    id: str
    type: FactorType
    factor: str | None = None
    name: str | None = None
    inserted_at: str | None = None
    last_used_at: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, and there is nothing to say."""


DONE = Done()
