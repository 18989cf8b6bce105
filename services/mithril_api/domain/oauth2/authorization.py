"""What a client asks its user for: read, and judged before the user sees anything.

RFC 6749 §4.1.1, RFC 7636, RFC 8707, RFC 9126, RFC 9207; OpenID Connect Core §3.1.2.1.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from services.mithril_api.domain import redirects
from services.mithril_api.domain.oauth2 import scopes
from services.mithril_api.domain.oauth2.client_authentication import ClientFacts, unkept
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.pkce import CHALLENGE_PATTERN

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_CHALLENGE = re.compile(CHALLENGE_PATTERN.removesuffix("$") + r"\Z")
_THUMBPRINT = re.compile(r"^[A-Za-z0-9_-]{43}\Z")
_AGE = re.compile(r"^[0-9]{1,9}\Z")
_PROMPTS = frozenset({"consent", "login", "none", "select_account"})
_RESOURCE = re.compile(r"^[a-z][a-z0-9+.-]*:[^\s#]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that may be put before a user."""

    redirect_uri: str
    scope: tuple[str, ...] = ()
    state: str | None = None
    code_challenge: str | None = field(default=None, repr=False)
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    subject: str | None = None  # the user whom the client means, by a token that it has
    resource: tuple[str, ...] = ()
    dpop_jkt: str | None = None  # the key that the code is bound to (RFC 9449 §10)
    issuer: str = ""  # the one that was asked: who answers is told to the client

    def stored(self) -> dict[str, Any]:
        """As it is kept."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def location(self, **answer: str | None) -> str:
        """Where the browser takes an answer."""
        return redirects.with_parameters(
            self.redirect_uri, **answer, state=self.state, iss=self.issuer or None
        )

    def refusal(self, fault: Fault) -> str:
        """Where the browser takes a refusal (RFC 6749 §4.1.2.1)."""
        return self.location(error=fault.code, error_description=fault.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A fault that the client may be told of: its redirect URI is one of its own."""

    fault: Fault
    redirect_uri: str
    state: str | None

    def location(self, issuer: str) -> str:
        """Where the browser takes it."""
        return redirects.with_parameters(
            self.redirect_uri,
            error=self.fault.code,
            error_description=self.fault.description,
            state=self.state,
            iss=issuer,
        )


Outcome: TypeAlias = AuthorizationRequest | Refusal | Fault


def of_stored(parameters: Mapping[str, Any]) -> AuthorizationRequest:
    """A request as it was kept."""
    lists = {
        name: tuple(parameters.get(name, ())) for name in ("scope", "prompt", "resource")
    }
    known = AuthorizationRequest.__dataclass_fields__
    kept = {name: value for name, value in parameters.items() if name in known}
    return AuthorizationRequest(**{**kept, **lists})


def judge(
    client: ClientFacts,
    asked: Parameters,
    *,
    issuer: str,
    is_trusted: bool,
    subject: str | Fault | None = None,
) -> Outcome:
    """The request; a `Fault` where nothing may be sent to the redirect URI that it names.

    `subject` is whom the request's `id_token_hint` means.
    """
    redirect_uri = asked.get("redirect_uri")
    if redirect_uri is None:
        return invalid_request("`redirect_uri` is missing")
    registered = [item.redirect_uri for item in client.connections]
    if not redirects.is_registered(redirect_uri, registered):
        return invalid_request("`redirect_uri` is not registered for the client")
    if client.is_blocked:
        fault = Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client is blocked")
        return Refusal(fault=fault, redirect_uri=redirect_uri, state=asked.get("state"))
    fault_or_request = _read(client, asked, redirect_uri, is_trusted=is_trusted)
    if isinstance(fault_or_request, Fault):
        return Refusal(
            fault=fault_or_request, redirect_uri=redirect_uri, state=asked.get("state")
        )
    if isinstance(subject, Fault):
        return Refusal(fault=subject, redirect_uri=redirect_uri, state=asked.get("state"))
    return AuthorizationRequest(**fault_or_request, issuer=issuer, subject=subject)


