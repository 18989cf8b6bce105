"""Users of the original, and what hangs on them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from services.mithril_api.domain.legacy import reading
from services.mithril_api.domain.legacy.findings import Finding, Kind
from services.mithril_api.domain.legacy.moving import (
    Judged,
    Known,
    Row,
    left_out,
    odd,
    times,
)

NO_PASSWORD = "!"  # noqa: S105 — no hash: no password fits
_NUMBER = re.compile(r"\+380\d{9}")
_EMPTY = "{}"


def judge_user(row: Row, known: Known) -> Judged:
    """A user always comes along, with whatever has to be mended."""
    made, changed, findings = times(row, known)
    email, of_email = _email(row)
    password, of_password = _password(row)
    settings = reading.json_object(row["settings"])
    kinds = [*of_email, *of_password]
    if settings is None and row["settings"] is not None:
        kinds.append(Kind.SETTINGS_ODD)
    failures, errors = _attempts(reading.json_object(row["priv_settings"]))
    moved = (
        row["id"],
        email,
        password,
        _EMPTY if settings is None else row["settings"],
        bool(row["is_blocked"]),
        row["block_reason"],
        reading.moment(row["password_set_at"]),
        row["tax_id"] or "",
        row["person_id"] or "",
        made,
        changed,
        failures,
        errors,
    )
    return Judged(moved, findings + odd(row, kinds))


def _email(row: Row) -> tuple[str, list[Kind]]:
    found = row["email"] or ""
    if not found.strip():
        return f"{row['id']}@moved.invalid", [Kind.EMAIL_MISSING]
    folded = found.lower()
    return folded, [] if folded == found else [Kind.EMAIL_FOLDED]


def _password(row: Row) -> tuple[str, list[Kind]]:
    stored = row["password"]
    if not stored:
        return NO_PASSWORD, [Kind.PASSWORD_MISSING]
    if not reading.is_bcrypt(stored):  # it might even be a password
        return NO_PASSWORD, [Kind.PASSWORD_NOT_BCRYPT]
    return stored, []


def _attempts(settings: Mapping[str, Any] | None) -> tuple[list[datetime], int]:
    """When wrong passwords were tried, and how many codes were wrong of late."""
    said = settings or {}
    history = said.get("login_hstr")
    failures = [
        moment
        for item in (history if isinstance(history, list) else [])
        if isinstance(item, dict)
        and item.get("type") == "password"
        and not item.get("is_success")
        and (moment := _moment(item.get("time"))) is not None
    ]
    errors = said.get("otp_error_counter")
    if not isinstance(errors, int) or not 0 <= errors < 2**31:
        return failures, 0
    return failures, int(errors)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return reading.moment(found) if found.tzinfo is None else found


def judge_password(row: Row, known: Known) -> Judged:
    """A former password; of no use where it is no hash, or its user is gone."""
    if not known.has_user(row) or not reading.is_bcrypt(row["password"]):
        return Judged(None)
    moved = (row["id"], row["user_id"], row["password"], reading.moment(row["inserted_at"]))
    return Judged(moved)


def judge_factor(row: Row, known: Known) -> Judged:
    """A second factor: only those by SMS are known."""
    if not known.has_user(row):
        return left_out(row, Kind.REFERENCE_MISSING)
    if row["type"] != "SMS":
        return left_out(row, Kind.FACTOR_KIND_UNKNOWN)
    made, changed, findings = times(row, known)
    kinds = []
    if row["is_active"] is None:
        kinds.append(Kind.FACTOR_STATE_MISSING)
    number = row["factor"]
    if number and not _NUMBER.fullmatch(number):
        kinds.append(Kind.FACTOR_NUMBER_ODD)
    moved = (
        row["id"],
        row["type"],
        number or None,
        row["is_active"] is not False,
        row["user_id"],
        made,
        changed,
    )
    return Judged(moved, findings + odd(row, kinds))


def shared_tax_ids(rows: list[Row]) -> list[Finding]:
    """Users who share a tax id, as the source grouped them: a finding for each such id."""
    return [
        Finding(Kind.TAX_ID_SHARED, f"{row['count']} users, {row['id']}") for row in rows
    ]


def rendered(value: Mapping[str, Any]) -> str:
    """An object as JSON text."""
    return orjson.dumps(value).decode()
