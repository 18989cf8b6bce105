"""Kafka as the set needs it: the topics of docs/operations.md, with copies and for long enough."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from services.doctor.findings import Finding, Level
from shared.events.catalogue import CATALOGUE
from shared.runtime.kafka import KafkaAccess

_FOR_EVER = frozenset({"abac.facts", "audit.checkpoints"})
_COPIES, _IN_SYNC = 3, 2
_DAY_MS = 86_400_000


async def examine(access: KafkaAccess) -> list[Finding]:
    """Look at every topic that events of ours go to."""
    admin = AIOKafkaAdminClient(request_timeout_ms=8000, **access.options())
    try:
        async with asyncio.timeout(15):
            await admin.start()
            described = await admin.describe_topics(sorted(topics()))
            kept = await _settings_of(admin, [it["topic"] for it in described])
    except (KafkaError, OSError, TimeoutError) as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return [_finding("kafka", "connection", Level.FAILURE, told)]
    finally:
        await admin.close()
    return [
        judge(item["topic"], item, kept.get(item["topic"], {}))
        for item in sorted(described, key=lambda it: str(it["topic"]))
    ]


def topics() -> set[str]:
    """Those of the events that this release knows."""
    return {event.topic for event in CATALOGUE.values()}


async def _settings_of(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, dict[str, str]]:
    """What brokers say of topics; nothing where they do not tell."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    try:
        for answer in await admin.describe_configs(asked):
            for _, _, _, name, entries in answer.resources:
                found[name] = {entry[0]: entry[1] for entry in entries}
    except KafkaError:
        return {}
    return found


def judge(topic: str, described: Mapping[str, Any], kept: Mapping[str, str]) -> Finding:
    """A topic as it is, against what it should be."""
    parts = described["partitions"]
    if described["error_code"] or not parts:
        told = "is not there yet: its first event makes it only where brokers do that"
        return _finding(f"topic {topic}", "topic", Level.WARNING, told)
    copies = min(len(part["replicas"]) for part in parts)
    faults = []
    if any(part["leader"] < 0 for part in parts):
        faults.append("a partition has no leader")
    lacks = []
    if copies < _COPIES:
        lacks.append(f"{copies} of {_COPIES} copies")
    if kept and int(kept.get("min.insync.replicas", _IN_SYNC)) < _IN_SYNC:
        lacks.append(f"min.insync.replicas below {_IN_SYNC}")
    retention = int(kept.get("retention.ms", -1))
    if topic in _FOR_EVER:
        if retention != -1:
            lacks.append("is not kept for ever")
        if "compact" in kept.get("cleanup.policy", ""):
            faults.append("is compacted")
    elif 0 <= retention < _DAY_MS:
        lacks.append("is kept for less than a day")
    told = ", ".join([f"{len(parts)} partitions", *faults, *lacks])
    level = Level.FAILURE if faults else Level.WARNING if lacks else Level.OK
    return _finding(f"topic {topic}", "topic", level, told)


def _finding(subject: str, check: str, level: Level, told: str) -> Finding:
    return Finding(subject=subject, check=check, level=level, told=told)
