"""What can be wrong with one of a client's settings, in the contract's words (spec §1.2)."""

from shared.wire.envelope import Invalid


def not_among(name: str, allowed: tuple[str, ...]) -> Invalid:
    """It is none of those there are."""
    return Invalid(
        entry=_entry(name), rule="inclusion", params=allowed, description="is invalid"
    )


def miscast(name: str, kind: str) -> Invalid:
    """It is of another kind."""
    return Invalid(
        entry=_entry(name), rule="cast", params=(kind,), description="is invalid"
    )


def unsupported(name: str) -> Invalid:
    """Whoever writes it down relies on what nobody does."""
    return Invalid(entry=_entry(name), rule="exclusion", description="is not supported")


def unfit(name: str, why: str) -> Invalid:
    """It is of the right kind, and no good."""
    return Invalid(entry=_entry(name), rule="format", description=why)


def missing(name: str, what: str) -> Invalid:
    """It needs something beside it."""
    return Invalid(entry=_entry(name), rule="required", description=what)


def _entry(name: str) -> str:
    return f"$.settings.{name}"
