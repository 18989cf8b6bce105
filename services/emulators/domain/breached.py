"""A breach list of a handful of passwords that everyone knows."""

import hashlib
from collections.abc import Iterator

# Short ones, and some that the rules about letters and digits would let through.
WELL_KNOWN = {
    "123456": 209_972_844,
    "password": 52_256_179,
    "qwerty": 22_368_016,
    "Password1": 5_212_711,
    "Qwerty123456": 48_021,
    "Password12345": 51_904,
    "P@ssw0rd12345": 3_164,
    "Admin1234567": 1_207,
}


def _digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def range_of(prefix: str) -> Iterator[str]:
    """The lines of the range API for five hexadecimal digits."""
    for password, count in WELL_KNOWN.items():
        digest = _digest(password)
        if digest.startswith(prefix.upper()):
            yield f"{digest[5:]}:{count}"
