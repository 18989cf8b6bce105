"""Settings of the emulators. For laptops and tests: nothing here is kept, nothing is secret."""

from pydantic import Field

from shared.runtime.settings import ProcessSettings


class Settings(ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8087, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8187, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    smtp_host: str = Field("127.0.0.1", validation_alias="MITHRIL_EMULATORS_SMTP_HOST")
    smtp_port: int = Field(
        8287, validation_alias="MITHRIL_EMULATORS_SMTP_PORT", ge=0, le=65535
    )
    outbox_most: int = Field(
        500,
        validation_alias="MITHRIL_EMULATORS_OUTBOX_MOST",
        ge=1,
        le=100_000,
        description="messages that are kept; the oldest go first",
    )
    signer_drfo: str = Field(
        "1234567899",
        validation_alias="MITHRIL_EMULATORS_SIGNER_DRFO",
        description="the tax number of who signs what names no `signer` of its own",
    )
