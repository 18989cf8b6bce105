"""The table of jobs. docs/retention.md is written from it."""

from services.scheduler.actions.create_partitions import create_partitions
from services.scheduler.actions.expire_one_time_codes import expire_one_time_codes
from services.scheduler.actions.expire_tokens import expire_tokens
from services.scheduler.actions.purge_tokens import purge_tokens
from services.scheduler.actions.rotate_signing_keys import rotate_signing_keys
from services.scheduler.actions.tell_expiring_secrets import tell_expiring_secrets
from services.scheduler.actions.trim_job_runs import trim_job_runs
from services.scheduler.actions.trim_outbox import trim_outbox
from services.scheduler.actions.trim_sign_in import trim_sign_in
from services.scheduler.work import Job

CREATE_PARTITIONS = Job(
    name="create-partitions",
    schedule="partitions_schedule",
    what="Makes the weeks of `tokens` and the days of `outbox` ahead of their time, and moves "
    "rows that waited in a default partition for one that was missing.",
    kept_for=None,
    reason="A row with a partition of its own is found by reading one table, and goes by "
    "dropping one.",
    counts="partitions",
    work=create_partitions,
)

JOBS = (
    CREATE_PARTITIONS,
    Job(
        name="purge-tokens",
        schedule="token_deleting_schedule",
        what="Drops the weeks of `tokens` whose tokens all expired long ago, with what "
        "`token_expiries` says of them.",
        kept_for="token_ttl_after_expiration_days",
        reason="An expired token answers “expired”, not “unknown”, while a client may still "
        "try it, and a spent refresh token must be there for its second use to be seen as "
        "theft. Whole weeks go, so a token is kept for up to seven days more.",
        counts="tokens",
        work=purge_tokens,
    ),
    Job(
        name="expire-tokens",
        schedule="token_expiration_schedule",
        what="Revokes the live tokens of users whose password is too old, but for those that "
        "serve to set a new one. The rows stay until `purge-tokens`.",
        kept_for="password_expiration_days",
        reason="A password that must be changed must not go on working through a refresh "
        "token.",
        counts="tokens",
        work=expire_tokens,
    ),
    Job(
        name="expire-one-time-codes",
        schedule="otp_expiration_schedule",
        what="Marks one-time codes past their time as expired. The rows go 30 days later, "
        "with the next code of their user.",
        kept_for=None,
        reason="A code past its time is refused anyway; the mark keeps the look-up of active "
        "codes short.",
        counts="codes",
        work=expire_one_time_codes,
    ),
    Job(
        name="trim-sign-in",
        schedule="sign_in_trimming_schedule",
        what="Deletes nonces, authorization requests and the digests of assertions and DPoP "
        "proofs past their time, links to set a new password two days past theirs, and limits "
        "that are used up no longer.",
        kept_for=None,
        reason="None of them means anything any more. A link is kept a little, since a mail "
        "that could not be sent is tried for a day, and its link lives from then on.",
        counts="rows",
        work=trim_sign_in,
    ),
    Job(
        name="tell-expiring-secrets",
        schedule="secret_expiry_schedule",
        what="Tells of client secrets that end soon and have none after them: an event each, "
        "once, and `mithril_connection_secrets_expiring`. Deletes nothing.",
        kept_for=None,
        reason="A secret that ends unnoticed cuts a clinic off.",
        counts="secrets",
        work=tell_expiring_secrets,
    ),
    Job(
        name="rotate-signing-keys",
        schedule="key_rotation_schedule",
        what="Has mithril-api make the successors of signing keys a day before their turn, "
        "throw away private keys that sign no more, and forget keys 90 days after they left "
        "the JWKS.",
        kept_for=None,
        reason="A key that signs for long is worth stealing. Its public half is kept for ID "
        "tokens that are shown as hints.",
        counts="keys",
        work=rotate_signing_keys,
    ),
    Job(
        name="trim-outbox",
        schedule="outbox_trimming_schedule",
        what="Drops the days of `outbox` whose events Kafka has all acknowledged. A day with "
        "an event still unpublished is kept whatever its age, and "
        "`mithril_outbox_partitions_kept` says so.",
        kept_for="outbox_retention_days",
        reason="A broker that lost its data is refilled from here (`mithril outbox replay`). "
        "The record of what happened is the audit log, not the outbox.",
        counts="partitions",
        work=trim_outbox,
    ),
    Job(
        name="trim-job-runs",
        schedule="job_runs_trimming_schedule",
        what="Deletes the history of these jobs.",
        kept_for="job_runs_retention_days",
        reason="Long enough to answer for a purge in a quarterly review; the purge itself is "
        "an event in the audit log.",
        counts="runs",
        work=trim_job_runs,
    ),
)

BY_NAME = {job.name: job for job in JOBS}
