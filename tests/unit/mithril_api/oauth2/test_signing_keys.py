"""The ring of signing keys: whatever signs is known, and whatever was signed can be checked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.mithril_api.domain.oauth2 import signing_keys as rules
from services.mithril_api.domain.oauth2.signing_keys import (
    JWKS_LIFE,
    RELOAD,
    REMEMBERED,
    Alg,
    SigningKey,
    Wanted,
    is_forgotten,
    is_spent,
    published,
    signing,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNED_FOR = HOUR  # the longest life of what is signed


@dataclass
class World:
    """Keys as the job and the operators make them."""

    lifetime: timedelta
    now: datetime = NOON
    keys: list[SigningKey] = field(default_factory=list)

    def job(self) -> list[Wanted]:
        found = rules.wanted(self.keys, [Alg.ES256], lifetime=self.lifetime, now=self.now)
        self._make(found, compromised=False)
        return found

    def rotate(self, *, compromised: bool) -> None:
        found = rules.wanted_at_once(
            self.keys, [Alg.ES256], compromised=compromised, now=self.now
        )
        self._make(found, compromised=compromised)

    def _make(self, found: list[Wanted], *, compromised: bool) -> None:
        for item in found:
            for former in item.replaces:
                ended = rules.retired(
                    former,
                    at=item.activates_at,
                    signatures_live=SIGNED_FOR,
                    compromised=compromised,
                )
                self.keys[self.keys.index(former)] = ended
            self.keys.append(a_key(len(self.keys), self.now, item.activates_at))

    def signer(self, at: datetime) -> SigningKey:
        found = signing(self.keys, Alg.ES256, at)
        assert found is not None
        return found


def a_key(number: int, made: datetime, activates: datetime) -> SigningKey:
    return SigningKey(
        kid=f"key-{number}",
        alg=Alg.ES256,
        public_jwk={},
        inserted_at=made,
        activates_at=activates,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    days=st.integers(2, 4),
    pauses=st.lists(st.integers(1, 300), min_size=1, max_size=60),
    by_hand=st.sets(st.integers(0, 59), max_size=3),
)
def test_a_key_signs_once_it_is_known_and_is_known_while_its_signatures_live(
    days: int, pauses: list[int], by_hand: set[int]
) -> None:
    world = World(lifetime=timedelta(days=days))
    world.job()
    signed: list[tuple[datetime, str]] = []

    def look() -> None:
        at, signer = world.now, world.signer(world.now)
        assert signer.kid == "key-0" or signer.inserted_at + JWKS_LIFE <= at
        signed.append((at, signer.kid))
        known = {key.kid for key in published(world.keys, at)}
        assert {kid for when, kid in signed if at - when <= SIGNED_FOR} <= known

    for number, minutes in enumerate(pauses):
        world.now += timedelta(minutes=minutes)
        look()
        if number in by_hand:
            world.rotate(compromised=False)
        world.job()
        look()


def test_a_key_that_nobody_replaced_signs_on_and_its_successor_settles_first() -> None:
    world = World(lifetime=timedelta(days=2))
    world.job()
    world.now += timedelta(days=30)

    late = world.signer(world.now)
    (item,) = world.job()

    assert late.kid == "key-0"
    assert item.activates_at == world.now + rules.SETTLES
    assert world.signer(item.activates_at - timedelta(seconds=1)).kid == "key-0"
    assert world.signer(item.activates_at).kid == "key-1"


def test_one_successor_is_made_however_often_the_job_runs() -> None:
    world = World(lifetime=timedelta(days=2))
    world.job()
    world.now += timedelta(days=1)

    made = [len(world.job()) for _ in range(5)]

    assert made == [1, 0, 0, 0, 0]
    assert world.keys[1].activates_at == NOON + timedelta(days=2)


def test_a_compromised_key_is_gone_at_once_and_so_is_the_one_that_waited_its_turn() -> None:
    world = World(lifetime=timedelta(days=2))
    world.job()
    world.now += timedelta(days=1)
    world.job()

    world.rotate(compromised=True)

    assert [key.kid for key in published(world.keys, world.now)] == ["key-2"]
    assert world.signer(world.now).kid == "key-2"
    states = [rules.state_of(key, world.now) for key in world.keys]
    assert states == ["withdrawn", "withdrawn", "signs"]


def test_a_private_key_goes_when_nobody_can_sign_with_it_and_the_rest_when_nobody_asks() -> (
    None
):
    key = rules.retired(a_key(0, NOON, NOON), at=NOON + HOUR, signatures_live=SIGNED_FOR)

    assert not is_spent(key, NOON + HOUR)
    assert is_spent(key, NOON + HOUR + 2 * RELOAD)
    assert key.expires_at == NOON + 2 * HOUR + 2 * RELOAD
    assert not is_forgotten(key, key.expires_at)
    assert is_forgotten(key, key.expires_at + REMEMBERED)


def test_a_key_shows_nothing_of_its_private_half() -> None:
    key = SigningKey(
        kid="k",
        alg=Alg.ES256,
        public_jwk={},
        sealed_private=b"sealed",
        inserted_at=NOON,
        activates_at=NOON,
    )
    assert "sealed" not in repr(key)
