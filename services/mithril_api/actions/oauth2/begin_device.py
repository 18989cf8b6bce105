"""Keep what a device asks its user for, under two codes (RFC 8628 §3.2): one transaction."""

from dataclasses import dataclass, field

from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.keys import USER_CODE
from services.mithril_api.domain.oauth2 import devices
from services.mithril_api.domain.oauth2.devices import DeviceRequest, Waiting
from services.mithril_api.store import device_authorizations
from shared.models.ids import ClientId

_TRIES = 5  # that so many codes in a row are in use never happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The code of the device, and that of its user."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


async def begin(deps: Deps, client_id: ClientId, request: DeviceRequest) -> Begun:
    """The codes. Of neither more than a digest is kept."""
    now = deps.clock.now()
    waiting = Waiting(
        client_id=client_id,
        request=request,
        interval=devices.INTERVAL,
        expires_at=now + devices.LIVES,
    )
    # Written like a token, since the code that its user's answer makes is kept among them.
    random = deps.entropy.bits(values.RANDOM_BITS)
    device_code = values.compose(expires_at=waiting.expires_at, random=random)
    async with deps.db.begin() as conn:
        for _ in range(_TRIES):
            user_code = devices.user_code(deps.entropy.below(devices.CODES))
            if await device_authorizations.add(
                conn,
                values.digest_of(device_code),
                waiting,
                user_code_digest=deps.settings.keyring.digest(USER_CODE, user_code),
                now=now,
            ):
                return Begun(device_code=device_code, user_code=user_code)
    raise RuntimeError("no user code is free")
