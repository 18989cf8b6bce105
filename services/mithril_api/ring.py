"""The signing keys as a process holds them, for as long as it may."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.mithril_api.domain.oauth2 import signing_keys
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.signing_keys import RELOAD, Alg, SigningKey

_SOON = timedelta(seconds=5)  # an unknown key is looked for no more often


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys that are known, and those of them that can sign."""

    keys: tuple[SigningKey, ...] = ()
    signers: Mapping[str, Signer] = field(default_factory=dict)

    def signer(self, alg: Alg, now: datetime) -> Signer | None:
        """The key that signs now; none where there is none, or no secret of ours opens it."""
        key = signing_keys.signing(self.keys, alg, now)
        return None if key is None else self.signers.get(key.kid)

    def key(self, kid: object) -> SigningKey | None:
        """The key of this name, to the letter."""
        return next((key for key in self.keys if key.kid == kid), None)


class RingCache:
    """The ring as it was read last."""

    def __init__(self) -> None:
        self.last = Ring()
        self._read_at: datetime | None = None

    def fresh(self, now: datetime, *, within: timedelta = RELOAD) -> Ring | None:
        """The ring, unless it is too old to rely on."""
        if self._read_at is None or not timedelta(0) <= now - self._read_at < within:
            return None
        return self.last

    def has_just_read(self, now: datetime) -> bool:
        """Whether reading it again now would hardly tell anything new."""
        return self.fresh(now, within=_SOON) is not None

    def keep(self, ring: Ring, *, now: datetime) -> None:
        """What was read just now."""
        self.last, self._read_at = ring, now

    def forget(self) -> None:
        """It has changed: the next look reads it."""
        self._read_at = None
