"""Laws of scope lists (spec §3.1)."""

from hypothesis import given
from hypothesis import strategies as st

from shared.models.scopes import joined, merged, narrowed, scope_list, scope_set

LISTS = st.lists(st.sampled_from(["a:read", "a:write", "b:read", "c:x"]), max_size=8)


@given(LISTS)
def test_a_list_survives_being_written_and_read(scopes: list[str]) -> None:
    assert scope_list(joined(scopes)) == list(dict.fromkeys(scopes))
    assert scope_set(joined(scopes)) == frozenset(scopes)


@given(LISTS, LISTS, LISTS)
def test_narrowing_keeps_order_and_is_the_same_in_any_order_of_limits(
    scopes: list[str], one: list[str], other: list[str]
) -> None:
    limits = frozenset(one), frozenset(other)

    assert narrowed(scopes, *limits) == narrowed(scopes, *reversed(limits))
    assert narrowed(scopes, *limits) == [s for s in scopes if s in limits[0] & limits[1]]
    assert narrowed(scopes) == scopes


@given(LISTS, LISTS)
def test_merging_puts_the_first_first_and_loses_nothing(
    first: list[str], second: list[str]
) -> None:
    both = merged(first, second)

    assert set(both) == set(first) | set(second)
    assert both[: len(set(first))] == list(dict.fromkeys(first))
    assert merged(both, second) == both
