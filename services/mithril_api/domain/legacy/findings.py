"""What is odd in a database of the original, and what is done about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXAMPLES = 5  # of each kind; the rest are counted


class Doing(StrEnum):
    """What becomes of a row that is odd."""

    AS_IS = "as is"
    MENDED = "mended"
    LEFT_OUT = "left out"


class Kind(StrEnum):
    """Every oddity there is a rule for. The value is its name in reports and for `--accept`."""

    TIME_AHEAD = "time-ahead"
    SETTINGS_ODD = "settings-odd"
    REFERENCE_MISSING = "reference-missing"
    TAKEN_HERE = "taken-here"
    NAME_MISSING = "name-missing"
    NAME_SEEDED = "name-seeded"
    SCOPE_REPEATED = "scope-repeated"
    SCOPE_UNREADABLE = "scope-unreadable"
    EMAIL_MISSING = "email-missing"
    EMAIL_FOLDED = "email-folded"
    PASSWORD_MISSING = "password-missing"  # noqa: S105 — a kind, no secret
    PASSWORD_NOT_BCRYPT = "password-not-bcrypt"  # noqa: S105 — a kind, no secret
    TAX_ID_SHARED = "tax-id-shared"
    OWNER_MISSING = "owner-missing"
    CLIENT_TYPE_UNKNOWN = "client-type-unknown"
    ACCESS_TYPE_MISSING = "access-type-missing"
    SECRET_SHORT = "secret-short"  # noqa: S105 — a kind, no secret
    REDIRECT_NOT_HTTPS = "redirect-not-https"
    REDIRECT_UNUSABLE = "redirect-unusable"
    REDIRECT_LOOSE = "redirect-loose"
    FACTOR_KIND_UNKNOWN = "factor-kind-unknown"
    FACTOR_STATE_MISSING = "factor-state-missing"
    FACTOR_NUMBER_ODD = "factor-number-odd"
    TOKEN_KIND_UNKNOWN = "token-kind-unknown"  # noqa: S105 — a kind, no secret
    TOKEN_VALUE_UNUSABLE = "token-value-unusable"  # noqa: S105 — a kind, no secret
    TOKEN_WITHOUT_USER = "token-without-user"  # noqa: S105 — a kind, no secret
    TOKEN_WITHOUT_CLIENT = "token-without-client"  # noqa: S105 — a kind, no secret


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done, and what that means, in a sentence for operators."""

    doing: Doing
    what: str


