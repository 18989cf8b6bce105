"""Settings of dynamic client registration."""

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RegistrationSettings(BaseSettings):
    """Mixed into the settings of mithril-api."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    dynamic_registration: Literal["off", "token", "open"] = Field(
        "off",
        validation_alias="MITHRIL_DYNAMIC_REGISTRATION",
        description="who may register clients: nobody, whoever an operator gave a token, anybody",
    )
    registration_client_type: str | None = Field(
        None,
        validation_alias="MITHRIL_REGISTRATION_CLIENT_TYPE",
        description="name of the client type of such clients, which bounds their scope",
    )
    registration_owner: UUID | None = Field(
        None,
        validation_alias="MITHRIL_REGISTRATION_OWNER",
        description="id of the user that such clients belong to",
    )

    @model_validator(mode="after")
    def _who_registers_gets_something(self) -> "RegistrationSettings":
        if self.dynamic_registration == "off":
            return self
        if self.registration_client_type is None or self.registration_owner is None:
            raise ValueError(
                "MITHRIL_DYNAMIC_REGISTRATION needs MITHRIL_REGISTRATION_CLIENT_TYPE "
                "and MITHRIL_REGISTRATION_OWNER"
            )
        return self
