"""What a scope lets a viewer see."""

import pytest

from services.admin_web.domain.menu import SECTIONS, section_of, seen_by


def test_a_viewer_sees_the_sections_of_their_scope_in_groups() -> None:
    seen = seen_by(frozenset({"abac_log:read", "user:read"}))

    assert {group: [item.path for item in items] for group, items in seen.items()} == {
        "Access": ["/users"],
        "Audit": ["/audit", "/audit/accounts", "/audit/integrity", "/audit/queries"],
    }
    assert seen_by(frozenset()) == {}


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/users", "/users"),
        ("/users/1/block", "/users"),
        ("/usersandmore", None),
        ("/audit/1", "/audit"),
        ("/audit/accounts", "/audit/accounts"),
        ("/", None),
    ],
)
def test_a_page_belongs_to_the_nearest_section(path: str, section: str | None) -> None:
    found = section_of(path)
    assert (found and found.path) == section


def test_no_two_sections_are_at_one_address() -> None:
    assert len({section.path for section in SECTIONS}) == len(SECTIONS)
