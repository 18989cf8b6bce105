"""What an import has to know: less than the service does."""

from functools import cached_property

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.mithril_api.domain.keys import Keyring
from shared.runtime.settings import Secrets


class ImportSettings(BaseSettings):
    """From the environment; frozen."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    database_url: SecretStr = Field(SecretStr(""), validation_alias="DATABASE_URL")
    secret_keys: Secrets = Field(validation_alias="MITHRIL_SECRET_KEYS")

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        Keyring.of([key.get_secret_value() for key in keys])
        return keys

    @cached_property
    def keyring(self) -> Keyring:
        """The keys under which secrets of connections are kept."""
        return Keyring.of([key.get_secret_value() for key in self.secret_keys])
