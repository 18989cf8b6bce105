"""Settings of how often may be asked for what: `COUNT/SECONDS`, or `off`."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.mithril_api.domain.limits import Holder, Limit, Purpose
from shared.runtime.settings import Names


def _parsed(value: object) -> object:
    return Limit.parse(value.strip()) if isinstance(value, str) else value


Rate = Annotated[Limit | None, NoDecode, BeforeValidator(_parsed)]


class LimitSettings(BaseSettings):
    """Mixed into the settings of mithril-api.

    An address may be a whole hospital behind one router, and a client the sign-in pages of
    the whole country: these limits keep floods out, those of a user keep guessing out.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    trusted_proxies: Names = Field(
        (),
        validation_alias="MITHRIL_TRUSTED_PROXIES",
        description="networks whose X-Forwarded-For is believed without a service token",
    )
    limit_login_address: Rate = Field(
        Limit(1200, 60), validation_alias="MITHRIL_LIMIT_LOGIN_ADDRESS"
    )
    limit_login_client: Rate = Field(
        Limit(60_000, 60), validation_alias="MITHRIL_LIMIT_LOGIN_CLIENT"
    )
    limit_login_user: Rate = Field(
        Limit(60, 60), validation_alias="MITHRIL_LIMIT_LOGIN_USER"
    )
    limit_code_address: Rate = Field(
        Limit(1200, 60), validation_alias="MITHRIL_LIMIT_CODE_ADDRESS"
    )
    limit_code_user: Rate = Field(Limit(30, 60), validation_alias="MITHRIL_LIMIT_CODE_USER")
    limit_recovery_address: Rate = Field(
        Limit(300, 900), validation_alias="MITHRIL_LIMIT_RECOVERY_ADDRESS"
    )
    limit_recovery_user: Rate = Field(
        Limit(5, 900), validation_alias="MITHRIL_LIMIT_RECOVERY_USER"
    )
    limit_nonce_address: Rate = Field(
        Limit(1200, 60), validation_alias="MITHRIL_LIMIT_NONCE_ADDRESS"
    )
    limit_nonce_client: Rate = Field(
        Limit(60_000, 60), validation_alias="MITHRIL_LIMIT_NONCE_CLIENT"
    )

    limit_authorize_address: Rate = Field(
        Limit(1200, 60), validation_alias="MITHRIL_LIMIT_AUTHORIZE_ADDRESS"
    )
    limit_device_address: Rate = Field(
        Limit(300, 600), validation_alias="MITHRIL_LIMIT_DEVICE_ADDRESS"
    )
    limit_device_client: Rate = Field(
        Limit(3000, 600), validation_alias="MITHRIL_LIMIT_DEVICE_CLIENT"
    )
    limit_device_user: Rate = Field(
        Limit(20, 600), validation_alias="MITHRIL_LIMIT_DEVICE_USER"
    )
    limit_registration_address: Rate = Field(
        Limit(60, 3600), validation_alias="MITHRIL_LIMIT_REGISTRATION_ADDRESS"
    )
    limit_token_client: Rate = Field(
        Limit(60_000, 60), validation_alias="MITHRIL_LIMIT_TOKEN_CLIENT"
    )
    limit_introspection_client: Rate = Field(
        Limit(300_000, 60), validation_alias="MITHRIL_LIMIT_INTROSPECTION_CLIENT"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(name)) for name in names)

    def limit_of(self, purpose: Purpose, holder: Holder) -> Limit | None:
        """The limit of a holder; none: there is none."""
        return self._limits().get((purpose, holder))

    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of proxies of ours."""
        return tuple(map(ip_network, self.trusted_proxies))

    def _limits(self) -> Mapping[tuple[Purpose, Holder], Limit | None]:
        return {
            (Purpose.LOGIN, Holder.ADDRESS): self.limit_login_address,
            (Purpose.LOGIN, Holder.CLIENT): self.limit_login_client,
            (Purpose.LOGIN, Holder.USER): self.limit_login_user,
            (Purpose.CODE, Holder.ADDRESS): self.limit_code_address,
            (Purpose.CODE, Holder.USER): self.limit_code_user,
            (Purpose.RECOVERY, Holder.ADDRESS): self.limit_recovery_address,
            (Purpose.RECOVERY, Holder.USER): self.limit_recovery_user,
            (Purpose.NONCE, Holder.ADDRESS): self.limit_nonce_address,
            (Purpose.NONCE, Holder.CLIENT): self.limit_nonce_client,
            (Purpose.AUTHORIZE, Holder.ADDRESS): self.limit_authorize_address,
            (Purpose.DEVICE, Holder.ADDRESS): self.limit_device_address,
            (Purpose.DEVICE, Holder.CLIENT): self.limit_device_client,
            (Purpose.DEVICE, Holder.USER): self.limit_device_user,
            (Purpose.REGISTRATION, Holder.ADDRESS): self.limit_registration_address,
            (Purpose.TOKEN, Holder.CLIENT): self.limit_token_client,
            (Purpose.INTROSPECTION, Holder.CLIENT): self.limit_introspection_client,
        }
