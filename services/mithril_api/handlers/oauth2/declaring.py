"""What the standards' endpoints take, by the names that IANA keeps, for the document.

Their parameters are read one by one (`forms.py`): a form may have any beside them.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.mithril_api.domain.oauth2.parameters import FORM
from shared.wire.dpop import HEADER
from shared.wire.operations import Gives, Needs, Takes

# By `Authorization: Basic`, or by what is in the form.
CLIENT = (Needs(scheme="clientBasic"), Needs(scheme=""))
PROOF_HEADER = {HEADER: "A proof of the key that tokens shall be bound to (RFC 9449)."}
ONWARD = Gives(status=303, headers=("Location",))
ERROR_PAGE = Gives(
    data=str,
    status=400,
    enveloped=False,
    media="text/html",
    says="A page for the person: the application cannot be told.",
)


class _Form(BaseModel):
    model_config = ConfigDict(extra="allow")


class ClientForm(_Form):
    """Who asks, where `Authorization: Basic` does not say it (RFC 7591 §2)."""

    client_id: str | None = None
    client_secret: str | None = None
    client_assertion_type: str | None = None
    client_assertion: str | None = Field(None, description="a signed JWT (RFC 7523)")


class TokenForm(ClientForm):
    """A grant (RFC 6749 §4.1.3, §4.4.2, §6; RFC 8628); what belongs together, it says."""

    grant_type: str = Field(
        description="`authorization_code`, `refresh_token`, `client_credentials`, or what "
        "else the discovery document names"
    )
    code: str | None = None
    redirect_uri: str | None = None
    code_verifier: str | None = Field(None, description="RFC 7636")
    refresh_token: str | None = None
    subject_token: str | None = Field(None, description="RFC 8693 §2.1")
    subject_token_type: str | None = None
    audience: str | None = Field(None, description="RFC 8693; may be repeated")
    device_code: str | None = Field(None, description="RFC 8628 §3.4")
    scope: str | None = Field(None, description="as granted, or less")
    resource: str | None = Field(None, description="RFC 8707; may be repeated")


class DeviceForm(ClientForm):
    """What a device asks its user for (RFC 8628 §3.1)."""

    scope: str | None = None
    resource: str | None = Field(None, description="RFC 8707; may be repeated")


class RevocationForm(ClientForm):
    """The token that ends (RFC 7009 §2.1)."""

    token: str = Field(min_length=1)
    token_type_hint: str | None = None


class IntrospectionForm(RevocationForm):
    """The token that is asked about (RFC 7662 §2.1)."""


class AuthorizationForm(ClientForm):
    """What a client asks its user for (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1)."""

    response_type: str | None = Field(None, description="`code`")
    redirect_uri: str | None = None
    scope: str | None = None
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = Field(None, description="RFC 7636")
    code_challenge_method: Literal["S256"] | None = None
    prompt: str | None = None
    max_age: str | None = Field(None, description="seconds")
    login_hint: str | None = None
    id_token_hint: str | None = None
    resource: str | None = Field(None, description="RFC 8707; may be repeated")
    request_uri: str | None = Field(None, description="what was pushed (RFC 9126)")


class LogoutForm(_Form):
    """Where a user goes after signing out (OpenID Connect RP-Initiated Logout §2)."""

    client_id: str | None = None
    id_token_hint: str | None = Field(None, description="an ID token that the client got")
    post_logout_redirect_uri: str | None = None
    state: str | None = None


class TokenShown(_Form):
    """The token, where `Authorization` does not show it."""

    access_token: str | None = None


def form(model: type[BaseModel]) -> Takes:
    """A form."""
    return Takes(models=(model,), media=FORM)


def plain(data: Any, *, status: int = 200) -> Gives:
    """An object without an envelope."""
    return Gives(data=data, status=status, enveloped=False)
