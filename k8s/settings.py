"""What the processes' `Settings` classes want of their environment, read off the classes."""

import importlib
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings

_SERVICES = Path(__file__).resolve().parents[1] / "services"


def settings_of(command: str) -> type[BaseSettings] | None:
    """What `mithril COMMAND` reads; none where no service has this command."""
    package = command.replace("-", "_")
    for name in (package, package.removeprefix("mithril_")):
        if (_SERVICES / name / "settings.py").exists():
            return _of_package(name)
    return None


def every_settings() -> dict[str, type[BaseSettings]]:
    """The settings of each service package."""
    packages = sorted(path.parent.name for path in _SERVICES.glob("*/settings.py"))
    return {name: _of_package(name) for name in packages}


def names_of(settings: type[BaseSettings]) -> dict[str, bool]:
    """The name in the environment of each field, and whether it must be given."""
    return {
        str(field.validation_alias or name): field.is_required()
        for name, field in settings.model_fields.items()
    }


def complaints_of(settings: type[BaseSettings], given: dict[str, str]) -> list[str]:
    """What is wrong with the values of an environment, a line each."""
    try:
        settings.model_validate(given)
    except ValidationError as error:
        return [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
            if item["type"] != "missing"  # that is for `names_of` to tell
        ]
    return []


def _of_package(name: str) -> type[BaseSettings]:
    found: type[BaseSettings] = importlib.import_module(
        f"services.{name}.settings"
    ).Settings
    return found
