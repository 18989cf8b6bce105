"""Whether a request may reach the service behind the proxy (spec §7.2): fails closed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from services.gatekeeper.cache import Kept
from services.gatekeeper.deps import Deps
from services.gatekeeper.domain.consumers import consumer_of, missing_allowances
from services.gatekeeper.domain.originals import Original
from services.gatekeeper.domain.paths import plain_path
from services.gatekeeper.domain.rules import Limit, Question, Rule, question_of
from shared.peers.abac import AbacUnavailableError
from shared.peers.mithril import MithrilUnavailableError, RefusedToken, VerifiedToken
from shared.runtime import platform
from shared.runtime.platform import INVALID_TOKEN, MISSING_BEARER
from shared.wire import holders
from shared.wire.dpop import Proof
from shared.wire.envelope import UNAVAILABLE_TEXT
from shared.wire.holders import NotHeld, Shown

# The texts of the contract.
MISSING_KEY = "Api key is not set"
INVALID_KEY = "Invalid api key"
NO_RULE = "ACL: No matching rule was found for path "
ABAC_RULE = "Abac rule was not found"
ACCESS_DENIED = "Access denied"
LIMITED = "API rate limit exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsked:
    """A request to check, with its credentials."""

    original: Original
    shown: Shown | None
    api_key: str | None = field(repr=False)
    request_id: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may go on. `headers` are for the service; `extra` for the caller."""

    kept: Kept
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not. `outcome` is a word for logs and metrics."""

    status: int
    kind: str
    message: str
    outcome: str
    extra: Mapping[str, str] = field(default_factory=dict)
    kept: Kept | None = None  # who it was, where that is known
    challenge: str | None = None  # how to show what was shown; none: in the usual way


Outcome: TypeAlias = Allowed | Denied


async def check(deps: Deps, asked: CheckAsked) -> Outcome:
    """The verdict on one request; the order of the checks is the gateway's."""
    original = asked.original
    path = plain_path(original.path)
    found = None if path is None else deps.rules.find(original.method, path)
    rule = None if found is None else found[0]
    by_key = rule is not None and rule.api_key
    token = None if asked.shown is None else asked.shown.token
    credential = asked.api_key if by_key else token
    if not credential:
        text, outcome = (MISSING_KEY, "no_key") if by_key else (MISSING_BEARER, "no_token")
        return Denied(401, "access_denied", text, outcome)

    limits = deps.rules.limits if rule is None else rule.limits
    extra: Mapping[str, str] = {}
    if limits:
        within, extra = _limited(deps, rule, credential, limits)
        if not within:
            return Denied(429, "access_denied", LIMITED, "limited", extra)

    try:
        if by_key:
            verdict = await deps.verifier.key(credential, request_id=asked.request_id)
        else:
            verdict = await deps.verifier.token(
                credential, api_key=asked.api_key, request_id=asked.request_id
            )
    except MithrilUnavailableError:
        return _unavailable("verify_unavailable", extra)
    if isinstance(verdict, RefusedToken):
        text = INVALID_KEY if by_key else INVALID_TOKEN
        return Denied(401, "access_denied", text, "refused", extra)
    if not by_key and (challenge := _challenge(deps, asked, verdict)) is not None:
        return Denied(
            *(401, "access_denied", INVALID_TOKEN, "not_proved", extra, verdict),
            challenge=challenge,
        )

    return await _permit(deps, asked, found, verdict, extra)


def _challenge(deps: Deps, asked: CheckAsked, verdict: Kept) -> str | None:
    """How to do better, unless the caller proves what its token is bound to, and by a new proof."""
    shown, verified = asked.shown, verdict.verified
    if shown is None or not isinstance(verified, VerifiedToken):
        return "Bearer"
    now = deps.clock.now()
    proof = holders.judge(
        verified.confirmation,
        shown,
        method=asked.original.method,
        urls=[origin + asked.original.path for origin in deps.settings.origins()],
        now=now,
    )
    if proof is None or (isinstance(proof, Proof) and deps.proofs.take(proof, now=now)):
        return None
    return holders.challenge(shown, proof_is_at_fault=not isinstance(proof, NotHeld))


async def _permit(
    deps: Deps,
    asked: CheckAsked,
    found: tuple[Rule, Mapping[str, str]] | None,
    verdict: Kept,
    extra: Mapping[str, str],
) -> Outcome:
    """Whether the consumer may do this: by a rule, its scopes, and abac-api's decision."""
    if found is None:
        text = NO_RULE + asked.original.path
        return Denied(403, "forbidden", text, "no_rule", extra, verdict)
    rule, captures = found
    missing = missing_allowances(rule.scopes, verdict.verified)
    if missing:
        text = platform.missing_allowances(missing)
        return Denied(403, "forbidden", text, "scope", extra, verdict)
    if rule.ask is not None and isinstance(verdict.verified, VerifiedToken):
        question = question_of(rule.ask, captures, asked.original.arguments())
        if question is None:
            return Denied(401, "access_denied", ABAC_RULE, "abac_rule", extra, verdict)
        try:
            permitted = await _is_permitted(deps, asked, verdict.verified, question)
        except AbacUnavailableError:
            return _unavailable("abac_unavailable", extra)
        if not permitted:
            return Denied(403, "forbidden", ACCESS_DENIED, "abac", extra, verdict)
    return Allowed(verdict, extra)


def _limited(
    deps: Deps, rule: Rule | None, credential: str, limits: tuple[Limit, ...]
) -> tuple[bool, dict[str, str]]:
    line = 0 if rule is None else rule.line
    now = deps.clock.now().timestamp()
    return deps.limiter.take(line, credential, limits, now=now)


async def _is_permitted(
    deps: Deps, asked: CheckAsked, verified: VerifiedToken, question: Question
) -> bool:
    decided = await deps.abac.authorize(
        consumer_of(verified),
        question.resource,
        question.contexts,
        request_id=asked.request_id,
    )
    return decided.result


def _unavailable(outcome: str, extra: Mapping[str, str]) -> Denied:
    headers = {**extra, "Retry-After": "1"}
    return Denied(503, "service_unavailable", UNAVAILABLE_TEXT, outcome, headers)
