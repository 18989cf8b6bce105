"""The tables of database `mithril`. Its owner is mithril-api; the scheduler is its janitor.

No foreign key leaves `tokens` or `outbox`: a key check would lock a row that other
clients' requests lock too, on the hottest path there is (decision D6).
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from shared.models.schema.outbox import define_outbox

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NOW = func.now()
_EMPTY_OBJECT = text("'{}'::jsonb")
_EMPTY_ARRAY = text("'{}'::text[]")


def _id() -> Column[uuid.UUID]:
    return Column("id", UUID, primary_key=True)


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    default = None if nullable else _NOW
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def _scope() -> Column[list[str]]:
    return Column("scope", ARRAY(Text), nullable=False, server_default=_EMPTY_ARRAY)


def _reference(column: str, target: str, *, nullable: bool = False) -> Column[uuid.UUID]:
    key = ForeignKey(target, ondelete="CASCADE")
    return Column(column, UUID, key, nullable=nullable)


def _moved_in() -> Column[datetime]:
    """When `mithril import-legacy` last wrote the row; none: it was made here."""
    return _moment("moved_in_at", nullable=True)


users = Table(
    "users",
    metadata,
    _id(),
    Column("email", Text, nullable=False),  # always lower case
    Column("password_hash", Text, nullable=False),  # argon2id, or a bcrypt hash moved in
    Column("settings", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("is_blocked", Boolean, nullable=False, server_default=text("false")),
    Column("block_reason", Text),
    _moment("password_set_at"),
    Column("tax_id", Text, nullable=False, server_default=text("''")),
    Column("person_id", Text, nullable=False, server_default=text("''")),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("email"),
    Index("ix_users_password_set_at", "password_set_at"),
    Index("ix_users_tax_id", "tax_id"),
)

password_history = Table(
    "password_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _reference("user_id", "users.id"),
    Column("password_hash", Text, nullable=False),
    _moment("inserted_at"),
    Index("ix_password_history_user_id", "user_id"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _reference("user_id", "users.id"),
    _moment("failed_at"),
    Index("ix_login_failures_user_id_failed_at", "user_id", "failed_at"),
)

client_types = Table(
    "client_types",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    _scope(),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("name"),
)

clients = Table(
    "clients",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("settings", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("priv_settings", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("is_blocked", Boolean, nullable=False, server_default=text("false")),
    Column("block_reason", Text),
    _reference("user_id", "users.id"),
    Column("client_type_id", UUID, ForeignKey("client_types.id"), nullable=False),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    Index("ix_clients_user_id", "user_id"),
    Index("ix_clients_client_type_id", "client_type_id"),
)

client_block_history = Table(
    "client_block_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("client_id", UUID, nullable=False),
    Column("is_blocked", Boolean, nullable=False),
    Column("block_reason", Text),
    _moment("inserted_at"),
    Index("ix_client_block_history_client_id", "client_id"),
)

connections = Table(
    "connections",
    metadata,
    _id(),
    Column("redirect_uri", Text, nullable=False),
    _reference("client_id", "clients.id"),
    _reference("consumer_id", "clients.id"),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moment("last_used_at", nullable=True),  # to the hour
    _moved_in(),
    UniqueConstraint("client_id", "consumer_id"),
    Index("ix_connections_consumer_id", "consumer_id"),
)

# A connection has one secret, or two while it rotates: the older one then has an end. So
# has any that was given one.
connection_secrets = Table(
    "connection_secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # HMAC-SHA-256 with a pepper
    _reference("connection_id", "connections.id"),
    _moment("inserted_at"),
    _moment("expires_at", nullable=True),
    _moment("expiry_told_at", nullable=True),  # when it was told that it is about to expire
    _moved_in(),
    Index("ix_connection_secrets_connection_id", "connection_id"),
)

apps = Table(
    "apps",
    metadata,
    _id(),
    _scope(),
    _reference("user_id", "users.id"),
    _reference("client_id", "clients.id"),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("user_id", "client_id"),
    Index("ix_apps_client_id", "client_id"),
)

roles = Table(
    "roles",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    _scope(),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("name"),
)

user_roles = Table(
    "user_roles",
    metadata,
    _id(),
    _reference("user_id", "users.id"),
    _reference("role_id", "roles.id"),
    _reference("client_id", "clients.id"),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("user_id", "client_id", "role_id"),
    Index("ix_user_roles_role_id", "role_id"),
    Index("ix_user_roles_client_id", "client_id"),
)

global_user_roles = Table(
    "global_user_roles",
    metadata,
    _id(),
    _reference("user_id", "users.id"),
    _reference("role_id", "roles.id"),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("user_id", "role_id"),
    Index("ix_global_user_roles_role_id", "role_id"),
)

authentication_factors = Table(
    "authentication_factors",
    metadata,
    _id(),
    Column("type", Text, nullable=False),  # SMS or TOTP: passkeys are a table of their own
    Column("factor", Text),  # the number of SMS
    Column("name", Text),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    _reference("user_id", "users.id"),
    Column("secret_sealed", LargeBinary),  # of TOTP, under a key derived from ours
    _moment("secret_sealed_at", nullable=True),
    Column("last_step", BigInteger),  # of TOTP: the latest time step that was accepted
    _moment("last_used_at", nullable=True),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("user_id", "type"),
)

# WebAuthn credentials, of which a user may have several. One without a credential was reset:
# its user has to set up a factor anew.
passkeys = Table(
    "passkeys",
    metadata,
    _id(),
    _reference("user_id", "users.id"),
    Column("name", Text),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("credential_id", LargeBinary),
    Column("public_key", LargeBinary),  # COSE_Key
    Column("sign_count", BigInteger, nullable=False, server_default=text("0")),
    Column("transports", ARRAY(Text), nullable=False, server_default=_EMPTY_ARRAY),
    _moment("last_used_at", nullable=True),
    _moment("inserted_at"),
    _moment("updated_at"),
    UniqueConstraint("credential_id"),
    Index("ix_passkeys_user_id", "user_id"),
)

# Wrong codes of a user since the last right one, and the lock they led to.
factor_locks = Table(
    "factor_locks",
    metadata,
    Column("user_id", UUID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("errors", Integer, nullable=False, server_default=text("0")),
    Column("locks", Integer, nullable=False, server_default=text("0")),
    _moment("locked_until", nullable=True),
)

one_time_codes = Table(
    "one_time_codes",
    metadata,
    _id(),
    Column("key", Text, nullable=False),
    Column("code_digest", LargeBinary, nullable=False),  # HMAC: six digits need a key
    _moment("code_expired_at", nullable=True),
    Column("status", Text, nullable=False),  # NEW VERIFIED UNVERIFIED CANCELED EXPIRED
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("attempts_count", Integer, nullable=False, server_default=text("0")),
    _reference("user_id", "users.id", nullable=True),  # none: moved in from elsewhere
    _moment("inserted_at"),
    Index("ix_one_time_codes_key", "key"),
    Index("ix_one_time_codes_user_id_inserted_at", "user_id", "inserted_at"),
    Index(
        "ix_one_time_codes_active_code_expired_at",
        "code_expired_at",
        postgresql_where=text("active"),
    ),
)

# Every token of every kind. A partition is an ISO week of expiry (UTC, Monday first), so that
# a look-up which knows the expiry reads one partition and purging is dropping one (D5, D6).
tokens = Table(
    "tokens",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the value
    Column("user_id", UUID, nullable=False),
    Column("client_id", UUID),
    Column("app_id", UUID),
    Column("connection_id", UUID),
    Column("family_id", UUID, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    _scope(),
    Column("grant_type", Text),
    Column(
        "details", JSONB, nullable=False, server_default=_EMPTY_OBJECT
    ),  # the rest of them
    Column("expires_at", DateTime(timezone=True), primary_key=True),
    _moment("revoked_at", nullable=True),
    _moment("used_at", nullable=True),
    Column("successor_id", UUID),  # of a refresh token that rotated
    Column("successor_expires_at", DateTime(timezone=True)),
    _moment("inserted_at"),
    _moment("updated_at"),
    _moved_in(),
    UniqueConstraint("digest", "name", "expires_at"),
    Index("ix_tokens_user_id_client_id", "user_id", "client_id"),
    Index("ix_tokens_client_id", "client_id"),
    postgresql_partition_by="RANGE (expires_at)",
)

# Where to look for a token whose value does not say when it expires: values moved in from
# elsewhere, given by an administrator, or whose expiry was changed after issue.
token_expiries = Table(
    "token_expiries",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_token_expiries_expires_at", "expires_at"),
)

outbox, outbox_relays = define_outbox(metadata)

job_runs = Table(
    "job_runs",
    metadata,
    _id(),
    Column("job", Text, nullable=False),
    _moment("tick", nullable=True),  # the scheduled moment it was for; none: by hand
    _moment("started_at"),
    _moment("finished_at", nullable=True),
    Column("outcome", Text),  # succeeded, failed, stopped; none while it runs
    Column("affected", BigInteger, nullable=False, server_default=text("0")),
    Column("details", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    UniqueConstraint("job", "tick"),  # a tick is done once
    Index("ix_job_runs_job_started_at", "job", "started_at"),
)

# How far each caller has used up what it may ask for: see `domain/limits.py`. Not logged: a
# limit that starts anew after a crash harms nobody, and no sign-in waits for a disk.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # HMAC of what is limited and of whom
    Column("settles_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
    postgresql_with={"fillfactor": 50},
)

# Nonces of sign-ins by digital signature that are not yet used. No key to clients: one that
# is gone has nobody to sign in.
nonces = Table(
    "nonces",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client_id", UUID, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_nonces_expires_at", "expires_at"),
)

# Mails that are owed: accepted with the transaction that owes them, gone when handed over.
mails = Table(
    "mails",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _moment("inserted_at"),
    _moment("next_attempt_at"),
    Index("ix_mails_next_attempt_at", "next_attempt_at"),
)

# Links to set a new password that are not yet used. The id is that of the mail which took it.
password_recoveries = Table(
    "password_recoveries",
    metadata,
    _id(),
    _reference("user_id", "users.id"),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the value in the link
    Column("expires_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("digest"),
    Index("ix_password_recoveries_user_id", "user_id"),
    Index("ix_password_recoveries_expires_at", "expires_at"),
)

# What clients ask their users for (RFC 6749 §4.1.1), from when it was checked until the user
# has answered; `pushed` is one that waits for its browser (RFC 9126). Each is used once.
authorization_requests = Table(
    "authorization_requests",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the value in request_uri
    _reference("client_id", "clients.id"),
    Column("pushed", Boolean, nullable=False),
    Column("parameters", JSONB, nullable=False),
    _moment("inserted_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_authorization_requests_expires_at", "expires_at"),
    Index("ix_authorization_requests_client_id", "client_id"),
)

# What devices without a browser ask their users for (RFC 8628), until a user has answered:
# the answer yes is a code among the tokens, by the same digest.
device_authorizations = Table(
    "device_authorizations",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the device code
    # Keyed: what a person can type, a machine could guess from a digest alone.
    Column("user_code_digest", LargeBinary, nullable=False),
    _reference("client_id", "clients.id"),
    Column("parameters", JSONB, nullable=False),
    Column("interval_seconds", Integer, nullable=False),
    _moment("polled_at", nullable=True),
    _moment("denied_at", nullable=True),
    _moment("inserted_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("user_code_digest"),
    Index("ix_device_authorizations_expires_at", "expires_at"),
    Index("ix_device_authorizations_client_id", "client_id"),
)

# What operators give to whoever may register clients (RFC 7591 §3), so many times.
registration_tokens = Table(
    "registration_tokens",
    metadata,
    _id(),
    Column("digest", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("uses_left", Integer, nullable=False),
    _moment("inserted_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("digest"),
)

# Clients that registered themselves, and the digest of what they manage that by (RFC 7592).
client_registrations = Table(
    "client_registrations",
    metadata,
    Column(
        "client_id", UUID, ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("token_digest", LargeBinary, nullable=False),
    _moment("inserted_at"),
    _moment("updated_at"),
)

# Keys that sign our tokens. The private half is sealed under a key derived from ours, and goes
# when the key's turn is over; the public one stays while anything that it signed may be shown.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),  # RFC 7638
    Column("alg", Text, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("sealed_private", LargeBinary),
    _moment("inserted_at"),
    Column("activates_at", DateTime(timezone=True), nullable=False),
    _moment("retires_at", nullable=True),
    _moment("expires_at", nullable=True),
    Column("is_compromised", Boolean, nullable=False, server_default=text("false")),
)

# Logout tokens that are owed to clients (OpenID Connect Back-Channel Logout 1.0): kept with
# the transaction that ended the session, gone when a client has taken its own. No key to
# clients or users: one that is gone has nobody to be told.
owed_logouts = Table(
    "owed_logouts",
    metadata,
    _id(),
    Column("client_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("sid", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _moment("inserted_at"),
    _moment("next_attempt_at"),
    Index("ix_owed_logouts_next_attempt_at", "next_attempt_at"),
)

# What serves once and came: assertions of clients (RFC 7523) and proofs of keys (RFC 9449).
presented_once = Table(
    "presented_once",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_presented_once_expires_at", "expires_at"),
)

# Runs of `mithril import-legacy`; one without an end was killed, or is under way.
legacy_imports = Table(
    "legacy_imports",
    metadata,
    _id(),
    Column("source", Text, nullable=False),  # host, port and database; no user, no password
    _moment("started_at"),
    _moment("finished_at", nullable=True),
)
