"""Every event class there is, by its type."""

from shared.events import abac, accounts, audit, keys, tokens
from shared.events.envelope import Event


def _classes(*modules: object) -> list[type[Event]]:
    found = {
        item.type: item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Event) and hasattr(item, "type")
    }
    return [found[name] for name in sorted(found)]


CATALOGUE: dict[str, type[Event]] = {
    item.type: item for item in _classes(abac, tokens, accounts, audit, keys)
}