def _read(
    client: ClientFacts, asked: Parameters, redirect_uri: str, *, is_trusted: bool
) -> dict[str, Any] | Fault:
    scope = scopes.read(asked.get("scope"))
    if isinstance(scope, Fault):
        return scope
    checks = (
        unkept(client.metadata),
        _unsupported(asked),
        _wrong_proof(client, asked),
        _wrong_scope(client, scope, is_trusted=is_trusted),
        _wrong_prompt(asked),
        _wrong_resource(client, asked),
    )
    fault = next((check for check in checks if check is not None), None)
    if fault is not None:
        return fault
    max_age = asked.get("max_age")
    return {
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": asked.get("state"),
        "code_challenge": asked.get("code_challenge"),
        "prompt": tuple((asked.get("prompt") or "").split()),
        "max_age": None if max_age is None else int(max_age),
        "login_hint": asked.get("login_hint"),
        "nonce": asked.get("nonce"),
        "resource": asked.every("resource"),
        "dpop_jkt": asked.get("dpop_jkt"),
    }


def _unsupported(asked: Parameters) -> Fault | None:
    if "request" in asked:
        return Fault(ErrorCode.REQUEST_NOT_SUPPORTED, "`request` is not supported")
    if "registration" in asked:
        return Fault(
            ErrorCode.REGISTRATION_NOT_SUPPORTED, "`registration` is not supported"
        )
    response_type = asked.get("response_type")
    if response_type is None:
        return invalid_request("`response_type` is missing")
    if response_type != "code":
        return Fault(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "`response_type` must be `code`")
    if asked.get("response_mode") not in (None, "query"):
        return invalid_request("`response_mode` must be `query`")
    jkt = asked.get("dpop_jkt")
    if jkt is not None and _THUMBPRINT.match(jkt) is None:
        return invalid_request("`dpop_jkt` is not the SHA-256 thumbprint of a key")
    return None


def _wrong_proof(client: ClientFacts, asked: Parameters) -> Fault | None:
    """PKCE: S256 alone, since `plain` proves nothing.

    A public client has nothing else; one that must push follows FAPI 2.0 (§5.3.2.2).
    """
    challenge = asked.get("code_challenge")
    method = asked.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            return invalid_request("`code_challenge` is missing")
        if client.metadata.is_public or client.metadata.must_push:
            return invalid_request("the client must send `code_challenge` (PKCE)")
    elif method != "S256":
        return invalid_request("`code_challenge_method` must be `S256`")
    elif _CHALLENGE.match(challenge) is None:
        return invalid_request("`code_challenge` is malformed")
    return None


def _wrong_scope(
    client: ClientFacts, scope: tuple[str, ...], *, is_trusted: bool
) -> Fault | None:
    if not scope and not is_trusted:
        return Fault(ErrorCode.INVALID_SCOPE, "`scope` is missing")
    if not scopes.OF_OPENID.union(client.type_scope).issuperset(scope):
        return Fault(
            ErrorCode.INVALID_SCOPE, "`scope` holds what the client may not ask for"
        )
    return None


def _wrong_prompt(asked: Parameters) -> Fault | None:
    prompts = (asked.get("prompt") or "").split()
    if not _PROMPTS.issuperset(prompts):
        return invalid_request("`prompt` holds an unknown value")
    if "none" in prompts and len(prompts) > 1:
        return invalid_request("`prompt=none` stands alone")
    if (age := asked.get("max_age")) is not None and _AGE.match(age) is None:
        return invalid_request("`max_age` must be a number of seconds")
    return None


def _wrong_resource(client: ClientFacts, asked: Parameters) -> Fault | None:
    return wrong_resource(client, asked.every("resource"))


def wrong_resource(client: ClientFacts, resources: tuple[str, ...]) -> Fault | None:
    """Whether a client asks for tokens that it may not have (RFC 8707 §2)."""
    if any(_RESOURCE.match(resource) is None for resource in resources):
        return Fault(ErrorCode.INVALID_TARGET, "`resource` must be an absolute URI")
    if not set(client.metadata.resources).issuperset(resources):
        return Fault(ErrorCode.INVALID_TARGET, "`resource` is not one of the client's")
    return None
