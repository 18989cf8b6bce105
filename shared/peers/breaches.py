"""The list of passwords known from breaches, asked by k-anonymity.

Only five hexadecimal digits of the password's SHA-1 leave us, and the answers are padded so
that their length tells nothing either (the range API of Have I Been Pwned).
"""

import hashlib
import re
from dataclasses import dataclass

from shared.peers.outside import NoAnswerError, Outside, Reply, unexpected

_LINE = re.compile(r"^([0-9A-F]{35}):([0-9]{1,12})$")


class BreachListUnavailableError(Exception):
    """The list cannot be asked: nothing is known of the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachList:
    """Asks how often a password was seen in breaches."""

    outside: Outside

    async def count(self, password: str) -> int:
        """How often; 0 where it is not in the list."""
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            seen = await self.outside.ask(
                "GET",
                f"/range/{digest[:5]}",
                headers={"Add-Padding": "true"},
                read=_counts,
            )
        except NoAnswerError as error:
            raise BreachListUnavailableError(str(error)) from None
        return seen.get(digest[5:], 0)


def _counts(reply: Reply) -> dict[str, int]:
    if reply.status != 200:
        raise unexpected(reply)
    found: dict[str, int] = {}
    for line in reply.body.decode(errors="replace").split():
        match = _LINE.match(line)
        if match is None:
            raise NoAnswerError("its answer cannot be read")
        found[match[1]] = int(match[2])
    return found
