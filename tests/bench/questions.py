"""A million facts, and questions about them as a working day asks: four in five are permitted."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

_FACTS = Path(__file__).with_name("facts.sql")
_EMPLOYEES, _ENTITIES = 20_000, 2_000
_APPROVED = 40_000  # patients with an approval; fewer than have every kind of resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A body of the decision API, and what it should be answered."""

    body: dict[str, Any]
    permitted: bool


async def load_facts(url: str) -> None:
    """Fill a migrated database."""
    conn = await asyncpg.connect(url, command_timeout=600)
    await conn.execute(_FACTS.read_text())
    await conn.execute("VACUUM ANALYZE")
    await conn.close()


def questions(count: int) -> list[Asked]:
    """Questions about so many patients, each of another."""
    step = max(1, _APPROVED // count)
    return [_question(n, n * step % _APPROVED) for n in range(count)]


def _question(number: int, patient: int) -> Asked:
    """Two own patients' episodes and an observation; an approved episode; a stranger's try."""
    match number % 5:
        case 0 | 1:
            return _asked(patient, patient, "episode", ("episode",), permitted=True)
        case 2:
            return _asked(patient, patient, "observation", (), permitted=True)
        case 3:
            return _asked(patient + 1, patient, "episode", ("episode",), permitted=True)
        case _:
            stranger = patient + 17
            return _asked(stranger, patient, "encounter", ("episode",), permitted=False)


def _asked(
    employee: int, patient: int, kind: str, places: Iterable[str], *, permitted: bool
) -> Asked:
    body = {
        "consumer": {
            "user_id": _id("user", employee % _EMPLOYEES),
            "client_id": _id("entity", employee % _ENTITIES),
            "client_type": "MIS",
        },
        "resource": {"type": kind, "action": "read", "id": _id(kind, patient)},
        "contexts": list(_contexts(patient, ("patient", *places))),
    }
    return Asked(body=body, permitted=permitted)


def _contexts(patient: int, kinds: Iterable[str]) -> Iterator[dict[str, str]]:
    for kind in kinds:
        yield {"type": kind, "id": _id(kind, patient)}


def _id(kind: str, number: int) -> str:
    digest = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False)
    return str(UUID(bytes=digest.digest()))
