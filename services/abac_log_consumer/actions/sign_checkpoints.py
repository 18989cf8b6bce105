"""Sign the heads of chains that moved on, and have the checkpoints published (D12)."""

from datetime import datetime

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.chain import chain_id, checkpoint_message
from services.abac_log_consumer.store import checkpoints as store
from services.abac_log_consumer.store.checkpoints import Checkpoint, Head
from shared.events.audit import CheckpointSigned
from shared.events.envelope import Message
from shared.runtime import failpoints, outbox
from shared.runtime.postgres import driver_of


async def sign_checkpoints(deps: Deps) -> int:
    """Sign every chain that is due by number or age of its unsigned records; how many were.

    A checkpoint leaves the database through the outbox, in the same commit.
    """
    async with deps.db.begin() as conn:
        driver = driver_of(conn)
        now = deps.clock.now()
        heads = await store.lock_unsigned(
            driver,
            records=deps.settings.checkpoint_records,
            before=now - deps.settings.checkpoint_age(),
        )
        if not heads:
            return 0
        made = [_signed(deps, head, now=now) for head in heads]
        await store.add(driver, made)
        await outbox.put_many(conn, [_message(item) for item in made])
        failpoints.reach("checkpoint.signed")
    deps.metrics.checkpointed_at.set(now.timestamp())
    deps.committed()
    return len(made)


def _signed(deps: Deps, head: Head, *, now: datetime) -> Checkpoint:
    signer = deps.settings.signer
    message = checkpoint_message(
        chain=chain_id(head.topic, head.partition),
        sequence=head.chain_sequence,
        head_hash=head.head_hash,
        created_at=now,
        key_id=signer.key_id,
    )
    return Checkpoint(
        topic=head.topic,
        partition=head.partition,
        chain_sequence=head.chain_sequence,
        head_hash=head.head_hash,
        id=deps.entropy.uuid(),
        created_at=now,
        key_id=signer.key_id,
        signature=signer.sign(message),
    )


def _message(checkpoint: Checkpoint) -> Message:
    return Message(
        id=checkpoint.id,
        at=checkpoint.created_at,
        event=CheckpointSigned(
            chain=chain_id(checkpoint.topic, checkpoint.partition),
            sequence=checkpoint.chain_sequence,
            head_hash=checkpoint.head_hash.hex(),
            created_at=checkpoint.created_at,
            key_id=checkpoint.key_id,
            signature=checkpoint.signature.hex(),
        ),
    )
