"""Record a batch of deliveries: one transaction, exactly once (decision D12).

Records, chain heads, offsets and the numbers seen of each source are one commit: the database
is the truth, and what Kafka holds of our position follows. An event is recorded once by its id,
whoever delivers it, however often.
"""

import hashlib
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
import orjson

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain import chain as chains
from services.abac_log_consumer.domain import records, sequences
from services.abac_log_consumer.domain.records import (
    ClientName,
    Decision,
    Delivered,
    Entry,
    Read,
    TokenEvent,
    Unreadable,
)
from services.abac_log_consumer.store import recording as store
from services.abac_log_consumer.store.recording import Chain, Place
from shared.runtime import failpoints
from shared.runtime.postgres import driver_of

_ATTEMPTS = 5
# SQLSTATE classes that mean this record cannot be kept, however often it is tried: data
# exception, a constraint other than uniqueness, a limit of the server.
_POISONOUS = ("22", "23", "54")
_DECISION = tuple(field.name for field in fields(Decision))
_TOKEN_EVENT = tuple(field.name for field in fields(TokenEvent))

Heads: TypeAlias = dict[Place, tuple[int, bytes]]
Known: TypeAlias = Callable[[asyncpg.Connection, Sequence[Entry]], Awaitable[set[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a batch added, for the counters."""

    recorded: Mapping[str, int]  # by topic
    repeated: Mapping[str, int]
    chains: Mapping[Place, Chain]  # where they stand now


async def record(
    deps: Deps, batch: Sequence[Read], ends: Mapping[Place, Delivered]
) -> Outcome:
    """Record what is new of a batch, in order a partition; `ends` has the last of each.

    A partition that is not among `ends` is not read on: the offset of its chain stays.

    Nearly always all of it is new, so that is tried first. If the unique index says otherwise,
    what is there already is looked up; again if another consumer adds some meanwhile.
    """
    known: Known = _none
    for _ in range(_ATTEMPTS - 1):
        try:
            return await _record(deps, batch, ends, known)
        except asyncpg.UniqueViolationError:
            known = recorded
    return await _record(deps, batch, ends, known)


async def _record(
    deps: Deps, batch: Sequence[Read], ends: Mapping[Place, Delivered], known: Known
) -> Outcome:
    entries = [item for item in batch if not isinstance(item, Unreadable)]
    async with deps.db.begin() as conn:
        driver = driver_of(conn)
        places = {Place(item.topic, item.partition) for item in entries}
        held = await store.lock_chains(driver, sorted(places | ends.keys()))
        now = deps.clock.now()
        failpoints.reach("record.locked")
        fresh = _once(entries, await known(driver, entries))
        names = await _names(driver, fresh)
        heads: Heads = {
            place: (chain.chain_sequence, chain.head_hash) for place, chain in held.items()
        }
        await _add(driver, fresh, heads, names, now=now)
        await _keep_raw(driver, batch, now=now)
        failpoints.reach("record.added")
        await store.see(driver, _seen(batch), now=now)
        moved = _moved(held, heads, ends)
        await store.move_chains(driver, moved, now=now)
        failpoints.reach("record.moved")
    return _outcome(entries, fresh, moved)


async def _none(_: asyncpg.Connection, __: Sequence[Entry]) -> set[str]:
    return set()


async def recorded(driver: asyncpg.Connection, entries: Sequence[Entry]) -> set[str]:
    """The event ids of those that are in the log."""
    decisions = [item for item in entries if isinstance(item, Decision)]
    events = [item for item in entries if isinstance(item, TokenEvent)]
    found: set[str] = set()
    if decisions:
        found |= await store.known_decisions(
            driver,
            [item.event_id for item in decisions],
            [item.decided_at for item in decisions],
        )
    if events:
        found |= await store.known_token_events(
            driver, [item.event_id for item in events], [item.at for item in events]
        )
    return found


def _once(entries: Iterable[Entry], known: set[str]) -> list[Entry]:
    """Those not known, the first of each id."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.event_id not in known:
            found.setdefault(entry.event_id, entry)
    return list(found.values())


async def _names(driver: asyncpg.Connection, entries: Sequence[Entry]) -> dict[str, str]:
    """Learn the names that these entries tell; then those of the clients they speak of."""
    told: dict[str, ClientName] = {}
    for entry in entries:
        if isinstance(entry, TokenEvent) and (name := records.name_of(entry)):
            before = told.get(name.client_id)
            if before is None or before.at < name.at:
                told[name.client_id] = name
    if told:
        await store.learn_names(driver, list(told.values()))
    wanted = {item.client_id for item in entries if isinstance(item, Decision)}
    return await store.names_of(driver, sorted(wanted)) if wanted else {}


async def _add(
    driver: asyncpg.Connection,
    entries: Sequence[Entry],
    heads: Heads,
    names: Mapping[str, str],
    *,
    now: datetime,
) -> None:
    """Add entries as the next links of their chains, whose `heads` move along.

    A topic has one kind of entry, so no chain's order is disturbed by adding one after the other.
    """
    decisions = [item for item in entries if isinstance(item, Decision)]
    events = [item for item in entries if isinstance(item, TokenEvent)]
    if decisions:
        rows = (_decision_columns(item, names, now=now) for item in decisions)
        await store.add_decisions(driver, _chained(rows, heads))
    if events:
        rows = (_event_columns(item, now=now) for item in events)
        await store.add_token_events(driver, _chained(rows, heads))


def _decision_columns(
    entry: Decision, names: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    columns = {name: getattr(entry, name) for name in _DECISION}
    columns["recorded_at"] = now
    columns["client_name"] = names.get(entry.client_id)
    columns["contexts"] = orjson.dumps(entry.contexts).decode()
    return columns


def _event_columns(entry: TokenEvent, *, now: datetime) -> dict[str, Any]:
    columns = {name: getattr(entry, name) for name in _TOKEN_EVENT}
    columns["recorded_at"] = now
    columns["data"] = orjson.dumps(entry.data).decode()
    return columns


def _chained(rows: Iterable[dict[str, Any]], heads: Heads) -> Iterator[dict[str, Any]]:
    """Each row with its number and hashes, made as it is drawn.

    So PostgreSQL takes the first rows in while the later ones are hashed.
    """
    for columns in rows:
        place = Place(columns["topic"], columns["partition"])
        sequence, head = heads[place]
        columns["chain_sequence"] = sequence + 1
        made = chains.link(head, chains.canonical(columns))
        heads[place] = sequence + 1, made
        columns["previous_hash"], columns["hash"] = head, made
        yield columns


async def _keep_raw(
    driver: asyncpg.Connection, batch: Sequence[Read], *, now: datetime
) -> None:
    rejections = [_rejection(item) for item in batch if isinstance(item, Unreadable)]
    if rejections:
        await store.reject(driver, rejections, now=now)


def _rejection(item: Unreadable) -> store.Rejection:
    raw = item.delivered
    return store.Rejection(
        place=Place(raw.topic, raw.partition),
        offset=raw.offset,
        digest=digest_of(raw),
        key=raw.key,
        value=raw.value,
        headers=orjson.dumps(
            [[name, b64encode(value).decode()] for name, value in raw.headers]
        ).decode(),
        why=item.why,
        source=item.source,
        source_sequence=item.source_sequence,
    )


def digest_of(raw: Delivered) -> bytes:
    """SHA-256 of a record's key, value and headers: what tells one from another."""
    made = hashlib.sha256()
    for part in (raw.key, raw.value, *(part for item in raw.headers for part in item)):
        octets = part.encode() if isinstance(part, str) else part
        made.update(b"-" if octets is None else b"%d:%b" % (len(octets), octets))
    return made.digest()


def _seen(batch: Sequence[Read]) -> list[tuple[str, int, str]]:
    numbers: dict[str, set[int]] = defaultdict(set)
    for item in batch:
        if item.source is not None and item.source_sequence is not None:
            numbers[item.source].add(item.source_sequence)
    return [
        (source, bucket, bits)
        for source, found in sorted(numbers.items())
        for bucket, bits in sorted(sequences.marks(found).items())
    ]


def _moved(
    held: Mapping[Place, Chain], heads: Heads, ends: Mapping[Place, Delivered]
) -> dict[Place, Chain]:
    moved = {}
    for place, chain in held.items():
        sequence, head = heads[place]
        moved[place] = replace(chain, chain_sequence=sequence, head_hash=head)
        if (end := ends.get(place)) is not None:
            moved[place] = replace(
                moved[place], next_offset=end.offset + 1, last_digest=digest_of(end)
            )
    return moved


def _outcome(
    entries: Sequence[Entry], fresh: Sequence[Entry], moved: Mapping[Place, Chain]
) -> Outcome:
    delivered = Counter(entry.topic for entry in entries)
    recorded = Counter(entry.topic for entry in fresh)
    return Outcome(recorded=recorded, repeated=delivered - recorded, chains=moved)


def is_poisonous(error: Exception) -> bool:
    """Whether it is the records that were refused, not the database that failed."""
    if not isinstance(error, asyncpg.PostgresError):
        return True
    state = str(getattr(error, "sqlstate", ""))
    return state.startswith(_POISONOUS) and state != "23505"
