"""The password policy (spec §3.9)."""

import pytest

from services.mithril_api.domain.passwords import complaints, used_recently
from shared.wire.envelope import Invalid

SHORT = Invalid(
    entry="$.password",
    rule="length",
    params={"min": 12},
    description="should be at least 12 character(s)",
)
SIMPLE = Invalid(
    entry="$.password",
    rule="format",
    params=("~r/^(?=.*[a-zа-яёїієґ])(?=.*[A-ZА-ЯЁЇIЄҐ])(?=.*\\d)/",),
    description="Password does not meet complexity requirements",
)


@pytest.mark.parametrize(
    ("password", "wanted"),
    [
        pytest.param("Correct-Horse9", [], id="Latin letters and a digit"),
        pytest.param("Ґава-їсть-їжу1", [], id="Ukrainian letters and a digit"),
        pytest.param("Їжак їсть №7 грибів", [], id="spaces are characters too"),
        pytest.param("Abcdefghijk1", [], id="exactly twelve characters"),
        pytest.param("Abcdefghij1", [SHORT], id="eleven characters"),
        pytest.param("Їжак1їжак2ї", [SHORT], id="eleven characters of two bytes each"),
        pytest.param("correct-horse9", [SIMPLE], id="no capital letter"),
        pytest.param("CORRECT-HORSE9", [SIMPLE], id="no small letter"),
        pytest.param("Correct-Horse!", [SIMPLE], id="no digit"),
        pytest.param("їжакїстьгриби7", [SIMPLE], id="small Ukrainian letters alone"),
        pytest.param("ЇЖАКЇСТЬГРИБИ7", [SIMPLE], id="capital Ukrainian letters alone"),
        pytest.param("123456789012", [SIMPLE], id="digits alone"),
        pytest.param("short", [SHORT, SIMPLE], id="every rule complains"),
        pytest.param("", [SHORT, SIMPLE], id="nothing at all"),
    ],
)
def test_a_password_is_told_everything_wrong_with_it(
    password: str, wanted: list[Invalid]
) -> None:
    assert complaints(password) == wanted


def test_a_complaint_names_the_field_it_is_about() -> None:
    (short,) = complaints("Abcdefghij1", entry="$.user.password")

    assert short.entry == "$.user.password"


def test_a_password_used_recently_is_told_so() -> None:
    assert used_recently() == Invalid(
        entry="$.password",
        rule="password_used",
        description="This password has been used recently. Try another one",
    )
