"""Verified tokens, kept for seconds and dropped at once when an event says so.

A verdict that was asked for before an event and came after it is not kept: each drop has a
number, and a verdict is kept only if no drop since its question was about it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import UUID

from services.gatekeeper.domain.drops import Drop, DropAll, DropOf
from shared.peers.mithril import VerifiedKey, VerifiedToken

_REMEMBERED = 20_000  # drops, beyond which verdicts asked for earlier are not kept


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict as the hot path wants it: with the headers that it makes."""

    verified: VerifiedToken | VerifiedKey
    headers: dict[str, str]
    until: float = 0.0  # monotonic


@dataclass(slots=True)
class TokenCache:
    """By digest, least recently used out first."""

    most: int
    generation: int = 0
    _kept: OrderedDict[bytes, Kept] = field(default_factory=OrderedDict)
    _by_id: dict[UUID, set[bytes]] = field(default_factory=dict)
    _dropped: OrderedDict[UUID, int] = field(default_factory=OrderedDict)
    _floor: int = 0  # verdicts asked for before this drop are kept by nobody

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, digest: bytes, *, now: float) -> Kept | None:
        """What is kept and still counts."""
        kept = self._kept.get(digest)
        if kept is None:
            return None
        if kept.until <= now:
            self._remove(digest)
            return None
        self._kept.move_to_end(digest)
        return kept

    def keep(self, digest: bytes, kept: Kept, *, asked_at: int) -> bool:
        """Keep a verdict that was asked for at generation `asked_at`; false if outdated."""
        ids = _ids_of(kept.verified)
        if asked_at < self._floor:
            return False
        if any(self._dropped.get(item, 0) > asked_at for item in ids):
            return False
        self._remove(digest)
        self._kept[digest] = kept
        for item in ids:
            self._by_id.setdefault(item, set()).add(digest)
        if len(self._kept) > self.most:
            self._remove(next(iter(self._kept)))
        return True

    def drop(self, drop: Drop) -> int:
        """Do as an event says; how many verdicts went."""
        if isinstance(drop, DropAll):
            return self.clear()
        if not isinstance(drop, DropOf):
            return 0
        self.generation += 1
        before = len(self._kept)
        for item in drop.ids:
            self._dropped[item] = self.generation
            self._dropped.move_to_end(item)
            for digest in list(self._by_id.get(item, ())):
                self._remove(digest)
        while len(self._dropped) > _REMEMBERED:
            _, self._floor = self._dropped.popitem(last=False)
        return before - len(self._kept)

    def clear(self) -> int:
        """Drop everything, and whatever is being asked for at this moment."""
        self.generation += 1
        self._floor = self.generation
        went = len(self._kept)
        self._kept.clear()
        self._by_id.clear()
        self._dropped.clear()
        return went

    def _remove(self, digest: bytes) -> None:
        kept = self._kept.pop(digest, None)
        if kept is None:
            return
        for item in _ids_of(kept.verified):
            digests = self._by_id.get(item)
            if digests is not None:
                digests.discard(digest)
                if not digests:
                    del self._by_id[item]


def _ids_of(verified: VerifiedToken | VerifiedKey) -> set[UUID]:
    """Whose events end the verdict."""
    ids = {verified.client_id}
    if verified.mis_client_id is not None:
        ids.add(verified.mis_client_id)
    if isinstance(verified, VerifiedToken):
        ids |= {verified.token_id, verified.user_id}
    return ids
