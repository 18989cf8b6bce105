"""What a change does to a list of scopes."""

from hypothesis import given
from hypothesis import strategies as st

from services.admin_web.domain.scopes import Difference, difference, misspelt

lists = st.lists(st.sampled_from("abcdef")).map(" ".join)


def test_a_difference_names_what_comes_goes_and_stays() -> None:
    assert difference("b:read a:read", "c:read  b:read b:read") == Difference(
        added=("c:read",), removed=("a:read",), kept=("b:read",)
    )


@given(lists, lists)
def test_what_is_kept_and_added_is_all_of_the_new_list(old: str, new: str) -> None:
    made = difference(old, new)
    assert set(made.kept) | set(made.added) == set(new.split())
    assert set(made.kept) | set(made.removed) == set(old.split())
    assert bool(made) == (set(old.split()) != set(new.split()))


def test_what_is_no_scope_is_named() -> None:
    assert misspelt('a:read "b" c\\d щось ok') == ['"b"', "c\\d", "щось"]
