"""Passkeys (WebAuthn Level 2): what a browser is asked, and what its answer is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

CHALLENGE_BITS = 256
_PREFERRED = UserVerificationRequirement.PREFERRED
_TRANSPORTS = frozenset(AuthenticatorTransport)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Who asks: the domain that passkeys belong to, and the pages they may be used on."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A public key as an authenticator registered it."""

    id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...] = ()
    is_synced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """An answer that the key signed."""

    sign_count: int
    is_synced: bool
    is_cloned: bool  # the counter did not go on: somebody else holds the key as well


def creation_options(
    party: RelyingParty,
    *,
    user_id: bytes,
    email: str,
    challenge: bytes,
    known: Sequence[Credential],
) -> dict[str, Any]:
    """PublicKeyCredentialCreationOptionsJSON, for `navigator.credentials.create`."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_id,
        user_name=email,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_PREFERRED
        ),
        exclude_credentials=_descriptors(known),
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, *, challenge: bytes, known: Sequence[Credential]
) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON, for `navigator.credentials.get`."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        allow_credentials=_descriptors(known),
        user_verification=_PREFERRED,
    )
    return options_to_json_dict(options)


def registered(
    party: RelyingParty, answer: Mapping[str, Any], *, challenge: bytes
) -> Credential | None:
    """The credential that an answer registers, if it answers this challenge on our page."""
    try:
        given = parse_registration_credential_json(dict(answer))
        made = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
        )
    except Exception:  # noqa: BLE001 — a stranger's CBOR and certificates: whatever they break
        return None
    return Credential(
        id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=tuple(str(item.value) for item in given.response.transports or ()),
        is_synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
    )


def credential_id_of(answer: Mapping[str, Any]) -> bytes | None:
    """Which credential an answer is said to be of."""
    try:
        return base64url_to_bytes(answer["id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def used(
    party: RelyingParty,
    answer: Mapping[str, Any],
    *,
    challenge: bytes,
    credential: Credential,
    user_id: bytes,
) -> Used | None:
    """What an answer shows, if the credential signed this challenge on our page."""
    try:
        # The counter is judged below: a clone is worth another word than a forgery.
        made = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=credential.public_key,
            credential_current_sign_count=0,
        )
        handle = answer["response"].get("userHandle")
        if handle and base64url_to_bytes(handle) != user_id:
            return None
    except Exception:  # noqa: BLE001 — likewise
        return None
    counts = made.new_sign_count > 0 or credential.sign_count > 0
    return Used(
        sign_count=made.new_sign_count,
        is_synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        is_cloned=counts and made.new_sign_count <= credential.sign_count,
    )


def _descriptors(known: Sequence[Credential]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=item.id,
            transports=[
                AuthenticatorTransport(name)
                for name in item.transports
                if name in _TRANSPORTS
            ]
            or None,
        )
        for item in known
    ]
