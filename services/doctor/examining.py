"""What is looked at: the settings and neighbours of each service, then what they share."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from services.doctor import brokers, certificates, databases
from services.doctor.findings import Finding, Level
from shared.runtime.clock import Clock
from shared.runtime.settings import KafkaSettings

# Each has `settings.Settings` and `app.examine`; the database it works on is named after its owner.
PACKAGES: Mapping[str, str] = {
    "mithril-api": "mithril_api",
    "mithril-scheduler": "scheduler",
    "abac-api": "abac_api",
    "abac-log-consumer": "abac_log_consumer",
    "gatekeeper": "gatekeeper",
    "auth-web": "auth_web",
    "admin-web": "admin_web",
}
_OWNERS = {"scheduler": "mithril_api"}


async def examine(
    names: Sequence[str], environment: Path | None, clock: Clock
) -> list[Finding]:
    """Look at these services and at everything they use, all at once."""
    found: list[Finding] = []
    settings: dict[str, BaseSettings] = {}
    for name in names:
        made = settings_of(name, environment)
        if isinstance(made, BaseSettings):
            settings[name] = made
        else:
            found += made
    looks: list[Awaitable[list[Finding]]] = [
        *(_service(name, made) for name, made in settings.items()),
        *_databases(settings, clock),
        *_brokers(settings),
        certificates.examine(settings, clock),
    ]
    for part in await asyncio.gather(*looks):
        found += part
    return found


def settings_of(name: str, environment: Path | None) -> BaseSettings | list[Finding]:
    """A service's settings: of its own file, if there is one, beneath our environment."""
    file = None if environment is None else environment / f"{name}.env"
    module = import_module(f"services.{PACKAGES[name]}.settings")
    try:
        made: BaseSettings = module.Settings(_env_file=file)
    except ValidationError as error:
        return [
            Finding(
                subject=name,
                check=f"setting {'.'.join(map(str, item['loc']))}",
                level=Level.FAILURE,
                told=item["msg"],
            )
            for item in error.errors()
        ]
    return made


async def _service(name: str, settings: BaseSettings) -> list[Finding]:
    """What the service's own doctor says."""
    module = import_module(f"services.{PACKAGES[name]}.app")
    ask: Callable[[Any], Awaitable[dict[str, str]]] = module.examine
    try:
        states = await ask(settings)
    except Exception as error:  # noqa: BLE001 — whatever it is, it is the finding
        states = {"doctor": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return [
        Finding(
            subject=name,
            check=neighbour,
            level=Level.OK if state == "ok" else Level.FAILURE,
            told="answers" if state == "ok" else state,
        )
        for neighbour, state in states.items()
    ]


def _databases(
    settings: Mapping[str, BaseSettings], clock: Clock
) -> list[Awaitable[list[Finding]]]:
    """Each address once, as the first of the services that use it knows it."""
    seen: dict[str, str] = {}
    for name, made in settings.items():
        secret = getattr(made, "database_url", None)
        if secret is not None:
            seen.setdefault(secret.get_secret_value(), name)
    return [
        databases.examine(url, _OWNERS.get(PACKAGES[name], PACKAGES[name]), clock)
        for url, name in seen.items()
    ]


def _brokers(settings: Mapping[str, BaseSettings]) -> list[Awaitable[list[Finding]]]:
    seen = {
        made.kafka_bootstrap_servers: made.kafka()
        for made in settings.values()
        if isinstance(made, KafkaSettings)
    }
    return [brokers.examine(access) for access in seen.values()]
