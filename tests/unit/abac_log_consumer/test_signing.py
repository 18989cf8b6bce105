"""Keys of checkpoints."""

import pytest

from services.abac_log_consumer.domain.signing import (
    SigningKey,
    is_signed,
    key_id_of,
    public_key,
    trusted,
)

# RFC 8032 §7.1, test 2
SECRET = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_a_signature_is_that_of_the_rfc() -> None:
    key = SigningKey.of(SECRET)

    assert key.public.hex() == PUBLIC
    assert key.sign(b"\x72").hex() == SIGNATURE
    assert SECRET not in repr(key)


@pytest.mark.parametrize("wrong", ["", "4c", "not hexadecimal", SECRET + "00"])
def test_what_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|non-hex"):
        SigningKey.of(wrong)
    with pytest.raises(ValueError, match=r"hexadecimal|non-hex"):
        public_key(wrong)


@pytest.mark.parametrize(
    ("message", "key_id", "holds"),
    [
        pytest.param(b"\x72", key_id_of(bytes.fromhex(PUBLIC)), True, id="as signed"),
        pytest.param(
            b"\x73", key_id_of(bytes.fromhex(PUBLIC)), False, id="another message"
        ),
        pytest.param(b"\x72", "unknown", False, id="a key nobody trusts"),
    ],
)
def test_a_signature_holds_for_its_message_and_a_trusted_key(
    message: bytes, key_id: str, holds: bool
) -> None:
    keys = trusted([public_key(PUBLIC)])
    signature = bytes.fromhex(SIGNATURE)

    assert is_signed(message, signature, key_id=key_id, keys=keys) is holds
