"""What the best current practice asks of a deployment (RFC 9700), point by point.

A point that the program keeps by itself is said as such; one that rests on settings, or on
what is registered, is looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DEV = "dev-only-"
_YEAR_DAYS = 365


class Level(StrEnum):
    """How a point stands."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One point: where it is asked for, how it stands, and why."""

    point: str
    level: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the database says of clients."""

    plain_redirects: Sequence[str] = ()  # http, and not on the user's own machine
    loose_redirects: Sequence[str] = ()  # with a fragment or a wildcard
    reusing: int = 0  # clients that chose `reuse`, or have not chosen
    public: int = 0
    # Clients registered with what is not supported, which therefore get no tokens.
    unreadable: Sequence[str] = ()
    bearing: int = 0  # clients whose tokens need not be bound to a key
    by_secret: int = 0  # clients that prove themselves by a secret
    half_bound: Sequence[str] = ()  # by key, or bound, and with a secret for /oauth/tokens
    old_secrets: int = 0  # of connections, older than a year
    unused_secrets: int = 0  # connections not used for a year


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What the settings say."""

    issuer: str | None
    auth_web_url: str
    database_host: str
    database_ssl: str | None
    internal_network: bool
    access_lifetime: int
    refresh_lifetime: int
    absolute_lifetime: int | None
    code_lifetime: int
    secrets: Sequence[str] = field(repr=False)  # keys and service tokens
    token_quota: bool
    second_factors: bool
    breach_list: bool
    password_memory_kib: int
    password_passes: int
    trusted_clients: int
    proxies: Sequence[str]
    api_page: bool
    open_registration: bool = False  # anybody may register a client
    certificates: bool = False  # an ingress hands certificates of clients on
    ingresses: Sequence[str] = ()  # whose word on them is taken


