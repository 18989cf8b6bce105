"""What a broker for tests is told, wherever it runs."""

from typing import Final

FOR_TESTS: Final = {
    "auto.create.topics.enable": "true",
    "num.partitions": "4",
    # One broker holds every replica there is.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    # Fifty partitions for one group's offsets are files to make and nothing more.
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    # A first member need not wait for others.
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker is let in again only when it is believed dead.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
}
