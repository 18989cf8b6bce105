"""What a password must be (spec §3.9), by rules that read letters of every alphabet (W30)."""

from shared.wire.envelope import Invalid

LEAST = 12
REMEMBERED = 3  # passwords that may not be set again, the present one included

# Told to callers as it always was; the rule itself is `_is_complex`, since the original's
# expression ran over bytes and took any Cyrillic letter for both a small and a capital one.
_DOCUMENTED = r"~r/^(?=.*[a-zа-яёїієґ])(?=.*[A-ZА-ЯЁЇIЄҐ])(?=.*\d)/"


def complaints(password: str, *, entry: str = "$.password") -> list[Invalid]:
    """Everything that is wrong with a password by itself."""
    found = []
    if len(password) < LEAST:
        found.append(
            Invalid(
                entry=entry,
                rule="length",
                params={"min": LEAST},
                description=f"should be at least {LEAST} character(s)",
            )
        )
    if not _is_complex(password):
        found.append(
            Invalid(
                entry=entry,
                rule="format",
                params=(_DOCUMENTED,),
                description="Password does not meet complexity requirements",
            )
        )
    return found


def used_recently(*, entry: str = "$.password") -> Invalid:
    """The complaint about one of the last passwords."""
    text = "This password has been used recently. Try another one"
    return Invalid(entry=entry, rule="password_used", description=text)


def breached(*, entry: str = "$.password") -> Invalid:
    """The complaint about a password that is on the list of breached ones."""
    text = "This password is known from a data breach. Try another one"
    return Invalid(entry=entry, rule="password_breached", description=text)


def unchanged() -> Invalid:
    """The complaint about a new password that is none."""
    text = "is not changed"
    return Invalid(entry="$.password", rule="required", description=text)


def mismatch() -> Invalid:
    """The complaint about a present password that is not the present one."""
    text = "password does not match password in field current_password"
    return Invalid(entry="$.current_password", rule="password", description=text)


def _is_complex(password: str) -> bool:
    classes = (str.islower, str.isupper, str.isdecimal)
    return all(any(map(is_of, password)) for is_of in classes)
