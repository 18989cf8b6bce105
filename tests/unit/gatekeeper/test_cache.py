"""What is kept of verified tokens, for how long, and what an event ends."""

from uuid import UUID

from services.gatekeeper.cache import Kept, TokenCache
from services.gatekeeper.domain.drops import DropAll, DropOf, Keep
from shared.peers.mithril import VerifiedKey, VerifiedToken

USER, OTHER_USER, CLIENT, MIS, TOKEN = (UUID(int=number) for number in range(1, 6))


def kept(
    user: UUID = USER, *, token: UUID = TOKEN, mis: UUID | None = None, until: float = 10.0
) -> Kept:
    verified = VerifiedToken(
        token_id=token,
        user_id=user,
        client_id=CLIENT,
        scope=frozenset(),
        person_id=None,
        mis_client_id=mis,
    )
    return Kept(verified, {}, until)


def of(*ids: UUID) -> DropOf:
    return DropOf(frozenset(ids))


def test_a_verdict_counts_until_its_moment() -> None:
    cache = TokenCache(10)
    one = kept(until=10.0)
    assert cache.keep(b"1", one, asked_at=0)
    assert cache.find(b"1", now=9.9) is one
    assert cache.find(b"1", now=10.0) is None
    assert len(cache) == 0


def test_the_one_not_used_for_longest_goes_first() -> None:
    cache = TokenCache(2)
    cache.keep(b"1", kept(), asked_at=0)
    cache.keep(b"2", kept(), asked_at=0)
    cache.find(b"1", now=0)
    cache.keep(b"3", kept(), asked_at=0)
    assert cache.find(b"2", now=0) is None
    assert cache.find(b"1", now=0) is not None
    assert cache.find(b"3", now=0) is not None


def test_an_event_drops_verdicts_by_token_user_client_and_broker() -> None:
    for ids in (of(TOKEN), of(USER), of(CLIENT), of(MIS)):
        cache = TokenCache(10)
        cache.keep(b"1", kept(mis=MIS), asked_at=0)
        assert cache.drop(ids) == 1
        assert cache.find(b"1", now=0) is None


def test_a_key_of_a_mis_is_dropped_with_its_client() -> None:
    cache = TokenCache(10)
    verified = VerifiedKey(
        client_id=MIS, scope=frozenset(), broker_scope=None, mis_client_id=MIS
    )
    cache.keep(b"1", Kept(verified, {}, 10.0), asked_at=0)
    assert cache.drop(of(MIS)) == 1


def test_an_event_leaves_what_it_is_not_about() -> None:
    cache = TokenCache(10)
    cache.keep(b"1", kept(USER), asked_at=0)
    cache.keep(b"2", kept(OTHER_USER, token=UUID(int=9)), asked_at=0)
    assert cache.drop(of(USER)) == 1
    assert cache.find(b"2", now=0) is not None
    assert cache.drop(Keep()) == 0
    assert cache.drop(DropAll()) == 1
    assert len(cache) == 0


def test_a_verdict_asked_for_before_its_event_is_not_kept() -> None:
    cache = TokenCache(10)
    asked_at = cache.generation
    cache.drop(of(USER))
    assert not cache.keep(b"1", kept(USER), asked_at=asked_at)
    assert cache.keep(b"2", kept(OTHER_USER), asked_at=asked_at)
    assert cache.keep(b"1", kept(USER), asked_at=cache.generation)


def test_a_verdict_asked_for_before_everything_was_dropped_is_not_kept() -> None:
    cache = TokenCache(10)
    asked_at = cache.generation
    cache.clear()
    assert not cache.keep(b"1", kept(), asked_at=asked_at)
    assert cache.keep(b"1", kept(), asked_at=cache.generation)


def test_a_verdict_asked_for_before_more_drops_than_are_remembered_is_not_kept() -> None:
    cache = TokenCache(10)
    asked_at = cache.generation
    for number in range(100, 20_102):
        cache.drop(of(UUID(int=number)))
    assert not cache.keep(b"1", kept(), asked_at=asked_at)
    assert cache.keep(b"1", kept(), asked_at=cache.generation)


def test_a_verdict_that_is_kept_anew_takes_the_place_of_the_former() -> None:
    cache = TokenCache(10)
    cache.keep(b"1", kept(USER), asked_at=0)
    cache.keep(b"1", kept(OTHER_USER), asked_at=0)
    assert cache.drop(of(USER)) == 0
    assert cache.drop(of(OTHER_USER)) == 1
