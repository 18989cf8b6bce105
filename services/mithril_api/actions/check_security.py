"""Hold the settings and what is registered against the best current practice."""

from urllib.parse import parse_qs, urlsplit

from services.mithril_api.deps import Deps
from services.mithril_api.domain import security_check
from services.mithril_api.domain.security_check import Deployment, Finding
from services.mithril_api.settings import Settings
from services.mithril_api.store import security_check as store


async def check_security(deps: Deps) -> list[Finding]:
    """Every point; changes nothing."""
    async with deps.db.read() as conn:
        registered = await store.registered(conn, now=deps.clock.now())
    return security_check.check(deployment_of(deps.settings), registered)


def deployment_of(settings: Settings) -> Deployment:
    """What the settings say of it."""
    address = urlsplit(settings.database_url.get_secret_value())
    modes = parse_qs(address.query).get("sslmode", [None])
    kept = (*settings.secret_keys, *settings.service_tokens)
    return Deployment(
        issuer=settings.issuer,
        auth_web_url=settings.auth_web_url,
        database_host=address.hostname or "",
        database_ssl=modes[0],
        internal_network=settings.internal_auth == "network",
        access_lifetime=settings.access_token_lifetime,
        refresh_lifetime=settings.refresh_token_lifetime,
        absolute_lifetime=settings.refresh_absolute_lifetime,
        code_lifetime=settings.code_grant_lifetime,
        secrets=[secret.get_secret_value() for secret in kept],
        token_quota=settings.limit_token_client is not None,
        second_factors=settings.user_2fa_enabled,
        breach_list=settings.breach_list_endpoint is not None,
        password_memory_kib=settings.password_memory_kib,
        password_passes=settings.password_passes,
        trusted_clients=len(settings.trusted_client_ids),
        proxies=settings.trusted_proxies,
        api_page=settings.api_page == "on",
        open_registration=settings.dynamic_registration == "open",
        certificates=settings.client_certificate_header is not None,
        ingresses=settings.trusted_ingresses,
    )
