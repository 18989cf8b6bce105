"""What is wrong with a record of the facts topic."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a record went to the dead-letter topic."""

    HEADERS = "headers"  # no CloudEvent in binary mode
    UNKNOWN_TYPE = "unknown_type"  # of a version yet to come, or no fact at all
    UNREADABLE = "unreadable"  # its data is no JSON object
    UNKNOWN_KIND = "unknown_kind"
    INVALID = "invalid"  # fields are missing or wrong
    FROM_THE_FUTURE = "from_the_future"
    REFUSED = "refused"  # by the database, alone and for what it says


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A record that tells us nothing we can keep."""

    reason: Reason
    detail: str  # where it is wrong; never what it said, which may be about a patient