RULES: Mapping[Kind, Rule] = {
    Kind.TIME_AHEAD: Rule(
        Doing.AS_IS,
        "a timestamp lies ahead: they have no zone and are read as UTC, was that so?",
    ),
    Kind.SETTINGS_ODD: Rule(
        Doing.MENDED, "settings that nothing can read are dropped, the others kept"
    ),
    Kind.REFERENCE_MISSING: Rule(
        Doing.LEFT_OUT, "names a user, client or role that is not there or was left out"
    ),
    Kind.TAKEN_HERE: Rule(
        Doing.LEFT_OUT, "something made here has the same e-mail, value or place already"
    ),
    Kind.NAME_MISSING: Rule(Doing.MENDED, "has no name: is called by its id"),
    Kind.NAME_SEEDED: Rule(
        Doing.MENDED, "the row of this name here takes the id and scope of the original's"
    ),
    Kind.SCOPE_REPEATED: Rule(Doing.MENDED, "a scope is in the list twice: once is kept"),
    Kind.SCOPE_UNREADABLE: Rule(
        Doing.AS_IS, "a scope is not `resource:action`: kept to the letter, opens nothing"
    ),
    Kind.EMAIL_MISSING: Rule(
        Doing.MENDED, "has no e-mail: gets an address of nobody, cannot sign in by e-mail"
    ),
    Kind.EMAIL_FOLDED: Rule(Doing.MENDED, "the e-mail is written in small letters"),
    Kind.PASSWORD_MISSING: Rule(
        Doing.MENDED, "has no password: none fits, until a new one is set"
    ),
    Kind.PASSWORD_NOT_BCRYPT: Rule(
        Doing.MENDED, "the password is no bcrypt hash: none fits, until a new one is set"
    ),
    Kind.TAX_ID_SHARED: Rule(
        Doing.AS_IS, "users share a tax id: a digital signature cannot tell them apart"
    ),
    Kind.OWNER_MISSING: Rule(
        Doing.MENDED, "the client's owner is not there: the system user owns it"
    ),
    Kind.CLIENT_TYPE_UNKNOWN: Rule(
        Doing.LEFT_OUT, "the client's type is not there: no limit is known, so no client"
    ),
    Kind.ACCESS_TYPE_MISSING: Rule(
        Doing.AS_IS, "neither DIRECT nor BROKER: its tokens are refused, as they were"
    ),
    Kind.SECRET_SHORT: Rule(
        Doing.AS_IS, "the connection's secret is short: give it another one soon"
    ),
    Kind.REDIRECT_NOT_HTTPS: Rule(Doing.AS_IS, "the redirect URI is not https"),
    Kind.REDIRECT_UNUSABLE: Rule(
        Doing.MENDED, "the redirect URI leads nowhere on the web: it is emptied"
    ),
    Kind.REDIRECT_LOOSE: Rule(
        Doing.AS_IS,
        "a client sends a redirect URI that is not the registered one to the letter: "
        "it is refused here, so register what is sent",
    ),
    Kind.FACTOR_KIND_UNKNOWN: Rule(Doing.LEFT_OUT, "a second factor that is not SMS"),
    Kind.FACTOR_STATE_MISSING: Rule(
        Doing.MENDED, "the factor is neither on nor off: it is on"
    ),
    Kind.FACTOR_NUMBER_ODD: Rule(
        Doing.AS_IS, "the factor's number is none of +380…: no code reaches it"
    ),
    Kind.TOKEN_KIND_UNKNOWN: Rule(Doing.LEFT_OUT, "a token of a kind that nothing takes"),
    Kind.TOKEN_VALUE_UNUSABLE: Rule(
        Doing.LEFT_OUT, "the token has no value, or one in our format that is not ours"
    ),
    Kind.TOKEN_WITHOUT_USER: Rule(
        Doing.LEFT_OUT,
        "the token's user is not there or was left out: it worked for nothing",
    ),
    Kind.TOKEN_WITHOUT_CLIENT: Rule(
        Doing.LEFT_OUT,
        "the token's client is not there or was left out: it worked for nothing",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity. `example` says where, and never holds a secret or personal data."""

    kind: Kind
    example: str


@dataclass(slots=True)
class Tally:
    """How often each oddity was met in each table, with the first few places."""

    counts: dict[tuple[str, Kind], int] = field(default_factory=dict)
    examples: dict[tuple[str, Kind], list[str]] = field(default_factory=dict)

    def add(self, table: str, findings: Iterable[Finding]) -> None:
        """Count findings of a table."""
        for finding in findings:
            key = (table, finding.kind)
            self.counts[key] = self.counts.get(key, 0) + 1
            shown = self.examples.setdefault(key, [])
            if len(shown) < EXAMPLES and finding.example not in shown:
                shown.append(finding.example)

    def left_out(self, accepted: frozenset[Kind]) -> int:
        """How many rows were left out for a reason that nobody accepted."""
        return sum(
            count
            for (_, kind), count in self.counts.items()
            if RULES[kind].doing is Doing.LEFT_OUT and kind not in accepted
        )

    def rendered(self) -> list[dict[str, Any]]:
        """For the report."""
        return [
            {
                "table": table,
                "problem": kind.value,
                "doing": RULES[kind].doing.value,
                "what": RULES[kind].what,
                "count": count,
                "examples": self.examples[table, kind],
            }
            for (table, kind), count in sorted(self.counts.items())
        ]
