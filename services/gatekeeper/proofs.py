"""DPoP proofs that came, for as long as they could come again.

A process knows its own. A thief who has a token and one of its proofs could show that proof to
another replica within a minute, for the same method and address, and to nothing else.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from shared.wire.dpop import LIVES, Proof


@dataclass(slots=True)
class SeenProofs:
    """By digest, the oldest first. Only proofs of live tokens come here.

    While as many as may be are still to be remembered, no other one is taken: to forget one
    would let it come again.
    """

    most: int
    _until: OrderedDict[bytes, datetime] = field(default_factory=OrderedDict)

    def take(self, proof: Proof, *, now: datetime) -> bool:
        """Whether it is the first time that it comes."""
        digest = proof.digest()
        known = self._until.get(digest)
        if known is not None and known >= now:
            return False
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        if len(self._until) >= self.most:
            return False
        # From its coming on, not from its `iat`: so the oldest is the first to go.
        self._until[digest] = max(now, proof.iat) + LIVES
        self._until.move_to_end(digest)
        return True
