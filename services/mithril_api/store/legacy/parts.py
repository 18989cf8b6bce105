"""What is moved, table by table: how it is read there, and how it is laid down here.

A part that is upserted takes the place of its former self where that is older, and its natural
key from whichever row moved in before has it. Rows made here stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.mithril_api.domain.legacy import people, tenants
from services.mithril_api.domain.legacy.moving import Judge

_TIMES = (
    "coalesce(x.inserted_at, timestamp 'epoch') AS inserted_at, "
    "coalesce(x.updated_at, timestamp 'epoch') AS updated_at"
)
_HAS_USER = "EXISTS (SELECT 1 FROM users u WHERE u.id = x.user_id) AS has_user"
_MADE = (("inserted_at", "timestamptz"), ("updated_at", "timestamptz"))
_ID = ("id", "uuid")

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table. `key` is its natural key; `extra` columns are read, and used by `after` alone."""

    table: str
    origin: str
    selected: str
    judge: Judge
    columns: Columns
    extra: Columns = ()
    key: tuple[str, ...] = ()
    displace: str | None = None  # what becomes of a row moved in before that has the key
    seeds: bool = False  # rows made here give way, too
    settled: Mapping[str, str] = field(
        default_factory=dict
    )  # columns with a rule of their own
    after: tuple[str, ...] = ()
    kept_while: str = "false"  # of rows that are gone there: a reason to keep one yet

    @property
    def query(self) -> str:
        """The rows of the original, in the order of their ids."""
        return (
            f"SELECT {self.selected}, {_TIMES} FROM {self.origin} x "  # noqa: S608 — ours
            "ORDER BY x.id"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A history: lines are added and never change."""

    table: str
    origin: str
    selected: str
    judge: Judge
    columns: Columns
    added: str

    @property
    def query(self) -> str:
        """The lines of the original, oldest first."""
        return f"SELECT {self.selected} FROM {self.origin} x ORDER BY x.id"  # noqa: S608 — ours


def _given_way(table: str, *references: tuple[str, str]) -> tuple[str, ...]:
    """What belonged to a row that gave its name away belongs to who has the name now."""
    former = "t.name = s.name || ' ' || t.id AND t.moved_in_at IS NULL"
    moves = tuple(
        f"UPDATE {other} o SET {column} = s.id FROM staged s "  # noqa: S608 — ours
        f"JOIN {table} t ON {former} WHERE o.{column} = t.id"
        for other, column in references
    )
    gone = f"DELETE FROM {table} t USING staged s WHERE {former}"  # noqa: S608 — ours
    return (*moves, gone)


def _renamed(table: str) -> str:
    return (
        f"UPDATE {table} t SET name = t.name || ' ' || t.id FROM staged s "  # noqa: S608 — ours
        "WHERE s.name = t.name AND s.id <> t.id"
    )


def _dropped(table: str, *key: str) -> str:
    same = " AND ".join(f"t.{column} = s.{column}" for column in key)
    return (
        f"DELETE FROM {table} t USING staged s "  # noqa: S608 — ours
        f"WHERE {same} AND t.id <> s.id AND t.moved_in_at IS NOT NULL"
    )


_LIMIT: Columns = (_ID, ("name", "text"), ("scope", "text[]"), *_MADE)

CLIENT_TYPES = Part(
    table="client_types",
    origin="client_types",
    selected="x.id, x.name, x.scope",
    judge=tenants.judge_limit,
    columns=_LIMIT,
    key=("name",),
    displace=_renamed("client_types"),
    seeds=True,
    after=_given_way("client_types", ("clients", "client_type_id")),
    kept_while="EXISTS (SELECT FROM clients c WHERE c.client_type_id = t.id)",
)
ROLES = Part(
    table="roles",
    origin="roles",
    selected="x.id, x.name, x.scope",
    judge=tenants.judge_limit,
    columns=_LIMIT,
    key=("name",),
    displace=_renamed("roles"),
    seeds=True,
    after=_given_way("roles", ("user_roles", "role_id"), ("global_user_roles", "role_id")),
)
_LOGIN_FAILURES = """
INSERT INTO login_failures (user_id, failed_at)
SELECT s.id, f.at FROM staged s CROSS JOIN unnest(s.failed_at) AS f (at)
WHERE NOT EXISTS (
  SELECT FROM login_failures l WHERE l.user_id = s.id AND l.failed_at = f.at)
"""
_WRONG_CODES = """
INSERT INTO factor_locks (user_id, errors)
SELECT s.id, s.otp_errors FROM staged s WHERE s.otp_errors > 0 ON CONFLICT DO NOTHING
"""
USERS = Part(
    table="users",
    origin="users",
    selected="x.id, x.email::text AS email, x.password, x.settings::text AS settings, "
    "x.priv_settings::text AS priv_settings, x.is_blocked, x.block_reason, "
    "coalesce(x.password_set_at, timestamp 'epoch') AS password_set_at, x.tax_id, x.person_id",
    judge=people.judge_user,
    columns=(
        _ID,
        ("email", "text"),
        ("password_hash", "text"),
        ("settings", "jsonb"),
        ("is_blocked", "boolean"),
        ("block_reason", "text"),
        ("password_set_at", "timestamptz"),
        ("tax_id", "text"),
        ("person_id", "text"),
        *_MADE,
    ),
    extra=(("failed_at", "timestamptz[]"), ("otp_errors", "integer")),
    key=("email",),
    displace="UPDATE users t SET email = t.id || '@moved.invalid' FROM staged s "
    "WHERE s.email = t.email AND s.id <> t.id",
    settled={
        # A hash that was renewed here at a sign-in is of the same password.
        "password_hash": "CASE WHEN t.moved_in_at IS NULL "
        "OR excluded.password_set_at > t.password_set_at "
        "THEN excluded.password_hash ELSE t.password_hash END"
    },
    after=(_LOGIN_FAILURES, _WRONG_CODES),
)
CLIENTS = Part(
    table="clients",
    origin="clients",
    selected="x.id, x.name, x.settings::text AS settings, "
    "x.priv_settings::text AS priv_settings, x.is_blocked, x.block_reason, x.user_id, "
    f"x.client_type_id, {_HAS_USER}",
    judge=tenants.judge_client,
    columns=(
        _ID,
        ("name", "text"),
        ("settings", "jsonb"),
        ("priv_settings", "jsonb"),
        ("is_blocked", "boolean"),
        ("block_reason", "text"),
        ("user_id", "uuid"),
        ("client_type_id", "uuid"),
        *_MADE,
    ),
)
# A connection that was given a secret here keeps it: only what moved in is replaced.
_DELETE_FORMER = """
DELETE FROM connection_secrets t USING staged s
WHERE t.connection_id = s.id AND t.digest <> s.secret_digest
  AND NOT EXISTS (SELECT FROM connection_secrets o
                  WHERE o.connection_id = s.id AND o.moved_in_at IS NULL)
"""
_INSERT_PRESENT = """
INSERT INTO connection_secrets (digest, connection_id, inserted_at, moved_in_at)
SELECT s.secret_digest, s.id, s.updated_at, now() FROM staged s
WHERE NOT EXISTS (SELECT FROM connection_secrets o
                  WHERE o.connection_id = s.id AND o.moved_in_at IS NULL)
ON CONFLICT DO NOTHING
"""
CONNECTIONS = Part(
    table="connections",
    origin="connections",
    selected="x.id, x.redirect_uri, x.client_id, x.consumer_id, x.secret",
    judge=tenants.judge_connection,
    columns=(
        _ID,
        ("redirect_uri", "text"),
        ("client_id", "uuid"),
        ("consumer_id", "uuid"),
        *_MADE,
    ),
    extra=(("secret_digest", "bytea"),),
    key=("client_id", "consumer_id"),
    displace=_dropped("connections", "client_id", "consumer_id"),
    after=(_DELETE_FORMER, _INSERT_PRESENT),
)
APPS = Part(
    table="apps",
    origin="apps",
    selected=f"x.id, x.scope, x.user_id, x.client_id, {_HAS_USER}",
    judge=tenants.judge_app,
    columns=(
        _ID,
        ("scope", "text[]"),
        ("user_id", "uuid"),
        ("client_id", "uuid"),
        *_MADE,
    ),
    key=("user_id", "client_id"),
    displace=_dropped("apps", "user_id", "client_id"),
)
USER_ROLES = Part(
    table="user_roles",
    origin="user_roles",
    selected=f"x.id, x.user_id, x.role_id, x.client_id, {_HAS_USER}",
    judge=tenants.judge_user_role,
    columns=(
        _ID,
        ("user_id", "uuid"),
        ("role_id", "uuid"),
        ("client_id", "uuid"),
        *_MADE,
    ),
    key=("user_id", "client_id", "role_id"),
    displace=_dropped("user_roles", "user_id", "client_id", "role_id"),
)
GLOBAL_USER_ROLES = Part(
    table="global_user_roles",
    origin="global_user_roles",
    selected=f"x.id, x.user_id, x.role_id, {_HAS_USER}",
    judge=tenants.judge_global_role,
    columns=(_ID, ("user_id", "uuid"), ("role_id", "uuid"), *_MADE),
    key=("user_id", "role_id"),
    displace=_dropped("global_user_roles", "user_id", "role_id"),
)
FACTORS = Part(
    table="authentication_factors",
    origin="authentication_factors",
    selected=f"x.id, x.type, x.factor, x.is_active, x.user_id, {_HAS_USER}",
    judge=people.judge_factor,
    columns=(
        _ID,
        ("type", "text"),
        ("factor", "text"),
        ("is_active", "boolean"),
        ("user_id", "uuid"),
        *_MADE,
    ),
    key=("user_id", "type"),
    displace=_dropped("authentication_factors", "user_id", "type"),
)
PASSWORDS = Log(
    table="password_history",
    origin="password_hstr",
    selected="x.id, x.user_id, x.password, "
    f"coalesce(x.inserted_at, timestamp 'epoch') AS inserted_at, {_HAS_USER}",
    judge=people.judge_password,
    columns=(
        ("id", "bigint"),
        ("user_id", "uuid"),
        ("password_hash", "text"),
        ("inserted_at", "timestamptz"),
    ),
    added="INSERT INTO password_history (user_id, password_hash, inserted_at) "
    "SELECT s.user_id, s.password_hash, s.inserted_at FROM staged s "
    "WHERE NOT EXISTS (SELECT FROM password_history h "
    "WHERE h.user_id = s.user_id AND h.password_hash = s.password_hash) ORDER BY s.id",
)
BLOCKINGS = Log(
    table="client_block_history",
    origin="clients_block_reason_hstr",
    selected="x.id, x.legal_entity_id, x.is_blocked, x.block_reason, "
    "coalesce(x.inserted_at, timestamp 'epoch') AS inserted_at",
    judge=tenants.judge_blocking,
    columns=(
        ("id", "bigint"),
        ("client_id", "uuid"),
        ("is_blocked", "boolean"),
        ("block_reason", "text"),
        ("inserted_at", "timestamptz"),
    ),
    added="INSERT INTO client_block_history "
    "(client_id, is_blocked, block_reason, inserted_at) "
    "SELECT s.client_id, s.is_blocked, s.block_reason, s.inserted_at FROM staged s "
    "WHERE NOT EXISTS (SELECT FROM client_block_history h WHERE h.client_id = s.client_id "
    "AND h.inserted_at = s.inserted_at AND h.is_blocked = s.is_blocked) ORDER BY s.id",
)

# In the order in which they refer to one another.
PARTS: tuple[Part | Log, ...] = (
    CLIENT_TYPES,
    ROLES,
    USERS,
    CLIENTS,
    CONNECTIONS,
    APPS,
    USER_ROLES,
    GLOBAL_USER_ROLES,
    FACTORS,
    PASSWORDS,
    BLOCKINGS,
)
