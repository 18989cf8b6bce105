"""Clients of the original, what limits them, their credentials, and who may do what at them."""

from services.mithril_api.domain import clients
from services.mithril_api.domain.legacy import reading
from services.mithril_api.domain.legacy.findings import Kind
from services.mithril_api.domain.legacy.moving import (
    SYSTEM_USER,
    Judged,
    Known,
    Row,
    left_out,
    odd,
    times,
)
from services.mithril_api.domain.legacy.people import rendered

_SECRET_LEAST = 16


def judge_limit(row: Row, known: Known) -> Judged:
    """A client type or role."""
    made, changed, findings = times(row, known)
    scope, kinds = reading.scopes(row["scope"])
    name = row["name"] or str(row["id"])
    if not row["name"]:
        kinds = (*kinds, Kind.NAME_MISSING)
    moved = (row["id"], name, list(scope), made, changed)
    return Judged(moved, findings + odd(row, kinds))


def judge_client(row: Row, known: Known) -> Judged:
    """A client; whoever relies on it is logged out if it stays behind, so nearly all come."""
    if row["client_type_id"] not in known.client_types:
        return left_out(row, Kind.CLIENT_TYPE_UNKNOWN)
    made, changed, findings = times(row, known)
    kinds = []
    if not row["name"]:
        kinds.append(Kind.NAME_MISSING)
    owner = row["user_id"] if known.has_user(row) else SYSTEM_USER
    if owner != row["user_id"]:
        kinds.append(Kind.OWNER_MISSING)
    settings, priv_settings, of_settings = _settings(row)
    moved = (
        row["id"],
        row["name"] or str(row["id"]),
        settings,
        priv_settings,
        bool(row["is_blocked"]),
        row["block_reason"],
        owner,
        row["client_type_id"],
        made,
        changed,
    )
    return Judged(moved, findings + odd(row, [*kinds, *of_settings]))


def _settings(row: Row) -> tuple[str, str, list[Kind]]:
    """Both settings as they can be read here, and what is odd about them."""
    settings = reading.json_object(row["settings"])
    private = reading.json_object(row["priv_settings"])
    wrong = {
        complaint.entry: complaint
        for complaint in clients.complaints(settings or {}, private or {})
    }
    kinds = []
    no_object = settings is None and row["settings"] is not None
    if no_object or (private is None and row["priv_settings"] is not None):
        kinds.append(Kind.SETTINGS_ODD)
    if "$.priv_settings" in wrong:
        kinds.append(Kind.ACCESS_TYPE_MISSING)
    dropped = {entry for entry in wrong if entry.count(".") > 1}
    if dropped and not kinds.count(Kind.SETTINGS_ODD):
        kinds.append(Kind.SETTINGS_ODD)
    public = {entry for entry in dropped if entry.startswith("$.settings.")}
    return (
        rendered(reading.without(settings or {}, public)),
        rendered(reading.without(private or {}, dropped - public)),
        kinds,
    )


def judge_connection(row: Row, known: Known) -> Judged:
    """A connection, and the digest of its secret."""
    if not (known.has_client(row["client_id"]) and known.has_client(row["consumer_id"])):
        return left_out(row, Kind.REFERENCE_MISSING)
    made, changed, findings = times(row, known)
    uri, kinds = _redirect(row["redirect_uri"])
    secret = row["secret"]
    if len(secret) < _SECRET_LEAST:
        kinds.append(Kind.SECRET_SHORT)
    moved = (
        row["id"],
        uri,
        row["client_id"],
        row["consumer_id"],
        made,
        changed,
        known.digest_of_secret(secret),
    )
    return Judged(moved, findings + odd(row, kinds))


def _redirect(uri: str) -> tuple[str, list[Kind]]:
    match reading.scheme_of(uri):
        case "https":
            return uri, []
        case "http":
            return uri, [Kind.REDIRECT_NOT_HTTPS]
        case None | "javascript" | "data" | "vbscript" | "file":
            return "", [Kind.REDIRECT_UNUSABLE]
        case _:  # of an application on the user's device (RFC 8252 §7.1)
            return uri, [Kind.REDIRECT_NOT_HTTPS]


def judge_app(row: Row, known: Known) -> Judged:
    """An approval."""
    if not (known.has_user(row) and known.has_client(row["client_id"])):
        return left_out(row, Kind.REFERENCE_MISSING)
    made, changed, findings = times(row, known)
    scope, kinds = reading.scopes(row["scope"])
    moved = (row["id"], list(scope), row["user_id"], row["client_id"], made, changed)
    return Judged(moved, findings + odd(row, kinds))


def judge_user_role(row: Row, known: Known) -> Judged:
    """A role that a user has at a client."""
    if row["role_id"] not in known.roles or not known.has_client(row["client_id"]):
        return left_out(row, Kind.REFERENCE_MISSING)
    if not known.has_user(row):
        return left_out(row, Kind.REFERENCE_MISSING)
    made, changed, findings = times(row, known)
    moved = (row["id"], row["user_id"], row["role_id"], row["client_id"], made, changed)
    return Judged(moved, findings)


def judge_global_role(row: Row, known: Known) -> Judged:
    """A role that a user has everywhere."""
    if row["role_id"] not in known.roles or not known.has_user(row):
        return left_out(row, Kind.REFERENCE_MISSING)
    made, changed, findings = times(row, known)
    moved = (row["id"], row["user_id"], row["role_id"], made, changed)
    return Judged(moved, findings)


def judge_blocking(row: Row, _: Known) -> Judged:
    """A line of the history of blocked clients; it may outlive its client."""
    moved = (
        row["id"],
        row["legal_entity_id"],
        bool(row["is_blocked"]),
        row["block_reason"],
        reading.moment(row["inserted_at"]),
    )
    return Judged(moved)
