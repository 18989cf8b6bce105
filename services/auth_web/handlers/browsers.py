"""Who is at the other end: the browser's language, address, and how far its sign-in has come."""

from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from services.auth_web.domain import languages
from services.auth_web.domain.languages import Language
from services.auth_web.domain.texts import NAMES, Texts
from services.auth_web.handlers.keys import DEPS
from shared.peers.sign_in_answers import Factor, FactorType
from shared.runtime.pages import SESSION

Grant: TypeAlias = Literal["password", "change_password", "add_factor"]

TEXTS: web.RequestKey[Texts] = web.RequestKey("texts", Texts)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


State = TypeVar("State", bound=_Kept)


class SettingUp(_Kept):
    """A factor that is being set up: what its owner must be shown."""

    type: FactorType
    phone: str | None = None
    secret: str | None = None
    uri: str | None = None
    options: dict[str, Any] | None = None


class Pending(_Kept):
    """A sign-in that waits for a second factor."""

    token: str
    grant: Grant
    email: str
    factors: tuple[Factor, ...] = ()
    factor_id: str | None = None
    sent_at: float = 0.0  # when a code was last sent, unix seconds
    setting_up: SettingUp | None = None

    def factor(self) -> Factor | None:
        """The factor that is asked for."""
        found = (factor for factor in self.factors if factor.id == self.factor_id)
        return next(found, None)


class SignedIn(_Kept):
    """A finished sign-in: its token, and who it is."""

    token: str
    email: str


class Changing(_Kept):
    """A password may be set, once, with this token."""

    token: str
    email: str


def texts_of(request: web.Request) -> Texts:
    """The texts in the language of this request."""
    found = request.get(TEXTS)
    if found is None:
        found = request[TEXTS] = Texts(language_of(request))
    return found


def language_of(request: web.Request) -> Language:
    """Asked for in the address, kept in the cookie, preferred by the browser, or the default."""
    asked = languages.known(request.query.get("lang"))
    kept = languages.known(request.cookies.get(language_cookie(request)))
    preferred = languages.preferred(request.headers.get("Accept-Language", ""))
    return asked or kept or preferred or request.app[DEPS].settings.default_language


def language_cookie(request: web.Request) -> str:
    """The name of the cookie that keeps the language."""
    return f"{request.app[DEPS].settings.cookie_prefix}-lang"


def language_links(request: web.Request) -> dict[Language, str]:
    """This page in each language; a page that was posted to is opened anew."""
    query = [(name, value) for name, value in request.query.items() if name != "lang"]
    path = request.rel_url.raw_path
    return {code: f"{path}?{urlencode([*query, ('lang', code)])}" for code, _ in NAMES}


def address_of(request: web.Request) -> str:
    """The browser's address: the peer's, or what the trusted proxies in front say of it."""
    hops = request.app[DEPS].settings.forwarded_hops
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if hops and len(forwarded) >= hops and (said := forwarded[-hops].strip()):
        return said[:64]
    return request.remote or "unknown"


def pending_of(request: web.Request) -> Pending | None:
    """The sign-in that waits for a second factor, if one does."""
    return _kept(request, "pending", Pending)


def signed_in_of(request: web.Request) -> SignedIn | None:
    """Who is signed in, if anybody is."""
    return _kept(request, "signed_in", SignedIn)


def changing_of(request: web.Request) -> Changing | None:
    """Whose password may be set, if anybody's."""
    return _kept(request, "changing", Changing)


def keep(request: web.Request, **states: _Kept | None) -> None:
    """Write states to the session; one of none is forgotten."""
    request[SESSION].put(
        **{
            name: None
            if state is None
            else state.model_dump(mode="json", exclude_none=True)
            for name, state in states.items()
        }
    )


def _kept(request: web.Request, name: str, kind: type[State]) -> State | None:
    value = request[SESSION].get(name)
    if value is None:
        return None
    try:
        return kind.model_validate(value)
    except ValidationError:  # sealed by another release
        return None
