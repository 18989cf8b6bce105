"""What people type, and what a browser's script hands over."""

import pytest

from services.auth_web.domain.passkeys import credential_of, works_at
from services.auth_web.domain.phones import code_of, normalized


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+380501234567", "+380501234567"),
        ("380501234567", "+380501234567"),
        ("050 123 45 67", "+380501234567"),
        ("(050) 123-45-67", "+380501234567"),
        ("050.123.45.67", "+380501234567"),
        ("050123456", None),
        ("+480501234567", None),
        ("+3805012345678", None),
        ("+38050١٢٣٤٥٦٧", None),
        ("", None),
    ],
)
def test_a_number_is_taken_however_it_is_grouped(typed: str, number: str | None) -> None:
    assert normalized(typed) == number


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("001234", "001234"),
        ("12345a", None),
        ("١٢٣٤٥٦", None),
        ("123", None),
        ("12345678901", None),
        ("", None),
    ],
)
def test_a_code_is_digits_and_keeps_its_zeros(typed: str, code: str | None) -> None:
    assert code_of(typed) == code


@pytest.mark.parametrize(
    ("host", "rp_id", "works"),
    [
        ("localhost:8085", "localhost", True),
        ("LOCALHOST:8085", "localhost", True),
        ("127.0.0.1:8085", "localhost", False),
        ("auth.ehealth.test", "ehealth.test", True),
        ("evilehealth.test", "ehealth.test", False),
        ("ehealth.test.evil.test", "ehealth.test", False),
        ("[::1]:8085", "localhost", False),
        ("", "localhost", False),
    ],
)
def test_passkeys_work_at_their_domain_and_under_it(
    host: str, rp_id: str, *, works: bool
) -> None:
    assert works_at(host, rp_id) is works


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"id": "a"}', {"id": "a"}),
        ("[]", None),
        ("{", None),
        ("", None),
        ("[" * 30_000, None),
        ('{"a": "' + "b" * 40_000 + '"}', None),
    ],
)
def test_a_credential_is_a_json_object_of_bounded_size(text: str, value: object) -> None:
    assert credential_of(text) == value
