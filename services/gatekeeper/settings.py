"""Settings of gatekeeper: two deployments of it differ in these alone."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from services.gatekeeper.domain.returning import is_own_path
from shared.runtime.ingress import IngressSettings
from shared.runtime.settings import KafkaSettings, Names, ProcessSettings, Secrets

_HTTP = r"^https?://[^\s?#@\\]+$"
_HTTP_OR_NONE = r"^(https?://[^\s?#@\\]+)?$"
_COOKIE_NAME = r"^[A-Za-z0-9_-]{1,64}$"
PACKAGED_RULES = Path(__file__).parent / "rules" / "ehealth.yaml"


class Settings(IngressSettings, KafkaSettings, ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8084, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8184, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    mithril_api_url: str = Field(
        "http://127.0.0.1:8180",
        validation_alias="MITHRIL_API_URL",
        pattern=_HTTP,
        description="internal listener of mithril-api, which verifies tokens",
    )
    mithril_api_public_url: str = Field(
        "http://127.0.0.1:8080",
        validation_alias="MITHRIL_API_PUBLIC_URL",
        pattern=_HTTP,
        description="public listener of mithril-api, where codes are exchanged",
    )
    abac_api_url: str = Field(
        "http://127.0.0.1:8082",
        validation_alias="MITHRIL_ABAC_API_URL",
        pattern=_HTTP,
        description="public listener of abac-api",
    )
    deadline_seconds: float = Field(
        1.0,
        validation_alias="MITHRIL_GATEKEEPER_DEADLINE_SECONDS",
        gt=0,
        le=30,
        description="how long mithril-api and abac-api may take to answer",
    )

    rules_file: Path = Field(
        PACKAGED_RULES,
        validation_alias="MITHRIL_GATEKEEPER_RULES",
        description="the rules file of forward-auth",
    )
    dialect: Literal["nginx", "traefik", "envoy"] = Field(
        "nginx",
        validation_alias="MITHRIL_GATEKEEPER_DIALECT",
        description="whose account of the original request is believed; no other one is",
    )
    resource_origins: Names = Field(
        (),
        validation_alias="MITHRIL_GATEKEEPER_RESOURCE_ORIGINS",
        description="origins of the guarded services, as clients write them in DPoP proofs; "
        "none: that of MITHRIL_GATEKEEPER_PUBLIC_URL",
    )
    token_cookie: str = Field(
        "authorization",
        validation_alias="MITHRIL_GATEKEEPER_TOKEN_COOKIE",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="cookie with a bare token, which wins over the header; empty: none",
    )
    limiter_entries: int = Field(
        100_000, validation_alias="MITHRIL_GATEKEEPER_LIMITER_ENTRIES", ge=100
    )
    cache_seconds: float = Field(
        10,
        validation_alias="MITHRIL_GATEKEEPER_CACHE_SECONDS",
        ge=0,
        le=60,
        description="how long a verified token is kept; 0: not at all",
    )
    cache_entries: int = Field(
        100_000, validation_alias="MITHRIL_GATEKEEPER_CACHE_ENTRIES", ge=1
    )
    kafka_silence_seconds: float = Field(
        0.75,
        validation_alias="MITHRIL_GATEKEEPER_KAFKA_SILENCE_SECONDS",
        gt=0,
        le=5,
        description="the cache is used only if all that Kafka held this long ago was heard",
    )

    upstream_url: str = Field(
        "",
        validation_alias="MITHRIL_GATEKEEPER_UPSTREAM_URL",
        pattern=_HTTP_OR_NONE,
        description="the web app behind the code-exchange back end; empty: forward-auth alone",
    )
    public_url: str = Field(
        "http://127.0.0.1:8084",
        validation_alias="MITHRIL_GATEKEEPER_PUBLIC_URL",
        pattern=_HTTP,
        description="our address as browsers see it",
    )
    auth_web_url: str = Field(
        "http://localhost:8085", validation_alias="MITHRIL_AUTH_WEB_URL", pattern=_HTTP
    )
    client_id: str = Field("", validation_alias="MITHRIL_GATEKEEPER_CLIENT_ID")
    client_secret: SecretStr = Field(
        SecretStr(""), validation_alias="MITHRIL_GATEKEEPER_CLIENT_SECRET"
    )
    sign_in_scope: str = Field(
        "",
        validation_alias="MITHRIL_GATEKEEPER_SCOPE",
        description="asked for at sign-in; empty: whatever the user's roles give",
    )
    issuer: str | None = Field(
        None,
        validation_alias="MITHRIL_ISSUER",
        pattern=r"^https?://[^\s?#]+$",
        description="the `iss` that a code must come with (RFC 9207); none: not compared",
    )
    cookie_keys: Secrets = Field(
        (),
        validation_alias="MITHRIL_GATEKEEPER_COOKIE_KEYS",
        description="seal the session; the first seals, any of them opens",
    )
    session_cookie: str = Field(
        "__Host-gatekeeper",
        validation_alias="MITHRIL_GATEKEEPER_SESSION_COOKIE",
        pattern=r"^__Host-[A-Za-z0-9_-]{1,64}$",
    )
    meta_cookie: str = Field(
        "meta", validation_alias="MITHRIL_GATEKEEPER_META_COOKIE", pattern=_COOKIE_NAME
    )
    start_page: str = Field(
        "/",
        validation_alias="MITHRIL_GATEKEEPER_START_PAGE",
        description="the page shown after a sign-in that began at none",
    )
    session_seconds: int = Field(
        43_200, validation_alias="MITHRIL_GATEKEEPER_SESSION_SECONDS", ge=60
    )
    refresh_before_seconds: int = Field(
        60, validation_alias="MITHRIL_GATEKEEPER_REFRESH_BEFORE_SECONDS", ge=0
    )
    body_limit: int = Field(
        10_485_760, validation_alias="MITHRIL_GATEKEEPER_BODY_LIMIT", ge=1
    )
    upstream_seconds: float = Field(
        60,
        validation_alias="MITHRIL_GATEKEEPER_UPSTREAM_SECONDS",
        gt=0,
        description="how long the web app may say nothing",
    )

    @field_validator("start_page")
    @classmethod
    def _start_page_is_ours(cls, page: str) -> str:
        if not is_own_path(page):
            raise ValueError("must be a path of this site")
        return page

    @model_validator(mode="after")
    def _back_end_is_whole(self) -> Self:
        if not self.upstream_url:
            return self
        missing = [
            name
            for name, value in (
                ("MITHRIL_GATEKEEPER_CLIENT_ID", self.client_id),
                ("MITHRIL_GATEKEEPER_CLIENT_SECRET", self.client_secret.get_secret_value()),
                ("MITHRIL_GATEKEEPER_COOKIE_KEYS", self.cookie_keys),
            )
            if not value
        ]
        if missing:
            raise ValueError(f"MITHRIL_GATEKEEPER_UPSTREAM_URL needs {', '.join(missing)}")
        if any(len(key.get_secret_value()) < 16 for key in self.cookie_keys):
            raise ValueError(
                "a key of MITHRIL_GATEKEEPER_COOKIE_KEYS is under 16 characters"
            )
        address = urlsplit(self.public_url)
        if address.path.strip("/"):
            raise ValueError("MITHRIL_GATEKEEPER_PUBLIC_URL must have no path")
        return self

    @field_validator("resource_origins")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(item.rstrip("/") for item in origins)
        for item in plain:
            if not re.fullmatch(_HTTP, item) or urlsplit(item).path:
                raise ValueError("each must be an origin: https://host, without a path")
        return plain

    def origins(self) -> tuple[str, ...]:
        """The origins that requests to guarded services are addressed to."""
        return self.resource_origins or (self.origin,)

    @property
    def origin(self) -> str:
        """Our origin as browsers write it."""
        return self.public_url.rstrip("/")

    @property
    def redirect_uri(self) -> str:
        """Where auth-web sends a code."""
        return f"{self.origin}/auth/redirect"
