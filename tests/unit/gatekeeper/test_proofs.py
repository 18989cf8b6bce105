"""What gatekeeper remembers of DPoP proofs, and what it does when that is full."""

from datetime import UTC, datetime, timedelta

from services.gatekeeper.proofs import SeenProofs
from shared.wire import dpop
from shared.wire.dpop import LIVES, Proof
from tests.integration.mithril_api.oauth2.proving import a_proof

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_read_proof(at: datetime = NOW) -> Proof:
    text = a_proof(now=int(at.timestamp()), htm="GET", htu="https://api.test/")
    proof = dpop.read([text])
    assert isinstance(proof, Proof)
    return proof


def test_while_it_is_full_no_other_proof_is_taken_and_none_is_forgotten() -> None:
    seen = SeenProofs(most=2)
    one, two, three = (a_read_proof() for _ in range(3))

    assert [seen.take(proof, now=NOW) for proof in (one, two, three)] == [True, True, False]
    assert not seen.take(one, now=NOW)


def test_what_is_too_old_to_come_again_makes_room() -> None:
    seen = SeenProofs(most=1)
    later = NOW + LIVES + timedelta(seconds=1)

    assert seen.take(a_read_proof(), now=NOW)
    assert seen.take(a_read_proof(later), now=later)
