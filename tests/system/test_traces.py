"""One trace from a request to the audit log: through HTTP, SQL, the outbox and Kafka."""

import asyncio

from opentelemetry.trace import SpanKind

from tests.builders import World, a_world
from tests.fakes import SteppingClock
from tests.integration.abac_log_consumer.ledger import recording, until
from tests.integration.mithril_api.conftest import an_api
from tests.tracing import CALLER, TRACE, Kept, is_within, kept

__all__ = ["kept"]


def told(kept: Kept, world: World) -> list[str]:
    """Everything that spans say of a refresh, and must not."""
    secrets = {
        world.refresh.value,
        world.client_secret,
        world.email,
        str(world.user_id),
        str(world.client_id),
    }
    return [
        f"{span.name}: {name}"
        for span in kept.all()
        for name, value in {"name": span.name, **(span.attributes or {})}.items()
        if any(secret in str(value) for secret in secrets)
    ]


async def test_a_refresh_is_one_trace_from_the_request_to_the_audit_log(
    kept: Kept, mithril_database: str, audit_database: str, kafka_bootstrap: str
) -> None:
    async with an_api(
        mithril_database, SteppingClock(), kafka_bootstrap_servers=kafka_bootstrap
    ) as api:
        world = await a_world(api.deps)
        stop = asyncio.Event()
        relay = asyncio.create_task(api.built.relay.run(stop))
        answer = await api.public.post(
            "/oauth/tokens", json=world.refresh_body(), headers={"traceparent": CALLER}
        )
        assert answer.status == 201

        async def consumed() -> bool:
            return "process mithril.tokens" in {it.name for it in kept.of(TRACE)}

        async with recording(audit_database, kafka_bootstrap):
            await until(consumed, wanted=True)
        stop.set()
        await relay

    server = kept.one("POST /oauth/tokens")
    batch = kept.one("batch refresh")
    producer = kept.one("send mithril.tokens")
    consumer = kept.one("process mithril.tokens")
    statements = [it for it in kept.of(TRACE) if is_within(it, batch)]
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == CALLER[36:52]
    assert is_within(batch, server)
    assert is_within(producer, server)
    assert is_within(consumer, producer)
    assert statements
    assert all(it.kind is SpanKind.CLIENT for it in statements)
    assert (server.kind, producer.kind, consumer.kind) == (
        SpanKind.SERVER,
        SpanKind.PRODUCER,
        SpanKind.CONSUMER,
    )
    assert told(kept, world) == []