def check(deployment: Deployment, registered: Registered) -> list[Finding]:
    """Every point, in the order of the document."""
    return [*_of_program(), *_of_settings(deployment), *_of_clients(registered)]


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level among them."""
    order = list(Level)
    return max((item.level for item in findings), key=order.index, default=Level.OK)


def _of_program() -> Iterator[Finding]:
    yield _ok("RFC 9700 §2.1 redirect URIs", "compared as exact strings, everywhere")
    yield _ok("RFC 9700 §2.1.1 PKCE", "S256 only; public clients must; no downgrade")
    yield _ok("RFC 9700 §2.1.2 implicit grant", "not offered")
    yield _ok("RFC 9700 §2.4 password grant", "not offered to clients of /oauth2")
    yield _ok("RFC 9700 §4.4 mix-up", "`iss` is in every authorization response (RFC 9207)")
    yield _ok(
        "RFC 9700 §4.5 code injection", "codes are bound, used once, and end families"
    )
    yield _ok("RFC 9700 §4.12 307 redirects", "redirects that follow a form are 303")
    yield _ok("RFC 9700 §4.14 refresh tokens", "rotation ends the family of a replay")
    yield _ok("secrets at rest", "digests; what must be read again is sealed")


def _of_settings(given: Deployment) -> Iterator[Finding]:
    yield _of_issuer(given.issuer)
    yield _of_url("MITHRIL_AUTH_WEB_URL", given.auth_web_url)
    yield _of_database(given)
    yield _upper("AUTH_ACCESS_TOKEN_LIFETIME", given.access_lifetime, ok=3600, most=86_400)
    yield _upper("AUTH_CODE_GRANT_LIFETIME", given.code_lifetime, ok=120, most=600)
    absolute = "MITHRIL_REFRESH_ABSOLUTE_LIFETIME"
    if given.absolute_lifetime is None:
        yield _warning(absolute, "families of refresh tokens never end while they are used")
    else:
        yield _ok(absolute, f"families end after {given.absolute_lifetime} seconds")
    if any(secret.startswith(_DEV) for secret in given.secrets):
        yield _failure("secrets", "a development secret (`dev-only-…`) is in use")
    elif any(len(secret) < 32 for secret in given.secrets):
        yield _warning("secrets", "a key or service token has fewer than 32 characters")
    else:
        yield _ok("secrets", "keys and service tokens are long, and none is a default")
    strong = given.password_memory_kib >= 19_456 and given.password_passes >= 2
    made = f"argon2id with {given.password_memory_kib} KiB, {given.password_passes} passes"
    yield _either(strong, "passwords", made, f"{made}: fewer than 19456 KiB or 2 passes")
    yield _wished(
        not given.internal_network,
        "MITHRIL_INTERNAL_AUTH",
        "internal listeners ask for a credential",
        "internal listeners trust the network: it must let nobody else in",
    )
    yield _wished(
        given.token_quota,
        "MITHRIL_LIMIT_TOKEN_CLIENT",
        "requests of a client are limited",
        "requests of a client are not limited",
    )
    yield _wished(
        given.second_factors,
        "USER_2FA_ENABLED",
        "second factors are asked for",
        "second factors are off",
    )
    yield _wished(
        given.breach_list,
        "BREACH_LIST_ENDPOINT",
        "new passwords are held against a list of breached ones",
        "new passwords are not held against breached ones",
    )
    yield _either(
        not any(network.endswith("/0") for network in given.proxies),
        "MITHRIL_TRUSTED_PROXIES",
        "no proxy of ours is everybody",
        "everybody may say where a request comes from",
    )
    yield _wished(
        not given.api_page,
        "MITHRIL_API_PAGE",
        "there is no page to try the API",
        "`/docs` is a page to try the API: fine for trying, needless elsewhere",
    )
    yield _wished(
        not given.open_registration,
        "MITHRIL_DYNAMIC_REGISTRATION",
        "nobody registers a client without an operator's word",
        "anybody may register a client, under any name",
    )
    if given.certificates:
        yield _either(
            not any(network.endswith("/0") for network in given.ingresses),
            "MITHRIL_TRUSTED_INGRESSES",
            "no ingress of ours is everybody",
            "everybody may say whose certificate was shown",
        )
    if given.trusted_clients:
        text = f"{given.trusted_clients} clients skip the consent of their users"
        yield _warning("TRUSTED_CLIENT_IDS", text)


def _of_clients(found: Registered) -> Iterator[Finding]:
    yield _either(
        not found.plain_redirects,
        "redirect URIs: TLS",
        "all are https, or on the user's own machine",
        f"plain http: {_some(found.plain_redirects)}",
    )
    yield _either(
        not found.loose_redirects,
        "redirect URIs: shape",
        "none has a fragment or a wildcard",
        f"with a fragment or a wildcard: {_some(found.loose_redirects)}",
    )
    yield _either(
        not found.unreadable,
        "clients: settings",
        "no client relies on what is not supported",
        f"registered with what is not supported: {_some(found.unreadable)}",
    )
    yield _wished(
        not found.bearing,
        "RFC 9700 §2.2.1 sender-constrained tokens",
        "every client's tokens are bound to a key",
        f"{found.bearing} clients may have bearer tokens; set `dpop_bound_access_tokens` of "
        "those that can send proofs",
    )
    yield _wished(
        not found.by_secret,
        "RFC 9700 §2.5 client authentication",
        "no client proves itself by a secret",
        f"{found.by_secret} clients prove themselves by a secret; `private_key_jwt` keeps "
        "it from being shared",
    )
    yield _wished(
        not found.half_bound,
        "clients by key: /oauth/tokens",
        "none has a secret beside its key",
        "a secret still buys bearer tokens at /oauth/tokens for clients that are registered "
        f"with a key: {_some(found.half_bound)}",
    )
    yield _wished(
        not found.reusing,
        "refresh tokens of /oauth/tokens",
        "every client rotates",
        f"{found.reusing} clients keep a refresh token that works again and again; set "
        "`refresh_token_policy` to `rotate`, one by one",
    )
    yield _wished(
        not found.old_secrets,
        "client secrets: age",
        "none is older than a year",
        f"{found.old_secrets} are older than a year; rotate them",
    )
    yield _wished(
        not found.unused_secrets,
        "client secrets: use",
        "every connection was used within a year, or is new",
        f"{found.unused_secrets} connections were not used for a year; delete them",
    )
    yield _ok("public clients", f"{found.public}; they must use PKCE, and rotate")


def _of_issuer(issuer: str | None) -> Finding:
    if issuer is None:
        text = "not set: the issuer is whatever `Host` a caller sends"
        return _failure("MITHRIL_ISSUER", text)
    return _of_url("MITHRIL_ISSUER", issuer)


def _of_url(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return _ok(name, "https")
    if parts.hostname in _LOOPBACK:
        return _warning(name, "http on this machine: fine for trying, nowhere else")
    return _failure(name, "must be https")


def _of_database(given: Deployment) -> Finding:
    name = "DATABASE_URL"
    if given.database_host in _LOOPBACK or not given.database_host:
        return _ok(name, "the database is on this machine")
    if given.database_ssl in {"verify-ca", "verify-full"}:
        return _ok(name, f"sslmode={given.database_ssl}")
    return _warning(name, "the database's certificate is not verified (sslmode)")


def _upper(name: str, seconds: int, *, ok: int, most: int) -> Finding:
    text = f"{seconds} seconds"
    if seconds <= ok:
        return _ok(name, text)
    return _warning(name, text) if seconds <= most else _failure(name, f"{text}: too long")


def _either(is_so: bool, point: str, good: str, bad: str) -> Finding:
    return _ok(point, good) if is_so else _failure(point, bad)


def _wished(is_so: bool, point: str, good: str, bad: str) -> Finding:
    return _ok(point, good) if is_so else _warning(point, bad)


def _ok(point: str, reason: str) -> Finding:
    return Finding(point=point, level=Level.OK, reason=reason)


def _warning(point: str, reason: str) -> Finding:
    return Finding(point=point, level=Level.WARNING, reason=reason)


def _failure(point: str, reason: str) -> Finding:
    return Finding(point=point, level=Level.FAILURE, reason=reason)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
